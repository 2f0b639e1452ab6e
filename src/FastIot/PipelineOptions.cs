using FastIot.Decode;
using FastIot.Features;
using FastIot.Windows;

namespace FastIot;

/// <summary>What the engine needs to know. Where records come from and go to is not its business.</summary>
public sealed record PipelineOptions
{
    public WindowSpec Windows { get; init; } = WindowSpec.Default;

    public DecodeOptions Decode { get; init; } = new();

    /// <summary>Name of the topic, for messages and dead letters.</summary>
    public string Topic { get; init; } = "raw-readings";

    /// <summary>Threads, each with its own consumer and its own partitions.</summary>
    public int Workers { get; init; } = 1;

    public int MaxSeriesPerPartition { get; init; } = Limits.MaxSeriesPerPartition;

    /// <summary>False alarms a healthy sensor may raise in a day: where the threshold lies.</summary>
    public double AlarmBudget { get; init; } = 1;

    public FeatureSpec Features { get; init; } = FeatureSpec.Default;

    /// <summary>Longest time between two commits of the group's offsets.</summary>
    public TimeSpan CommitInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Bound of every wait for an output: a broker's acknowledgement, the store's answer at the end.</summary>
    public TimeSpan OutputTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for the first record of a poll: how soon a quiet worker notices a request to stop.</summary>
    public int PollMs { get; init; } = 100;

    /// <summary>Compares alarms with the labels that readings carry; null = labels are not looked at.</summary>
    public Evaluation.LabelFigures? Labels { get; init; }

    /// <summary>Sees every scored window, for evaluation; null = nobody does.</summary>
    internal Evaluation.IWindowObserver? Observer { get; init; }

    /// <summary>
    /// What makes committed metadata and stored files of another configuration foreign: everything that changes which rows there are.
    /// Eight hex digits, part of every file name.
    /// </summary>
    public string ConfigHash()
    {
        string text = string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"v1 {Windows.WindowUs} {Windows.SlideUs} {Windows.LatenessUs} {Windows.MaxFutureUs} {Windows.FlushUs} {Decode}");
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)))[..8];
    }
}
