using System.Globalization;
using System.Net;
using System.Text;

namespace FastIot.Evaluation;

/// <summary>The report as one HTML file: no script, nothing loaded from anywhere, light and dark, readable on a phone.</summary>
public static class EvaluationHtml
{
    public static string Write(EvaluationReport report)
    {
        var page = new StringBuilder();
        page.Append("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>FastIot: evaluation</title><style>")
            .Append(EvaluationStyle.Css).Append("</style></head><body><main>");
        Header(page, report);
        foreach (DetectorResult model in report.Detectors.Where(d => d.Role == DetectorRole.Model)) EvaluationTables.Cards(page, model);
        Budgets(page, report);
        EvaluationTables.SameAlarms(page, report);
        EvaluationTables.Comparisons(page, report);
        foreach (DetectorResult model in report.Detectors.Where(d => d.Role != DetectorRole.Baseline)) EvaluationTables.Kinds(page, model);
        EvaluationTables.Calibrated(page, report);
        Delays(page, report);
        Curves(page, report);
        EvaluationTables.Windows(page, report);
        EvaluationTables.Rules(page, report);
        return page.Append("</main></body></html>").ToString();
    }

    internal static string Text(string text) => WebUtility.HtmlEncode(text);

    private static void Header(StringBuilder page, EvaluationReport report)
    {
        page.Append("<h1>Evaluation</h1><p>").Append(Text(report.Data)).Append(".</p><p class=\"quiet\">");
        page.Append(CultureInfo.InvariantCulture, $"{report.Series:N0} series, {report.Windows:N0} windows scored, {report.AnomalousWindows:P1} of them anomalous; {report.Events:N0} events; {report.HealthyDays:N1} healthy sensor-days. Intervals: 95 %, {report.Resamples:N0} resamples of the sensors.</p>");
        if (report.Notes.Count == 0) return;
        page.Append("<ul class=\"quiet\">");
        foreach (string note in report.Notes) page.Append("<li>").Append(Text(note)).Append("</li>");
        page.Append("</ul>");
    }

    private static void Budgets(StringBuilder page, EvaluationReport report)
    {
        page.Append("<section><h2>Events found over false alarms</h2><p class=\"quiet\">Further up and to the left is better. A detector that cries all day finds everything.</p>");
        page.Append(new SvgPlot("Events found over false alarms", "false alarm episodes per sensor-day", "events found") { X = (.05, 100), LogX = true, XTicks = [.1, .3, 1, 3, 10, 30, 100] }
            .Write(Lines(report, d => d.BudgetCurve)));
        Legend(page, report).Append("</section>");
    }

    private static void Curves(StringBuilder page, EvaluationReport report)
    {
        page.Append("<section><h2>Windows, each by itself</h2><div class=\"pair\"><figure>");
        page.Append(new SvgPlot("Precision over recall", "recall", "precision").Write(Lines(report, d => d.PrCurve)));
        page.Append("<figcaption>Precision and recall</figcaption></figure><figure>");
        page.Append(new SvgPlot("ROC", "false positive rate", "true positive rate").Write([new PlotLine("chance", -1, false, [new(0, 0), new(1, 1)]), .. Lines(report, d => d.RocCurve)]));
        page.Append("<figcaption>ROC: flatters detectors with many false alarms</figcaption></figure></div>");
        Legend(page, report).Append("</section>");
    }

    /// <summary>For each model: the share of a kind's found events that were found within a time.</summary>
    private static void Delays(StringBuilder page, EvaluationReport report)
    {
        foreach (DetectorResult model in report.Detectors.Where(d => d.Role == DetectorRole.Model))
        {
            OperatingPoint? at = model.AtBudgets.FirstOrDefault(p => p.Budget == 1);
            if (at == null || at.DelaysByKind.Values.All(d => d.Length == 0)) continue;
            string[] kinds = [.. at.DelaysByKind.Keys];
            PlotLine[] lines = [.. kinds.Select((kind, i) => new PlotLine(kind, i, true, [.. at.DelaysByKind[kind].Select((seconds, n) => new CurvePoint(Math.Max(1, seconds), (n + 1.0) / at.DelaysByKind[kind].Length))]))];
            page.Append("<section><h2>Time to the alarm: ").Append(Text(model.Name)).Append("</h2><p class=\"quiet\">Of the events found at one false alarm per sensor-day: the share that had raised its alarm within a time from the event's start.</p>");
            page.Append(new SvgPlot("Time to the alarm", "seconds", "share of events found") { X = (1, 2000), LogX = true, XTicks = [1, 3, 10, 30, 100, 300, 1000] }.Write(lines));
            page.Append("<ul class=\"legend\">");
            for (int i = 0; i < kinds.Length; i++)
            {
                string median = at.MedianDelayByKind.TryGetValue(kinds[i], out double m) ? string.Create(CultureInfo.InvariantCulture, $", median {m:0} s") : "";
                page.Append(CultureInfo.InvariantCulture, $"<li><i class=\"s{i} strong\"></i>{kinds[i]}{median}</li>");
            }

            page.Append("</ul></section>");
        }
    }

    private static PlotLine[] Lines(EvaluationReport report, Func<DetectorResult, IReadOnlyList<CurvePoint>> curve) =>
        [.. report.Detectors.Select((d, i) => new PlotLine(d.Name, i, d.Role == DetectorRole.Model, curve(d)))];

    private static StringBuilder Legend(StringBuilder page, EvaluationReport report)
    {
        page.Append("<ul class=\"legend\">");
        for (int i = 0; i < report.Detectors.Count; i++)
            page.Append(CultureInfo.InvariantCulture, $"<li><i class=\"s{i % 12}{(report.Detectors[i].Role == DetectorRole.Model ? " strong" : "")}\"></i>{Text(report.Detectors[i].Name)}</li>");
        return page.Append("</ul>");
    }
}
