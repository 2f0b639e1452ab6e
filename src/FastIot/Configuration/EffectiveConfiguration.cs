namespace FastIot.Configuration;

/// <summary>A setting's value in force.</summary>
/// <param name="Text">As it was written; a secret is here in clear.</param>
/// <param name="Source">Where it was written: <c>default</c>, <c>fastiot.json:3</c>, <c>environment KAFKA_RAW_TOPIC</c>, <c>flag --slide</c>.</param>
public sealed record EffectiveValue(Setting Setting, string Text, string Source)
{
    /// <summary>What may be shown.</summary>
    public string Shown => Setting.Secret && Text.Length > 0 ? "********" : Text;
}

/// <summary>What a run is configured with, and why.</summary>
public sealed class EffectiveConfiguration
{
    public required FastIotOptions Options { get; init; }

    public required IReadOnlyList<EffectiveValue> Values { get; init; }

    /// <summary>What was given but has no effect, a sentence each.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
