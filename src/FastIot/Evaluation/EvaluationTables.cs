using System.Globalization;
using System.Text;

namespace FastIot.Evaluation;

/// <summary>The report's tables as HTML.</summary>
internal static class EvaluationTables
{
    public static void Cards(StringBuilder page, DetectorResult model)
    {
        page.Append("<section><h2>").Append(EvaluationHtml.Text(model.Name)).Append("</h2><div class=\"cards\">");
        foreach (OperatingPoint p in model.AtBudgets.Where(p => p.Budget is 1 or .1)) Card(page, $"found at {p.Budget:0.#} false alarms a day", p.Detection, true);
        Card(page, "PR-AUC of windows", model.PrAuc, false);
        Card(page, "F1 at precision ≥ .95", model.F1AtPrecision95, false);
        Card(page, "ROC-AUC of windows", model.RocAuc, false);
        page.Append("</div></section>");
    }

    public static void SameAlarms(StringBuilder page, EvaluationReport report)
    {
        string[] budgets = [.. report.Detectors[0].AtBudgets.Select(p => $"{p.Budget:0.#} a day")];
        Open(page, "Events found at the same false alarms", "Each detector's threshold is the lowest that keeps the budget on these data.", ["", .. budgets]);
        foreach (DetectorResult d in report.Detectors) Row(page, d.Name, d.Role == DetectorRole.Model, d.AtBudgets.Select(p => Heat(p.Detection.Value, Interval(p.Detection))));
        Close(page);
    }

    public static void Comparisons(StringBuilder page, EvaluationReport report)
    {
        foreach (IGrouping<string, Comparison> model in report.Comparisons.GroupBy(c => c.Model))
        {
            Open(page, $"{model.Key} less each baseline", "Difference of the shares of events found, on the same resampled sensors. Bold: the interval lies above zero.",
                ["", .. model.Select(c => c.Budget).Distinct().Select(b => $"{b:0.#} a day")]);
            foreach (IGrouping<string, Comparison> baseline in model.GroupBy(c => c.Baseline))
                Row(page, baseline.Key, false, baseline.Select(c => $"<td>{(c.Better ? "<b>" : "")}{Signed(c.Difference)}{(c.Better ? "</b>" : "")}</td>"));
            Close(page);
        }
    }

    /// <summary>Heat table of kind and tier, at one false alarm a day and a tenth.</summary>
    public static void Kinds(StringBuilder page, DetectorResult model)
    {
        foreach (OperatingPoint p in model.AtBudgets.Where(p => p.Budget is 1 or .1 && p.ByKindAndTier.Count > 0))
        {
            string[] tiers = [.. p.ByKindAndTier.Select(k => k.Tier ?? "").Distinct()];
            Open(page, $"{model.Name} by kind, at {p.Budget:0.#} a day", "Events found, how many there were, and the median time to the alarm.", ["", .. tiers, "all"]);
            foreach (IGrouping<string, KindTier> kind in p.ByKindAndTier.GroupBy(k => k.Kind))
            {
                IEnumerable<string> cells = tiers.Select(t => kind.FirstOrDefault(k => (k.Tier ?? "") == t) is not { } k ? "<td></td>"
                    : Heat((double)k.Detected / k.Events, $"{Share((double)k.Detected / k.Events)}<small> of {k.Events}{(k.MedianDelaySeconds is { } m ? string.Create(CultureInfo.InvariantCulture, $", {m:0} s") : "")}</small>"));
                Row(page, kind.Key, false, cells.Append(p.ByKind.TryGetValue(kind.Key, out Estimate? all) ? Heat(all.Value, Interval(all)) : "<td></td>"));
            }

            Close(page, "By type: " + string.Join(", ", p.ByType.Select(t => $"{t.Key} {Share(t.Value.Share)} of {t.Value.Events}")) + ". Of easy and medium ones together: " + Interval(p.EasyMedium) + ".");
        }
    }

    public static void Calibrated(StringBuilder page, EvaluationReport report)
    {
        if (!report.Detectors.Any(d => d.Calibrated.Count > 0)) return;
        Open(page, "At thresholds fixed beforehand", "What a user gets who asks for a budget: a model's own calibration, a baseline's threshold from healthy sensors. Undisturbed: more than half an hour behind an event.",
            ["", "budget", "false alarms a day", "undisturbed", "found", "by chance", "precision", "recall", "F1", "median delay"]);
        foreach (DetectorResult d in report.Detectors)
        {
            foreach (OperatingPoint p in d.Calibrated)
            {
                Row(page, d.Name, d.Role == DetectorRole.Model,
                    [$"<td>{Number(p.Budget, "0.#")}</td>", $"<td>{Interval(p.FalseAlarmsPerDay, "0.00")}</td>", $"<td>{Number(p.UndisturbedPerDay, "0.00")}</td>", Heat(p.Detection.Value, Interval(p.Detection)),
                    $"<td>{Share(p.Chance)}</td>", $"<td>{Share(p.Precision)}</td>", $"<td>{Share(p.Recall)}</td>", $"<td>{Share(p.F1)}</td>", $"<td>{(p.MedianDelaySeconds is { } m ? Number(m, "0") + " s" : "")}</td>"]);
            }
        }

        Close(page);
    }

