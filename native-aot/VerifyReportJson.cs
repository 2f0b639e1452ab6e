using System.Text.Json;
using System.Text.Json.Serialization;
using FastIot.Verification;

namespace FastIot.Cli;

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VerifyReport))]
internal sealed partial class VerifyReportJson : JsonSerializerContext
{
    public static string Write(VerifyReport report) => JsonSerializer.Serialize(report, Default.VerifyReport);
}
