using Apache.Arrow;
using Apache.Arrow.Types;

namespace FastIot.Emit;

/// <summary>Columns of the feature files (DESIGN section 2), and what one row is where.</summary>
internal static class FeatureSchema
{
    /// <summary>Names by their codes: indices 32 bits wide into a column's distinct strings.</summary>
    public static readonly DictionaryType Names = new(Int32Type.Default, StringType.Default, false);

    public static readonly TimestampType Time = new(TimeUnit.Microsecond, "UTC");

    public static readonly Schema Arrow = new(
        [
            new Field("sensor_id", Names, false),
            new Field("metric", Names, false),
            new Field("window_start", Time, false),
            new Field("window_end", Time, false),
            new Field("mean", DoubleType.Default, false),
            new Field("stddev", DoubleType.Default, true),
            new Field("min", DoubleType.Default, false),
            new Field("max", DoubleType.Default, false),
            new Field("range", DoubleType.Default, false),
            new Field("count", Int64Type.Default, false),
            new Field("anomaly_score", FloatType.Default, true),
            new Field("reconstruction_error", FloatType.Default, true),
            new Field("is_anomaly", BooleanType.Default, false),
            new Field("kind", Names, true),
            new Field("model", Names, true),
        ],
        null);
}