    public static void Windows(StringBuilder page, EvaluationReport report)
    {
        string[] kinds = [.. report.Detectors[0].RocAucByKind.Keys];
        Open(page, "Ranking of windows", "", ["", "ROC-AUC", "PR-AUC", "best F1", "F1 at P ≥ .95", .. kinds.Select(k => $"ROC {k}")]);
        foreach (DetectorResult d in report.Detectors)
        {
            Row(page, d.Name, d.Role == DetectorRole.Model, [$"<td>{Interval(d.RocAuc)}</td>", Heat(d.PrAuc.Value, Interval(d.PrAuc)), $"<td>{Share(d.BestF1)}</td>", Heat(d.F1AtPrecision95.Value, Interval(d.F1AtPrecision95)),
                .. kinds.Select(k => $"<td>{Share(d.RocAucByKind[k])}</td>")]);
        }

        Close(page);
        Open(page, "At quantiles of healthy scores", "The predecessor's list: precision / recall / F1 of windows, events found (by chance), false alarms per sensor-day.", ["", .. report.Detectors[0].Quantiles.Select(q => $"q{q.Quantile * 100:0.#}")]);
        foreach (DetectorResult d in report.Detectors)
        {
            Row(page, d.Name, d.Role == DetectorRole.Model, d.Quantiles.Select(q =>
                $"<td>{Share(q.Precision)} / {Share(q.Recall)} / {Share(q.F1)}<br><small>{Share(q.Detection)} ({Share(q.Chance)}) at {Number(q.FalseAlarmsPerDay, "0.#")} a day</small></td>"));
        }

        Close(page);
    }

    public static void Rules(StringBuilder page, EvaluationReport report) => page.Append(CultureInfo.InvariantCulture, $"""
        <section class="quiet"><h2>How it is counted</h2><ul>
        <li>An event is found when a window that shows it alarms: for a spike any window that touches it, else one that overlaps it for half its length (30 s of 60) or holds it wholly; for a drift the window must also end within the ramp.</li>
        <li>Other windows that touch an event, and those that begin within two minutes behind one, count neither way. Nothing is point-adjusted.</li>
        <li>A false alarm is a run of alarms, at most 60 s apart, on healthy windows. Rates are per day of healthy windows.</li>
        <li>By chance: stretches as long as the events, placed on healthy windows.</li>
        <li>All detectors are judged by the same windows: those that all have scored ({report.Windows:N0}).</li></ul></section>
        """);

    private static void Card(StringBuilder page, string what, Estimate e, bool isMain) =>
        page.Append(CultureInfo.InvariantCulture, $"<div class=\"card{(isMain ? " main" : "")}\"><b>{Share(e.Value)}</b><span>{what}</span><small>{Share(e.Low)} to {Share(e.High)}</small></div>");

    private static void Open(StringBuilder page, string title, string explanation, IEnumerable<string> columns)
    {
        page.Append("<section><h2>").Append(EvaluationHtml.Text(title)).Append("</h2>");
        if (explanation.Length > 0) page.Append("<p class=\"quiet\">").Append(EvaluationHtml.Text(explanation)).Append("</p>");
        page.Append("<div class=\"scroll\"><table><thead><tr>");
        foreach (string column in columns) page.Append("<th>").Append(EvaluationHtml.Text(column)).Append("</th>");
        page.Append("</tr></thead><tbody>");
    }

    private static void Row(StringBuilder page, string name, bool isModel, IEnumerable<string> cells)
    {
        page.Append(isModel ? "<tr class=\"model\"><th>" : "<tr><th>").Append(EvaluationHtml.Text(name)).Append("</th>");
        foreach (string cell in cells) page.Append(cell);
        page.Append("</tr>");
    }

    private static void Close(StringBuilder page, string below = "")
    {
        page.Append("</tbody></table></div>");
        if (below.Length > 0) page.Append("<p class=\"quiet\">").Append(below).Append("</p>");
        page.Append("</section>");
    }

    /// <summary>A cell whose ground tells the value, 0 to 1.</summary>
    private static string Heat(double value, string content) =>
        double.IsNaN(value) ? $"<td>{content}</td>" : string.Create(CultureInfo.InvariantCulture, $"<td class=\"heat\" style=\"--h:{Math.Clamp(value, 0, 1):0.##}\">{content}</td>");

    private static string Interval(Estimate e, string format = ".00") =>
        double.IsNaN(e.Value) ? "–" : double.IsNaN(e.Low) ? Number(e.Value, format) : $"{Number(e.Value, format)}<small> {Number(e.Low, format)}–{Number(e.High, format)}</small>";

    private static string Signed(Estimate e) => string.Create(CultureInfo.InvariantCulture, $"{e.Value:+.00;−.00;.00}<small> {e.Low:+.00;−.00;.00} to {e.High:+.00;−.00;.00}</small>");

    private static string Share(double value) => Number(value, ".00");

    private static string Number(double value, string format) => double.IsNaN(value) ? "–" : value.ToString(format, CultureInfo.InvariantCulture);
}
