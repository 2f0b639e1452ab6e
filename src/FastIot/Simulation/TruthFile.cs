using System.Text.Json;
using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>Injected anomalies as newline-delimited JSON, one a line as it starts.</summary>
public sealed class TruthFile(Stream stream) : IDisposable
{
    public void Write(AnomalyEvent anomaly)
    {
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("sensor_id", Fleet.SensorId(anomaly.Sensor));
            json.WriteString("metric", Fleet.Metric(anomaly.Sensor));
            json.WriteString("kind", AnomalyKinds.Name(anomaly.Kind));
            json.WriteString("tier", AnomalyTiers.Name(anomaly.Tier));
            json.WriteString("start", DateTime.UnixEpoch.AddMicroseconds(anomaly.StartUs));
            json.WriteString("end", DateTime.UnixEpoch.AddMicroseconds(anomaly.EndUs));
            json.WriteNumber("magnitude", anomaly.Magnitude);
            json.WriteString("unit", anomaly.Unit);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
    }

    public void Dispose() => stream.Dispose();
}
