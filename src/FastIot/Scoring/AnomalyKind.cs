namespace FastIot.Scoring;

/// <summary>What an alarm looks like. The first four are the model's outputs, in this order.</summary>
public enum AnomalyKind : sbyte
{
    Spike,
    Drift,
    Stuck,
    Noise,
    /// <summary>Only the reconstruction channel saw it.</summary>
    Unknown,
}

public static class AnomalyKinds
{
    /// <summary>Kinds the model tells apart.</summary>
    public const int Modelled = 4;

    public static string Name(AnomalyKind kind) => s_names[(int)kind];

    private static readonly string[] s_names = ["spike", "drift", "stuck", "noise", "unknown"];
}

/// <summary>Sensor types the model knows, in the order of its one-hot input; anything else is all zeros.</summary>
public enum SensorType : sbyte
{
    Other = -1,
    Temperature,
    Humidity,
    Pressure,
    Vibration,
    Current,
}

public static class SensorTypes
{
    public const int Count = 5;

    public static readonly string[] Names = ["temperature", "humidity", "pressure", "vibration", "current"];

    /// <summary>The type a metric's name stands for.</summary>
    public static SensorType Of(ReadOnlySpan<byte> metric) => metric switch
    {
        _ when metric.SequenceEqual("temperature"u8) => SensorType.Temperature,
        _ when metric.SequenceEqual("humidity"u8) => SensorType.Humidity,
        _ when metric.SequenceEqual("pressure"u8) => SensorType.Pressure,
        _ when metric.SequenceEqual("vibration"u8) => SensorType.Vibration,
        _ when metric.SequenceEqual("current"u8) => SensorType.Current,
        _ => SensorType.Other,
    };
}
