using System.Globalization;
using System.Text;
using FastIot.Evaluation;

namespace FastIot.Cli;

/// <summary>The evaluation for people: tables on the terminal.</summary>
internal static class EvaluationText
{
    public static string Write(EvaluationReport report)
    {
        var text = new StringBuilder();
        Line(text, report.Data);
        Line(text, $"{report.Series:N0} series, {report.Windows:N0} windows scored, {report.AnomalousWindows:P1} of them anomalous, {report.Events:N0} events, {report.HealthyDays:N1} healthy sensor-days");
        foreach (string note in report.Notes) Line(text, "note: " + note);
        int width = report.Detectors.Max(d => d.Name.Length) + 2;
        SameAlarms(text, report, width);
        Windows(text, report, width);
        Calibrated(text, report, width);
        foreach (DetectorResult model in report.Detectors.Where(d => d.Role != DetectorRole.Baseline)) Kinds(text, model);
        Comparisons(text, report, width);
        return text.ToString();
    }

    private static void SameAlarms(StringBuilder text, EvaluationReport report, int width)
    {
        Line(text, $"\nEvents found when each detector may raise as many false alarms per sensor-day (95 % interval of {report.Resamples} resamples of the sensors)");
        double[] budgets = [.. report.Detectors[0].AtBudgets.Select(b => b.Budget)];
        Line(text, "".PadRight(width) + string.Concat(budgets.Select(b => $"at {b:0.#} a day".PadRight(20))));
        foreach (DetectorResult d in report.Detectors) Line(text, d.Name.PadRight(width) + string.Concat(d.AtBudgets.Select(p => Interval(p.Detection).PadRight(20))));
    }

    private static void Windows(StringBuilder text, EvaluationReport report, int width)
    {
        Line(text, "\nWindows, each by itself");
        Line(text, "".PadRight(width) + "ROC-AUC            PR-AUC             best F1  F1 at P≥.95        " + string.Concat(report.Detectors[0].Quantiles.Select(q => $"q{q.Quantile * 100:0.#}: P/R/F1, found (chance), FA/day".PadRight(42))));
        foreach (DetectorResult d in report.Detectors)
        {
            Line(text, d.Name.PadRight(width) + Interval(d.RocAuc).PadRight(19) + Interval(d.PrAuc).PadRight(19) + $"{Share(d.BestF1),-9}" + Interval(d.F1AtPrecision95).PadRight(19)
                + string.Concat(d.Quantiles.Select(q => $"{Share(q.Precision)}/{Share(q.Recall)}/{Share(q.F1)}, {Share(q.Detection)} ({Share(q.Chance)}), {q.FalseAlarmsPerDay:0.##}".PadRight(42))));
        }
    }

    private static void Calibrated(StringBuilder text, EvaluationReport report, int width)
    {
        if (!report.Detectors.Any(d => d.Calibrated.Count > 0)) return;
        Line(text, "\nAt thresholds fixed beforehand (a model's own calibration, a baseline's on healthy sensors)");
        Line(text, "".PadRight(width) + "budget  false alarms/day      undisturbed  found              chance  easy+medium  P / R / F1 of windows   median delay");
        foreach (DetectorResult d in report.Detectors)
        {
            foreach (OperatingPoint p in d.Calibrated)
                Line(text, d.Name.PadRight(width) + $"{p.Budget,-8:0.##}{Interval(p.FalseAlarmsPerDay, "0.00"),-22}{p.UndisturbedPerDay,-13:0.00}{Interval(p.Detection),-19}{Share(p.Chance),-8}{Share(p.EasyMedium.Value),-13}{Share(p.Precision)} / {Share(p.Recall)} / {Share(p.F1),-10}{(p.MedianDelaySeconds is { } m ? $"{m:0} s" : "-")}");
        }
    }

    private static void Kinds(StringBuilder text, DetectorResult model)
    {
        foreach (OperatingPoint p in model.AtBudgets.Where(p => p.Budget is 1 or .1))
        {
            Line(text, $"\n{model.Name} at {p.Budget:0.#} false alarms a day: found of events, median delay");
            foreach (IGrouping<string, KindTier> kind in p.ByKindAndTier.GroupBy(k => k.Kind))
            {
                string all = p.ByKind.TryGetValue(kind.Key, out Estimate? share) ? Interval(share) : "";
                Line(text, $"  {kind.Key,-9}{all,-19}" + string.Concat(kind.Select(k => $"{k.Tier ?? "all"} {Share(k.Events == 0 ? double.NaN : (double)k.Detected / k.Events)} of {k.Events}{(k.MedianDelaySeconds is { } m ? $", {m:0} s" : "")}".PadRight(28))));
            }

            Line(text, "  " + string.Join(", ", p.ByType.Select(t => $"{t.Key} {Share(t.Value.Share)} of {t.Value.Events}")));
        }
    }

    private static void Comparisons(StringBuilder text, EvaluationReport report, int width)
    {
        if (report.Comparisons.Count == 0) return;
        foreach (IGrouping<string, Comparison> model in report.Comparisons.GroupBy(c => c.Model))
        {
            Line(text, $"\n{model.Key}: how many more events it finds than each baseline at the same false alarms (paired; * = interval above zero)");
            Line(text, "".PadRight(width) + string.Concat(model.Select(c => c.Budget).Distinct().Select(b => $"at {b:0.#} a day".PadRight(22))));
            foreach (IGrouping<string, Comparison> baseline in model.GroupBy(c => c.Baseline))
                Line(text, baseline.Key.PadRight(width) + string.Concat(baseline.Select(c => ($"{Signed(c.Difference)}{(c.Better ? " *" : "")}").PadRight(22))));
        }
    }

    private static string Signed(Estimate e) => string.Create(CultureInfo.InvariantCulture, $"{e.Value:+.00;-.00;.00} [{e.Low:+.00;-.00;.00}, {e.High:+.00;-.00;.00}]");

    private static string Interval(Estimate e, string format = ".00") => double.IsNaN(e.Value) ? "-" : double.IsNaN(e.Low) ? Number(e.Value, format) : $"{Number(e.Value, format)} [{Number(e.Low, format)}, {Number(e.High, format)}]";

    private static string Share(double value) => Number(value, ".00");

    private static string Number(double value, string format) => double.IsNaN(value) ? "-" : value.ToString(format, CultureInfo.InvariantCulture);

    private static void Line(StringBuilder text, string line) => text.AppendLine(line.TrimEnd());
}
