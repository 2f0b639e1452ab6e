using System.Text.Json;
using FastIot.Scoring;

namespace FastIot.Evaluation;

/// <summary>
/// The label that a reading may carry, <c>"meta":{"is_anomaly":true,"anomaly_type":"drift"}</c>. Looked at by evaluation only: no decision of
/// the pipeline depends on it.
/// </summary>
internal static class ReadingLabel
{
    /// <summary>Value of a reading that is labelled normal.</summary>
    public const sbyte Normal = -1;

    /// <summary>Value of a reading without a label.</summary>
    public const sbyte None = -2;

    /// <summary>The <see cref="AnomalyKind"/> that a reading is labelled with, or one of the constants.</summary>
    /// <param name="reading">The reading's JSON object.</param>
    public static sbyte Of(ReadOnlySpan<byte> reading)
    {
        int meta = reading.IndexOf("\"is_anomaly\""u8);
        // Nearly all readings without labels end here, without a parser.
        if (meta < 0) return None;
        var json = new Utf8JsonReader(reading);
        bool? isAnomaly = null;
        AnomalyKind kind = AnomalyKind.Unknown;
        try
        {
            while (json.Read())
            {
                if (json.TokenType != JsonTokenType.PropertyName) continue;
                bool isFlag = json.ValueTextEquals("is_anomaly"u8), isType = json.ValueTextEquals("anomaly_type"u8);
                if (!isFlag && !isType || !json.Read()) continue;
                if (isFlag && (json.TokenType is JsonTokenType.True or JsonTokenType.False)) isAnomaly = json.TokenType == JsonTokenType.True;
                if (isType && json.TokenType == JsonTokenType.String) kind = TruthReader.Kind(json.GetString());
            }
        }
        catch (JsonException)
        {
            return None;
        }

        return isAnomaly is not { } known ? None : known ? (sbyte)kind : Normal;
    }
}
