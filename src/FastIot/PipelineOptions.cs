using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FastIot.Decode;
using FastIot.Features;
using FastIot.Recovery;
using FastIot.Windows;

namespace FastIot;

/// <summary>What the engine needs to know. Where records come from and go to is not its business.</summary>
public sealed record PipelineOptions
{
    public WindowSpec Windows { get; init; } = WindowSpec.Default;

    public DecodeOptions Decode { get; init; } = new();

    /// <summary>Name of the topic, for messages and dead letters.</summary>
    public string Topic { get; init; } = "raw-readings";

    /// <summary>Name of the consumer group: whose state it is that is kept in the store.</summary>
    public string Group { get; init; } = "fastiot";

    /// <summary>Name of the model, without version; empty for none.</summary>
    public string ModelName { get; init; } = "";

    /// <summary>Threads, each with its own consumer and its own partitions.</summary>
    public int Workers { get; init; } = 1;

    public int MaxSeriesPerPartition { get; init; } = Limits.MaxSeriesPerPartition;

    /// <summary>False alarms a healthy sensor may raise in a day: where the threshold lies.</summary>
    public double AlarmBudget { get; init; } = 1;

    public FeatureSpec Features { get; init; } = FeatureSpec.Default;

    /// <summary>Time between two commits of the group's offsets; longer where a commit takes long.</summary>
    public TimeSpan CommitInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>While there is nothing to catch up with, records that have been written are committed so long after the last commit.</summary>
    public TimeSpan CommitAtLeastAfter { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Event time between two snapshots of slow state; 0 = none are kept, and series begin anew after a restart.</summary>
    public long SnapshotUs { get; init; } = 60_000_000;

    /// <summary>A partition whose log has ended for so long is idle: its windows are closed as if event time had gone on. Zero = never.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a worker may try to get on (brokers away, commits refused) before it gives up.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromMinutes(5);

    public GapPolicy OnGap { get; init; }

    public ConfigChangePolicy OnConfigChange { get; init; }

    public SnapshotLossPolicy OnSnapshotLoss { get; init; }

    /// <summary>For tests only: the rule that is left out.</summary>
    internal ProtocolFault Fault { get; init; }

    /// <summary>Bound of every wait for an output: a broker's acknowledgement, the store's answer at the end.</summary>
    public TimeSpan OutputTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for the first record of a poll: how soon a quiet worker notices a request to stop.</summary>
    public int PollMs { get; init; } = 100;

    /// <summary>Compares alarms with the labels that readings carry; null = labels are not looked at.</summary>
    public Evaluation.LabelFigures? Labels { get; init; }

    /// <summary>Sees every scored window, for evaluation; null = nobody does.</summary>
    internal Evaluation.IWindowObserver? Observer { get; init; }

    /// <summary>
    /// What makes committed metadata and stored files of another configuration foreign: everything that changes which rows or alarms there
    /// are (readings' names, windows, features, warming, alarm budget, cap of series, the model's name). Not the model's version, whose
    /// change is a decision of its own; nor what changes nothing in the results (workers, intervals, outputs). Eight hex digits, part of
    /// every file name.
    /// </summary>
    public string ConfigHash() => Hash(string.Create(CultureInfo.InvariantCulture,
        $"v2 {StateText()} {Windows.LatenessUs} {Windows.MaxFutureUs} {Windows.FlushUs} {Decode} {Features.WarmingWindows} {AlarmBudget:R} {MaxSeriesPerPartition} {ModelName}"));

    /// <summary>What slow state depends on in its meaning: a snapshot of other windows or features cannot be taken over.</summary>
    internal uint StateHash() => Convert.ToUInt32(Hash(StateText()), 16);

    private string StateText() => string.Create(CultureInfo.InvariantCulture,
        $"{Windows.WindowUs} {Windows.SlideUs} {Features.BaselineWindows} {Features.Level30Windows} {Features.Level120Windows} {Features.Level5Windows} {Features.WinsoriseAfter} {Features.WinsoriseAt:R} {Features.AlarmGain:R} {string.Join(',', Features.Floors.Select(f => f.ToString("R", CultureInfo.InvariantCulture)))} {string.Join(',', Features.Lags.Select(l => l.ToString(CultureInfo.InvariantCulture)))}{ColumnsText()}");

    /// <summary>What the histories hold, where that is not the twelve standardised features in their order.</summary>
    private string ColumnsText() => Features.Names.Length == 0 || Features.Names.SequenceEqual(FeatureNames.All)
        ? ""
        : $" {string.Join(',', Features.Names)} {Numbers(Features.RawMean)} {Numbers(Features.RawScale)}";

    private static string Numbers<T>(T[] values) where T : IFormattable => string.Join(',', values.Select(v => v.ToString("R", CultureInfo.InvariantCulture)));

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..8];
}
