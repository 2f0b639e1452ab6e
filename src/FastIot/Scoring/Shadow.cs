using System.Diagnostics;
using FastIot.Windows;
using Microsoft.Extensions.Logging;

namespace FastIot.Scoring;

/// <summary>
/// A second model that scores what the one in force has scored, for comparison in metrics. Nothing it says reaches a result, a baseline, a
/// file or a commit. Should it fail, in whatever worker, it is off from then on, and the pipeline goes on.
/// </summary>
public sealed partial class Shadow : IDisposable
{
    private readonly Model _model;
    private readonly double _alarmBudget;
    private readonly WindowSpec _windows;
    private readonly ILogger _log;
    private readonly List<ShadowFigures> _figures = [];
    private int _failed;

    /// <param name="model">From now on this object's.</param>
    /// <param name="live">The one in force.</param>
    /// <exception cref="ModelException">It wants other features than those that are kept for the one in force.</exception>
    public Shadow(Model model, Model live, PipelineOptions options, ILogger log)
    {
        if (model.Manifest.Features.DifferenceFrom(live.Manifest.Features) is { } difference)
        {
            string label = model.Label;
            model.Dispose();
            throw new ModelException($"{label} cannot be the shadow of {live.Label}: {difference}. What is learnt of a series is kept for one set of features; "
                + $"models of different ones are compared by: fastiot evaluate --model {live.Label} --model {label}");
        }

        _model = model;
        _alarmBudget = options.AlarmBudget;
        _windows = options.Windows;
        _log = log;
        Scores(log, model.Label, live.Label);
    }

    /// <summary>"name:version".</summary>
    public string Label => _model.Label;

    /// <summary>False from its first failure on.</summary>
    public bool IsOn => Volatile.Read(ref _failed) == 0;

    /// <summary>Of each worker.</summary>
    public IReadOnlyList<ShadowFigures> Figures => _figures;

    /// <summary>Time spent in it, all workers.</summary>
    public double Seconds => _figures.Sum(f => Volatile.Read(ref f.Ticks)) / (double)Stopwatch.Frequency;

    public long Windows(int type, ShadowOutcome outcome) => _figures.Sum(f => f.Windows(type, outcome));

    /// <summary>Windows that both models have scored, of a type.</summary>
    public long Compared(int type) => Windows(type, ShadowOutcome.Both) + Windows(type, ShadowOutcome.Live) + Windows(type, ShadowOutcome.Shadow) + Windows(type, ShadowOutcome.Neither);

    /// <summary>One window of each series and slide: how long the sensors of a type were watched by both models.</summary>
    public double SensorDays(int type) => Compared(type) * (_windows.SlideUs / 86400e6);

    public long Alarms(int model, int type) => _figures.Sum(f => f.Alarms(model, type));

    public (long Windows, double Sum) Differences(int bin) => (_figures.Sum(f => f.Differences(bin).Windows), _figures.Sum(f => f.Differences(bin).Sum));

    public void Dispose() => _model.Dispose();

    /// <summary>One worker's part; before the workers start.</summary>
    internal ShadowScorer CreateScorer()
    {
        var figures = new ShadowFigures();
        _figures.Add(figures);
        return new ShadowScorer(this, _model.CreateSession(), _model.Thresholds(_alarmBudget), figures, _windows.WindowUs);
    }

    internal void Fail(Exception why)
    {
        if (Interlocked.Exchange(ref _failed, 1) == 0) IsOff(_log, Label, why.Message);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{shadow} scores the windows of {live} beside it, for comparison only")]
    private static partial void Scores(ILogger log, string shadow, string live);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the shadow {shadow} has failed and is off until the next start; results do not depend on it: {why}")]
    private static partial void IsOff(ILogger log, string shadow, string why);
}
