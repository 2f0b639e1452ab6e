using System.Globalization;
using FastIot.Emit;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Windows;

namespace FastIot.Serving;

/// <summary>The answer of …:score: one object a window, with the members of an anomaly record that a single request can know.</summary>
internal static class ScoreResponse
{
    public static void Begin(ByteBuffer to, ServedVersion version) =>
        to.Raw("{\"model\":"u8).String(string.Create(CultureInfo.InvariantCulture, $"{version.Name}:{version.Version}")).Raw(",\"scores\":["u8);

    public static void Add(ByteBuffer to, ReadOnlySpan<byte> row)
    {
        if (to.Written[^1] != (byte)'[') to.Raw(","u8);
        to.Raw(row);
    }

    public static void End(ByteBuffer to, SeriesReplay replay)
    {
        to.Raw("],\"rejected\":["u8);
        for (int i = 0; i < replay.Rejected.Count; i++)
        {
            if (i > 0) to.Raw(","u8);
            to.Raw("{\"index\":"u8).Number(replay.Rejected[i].Index).Raw(",\"reason\":"u8).String(Rejections.Name(replay.Rejected[i].Reason)).Raw("}"u8);
        }

        to.Raw("]}"u8);
    }

    public static void WriteRow(ByteBuffer to, SeriesReplay replay, WindowBatch batch, int row)
    {
        int slot = batch.Slot[row];
        to.Raw("{\"sensor_id\":"u8).String(replay.Series.SensorId(slot)).Raw(",\"metric\":"u8).String(replay.Series.Metric(slot));
        Time(to, ",\"window_start\":\""u8, batch.WindowEndUs - replay.Windows.WindowUs);
        Time(to, ",\"window_end\":\""u8, batch.WindowEndUs);
        Number(to, ",\"mean\":"u8, batch.Mean[row]);
        Number(to, ",\"stddev\":"u8, batch.StdDev[row]);
        Number(to, ",\"min\":"u8, batch.Min[row]);
        Number(to, ",\"max\":"u8, batch.Max[row]);
        to.Raw(",\"count\":"u8).Number(batch.ReadingCount[row]);
        Number(to, ",\"range\":"u8, batch.Range[row]);
        to.Raw(",\"warming\":"u8).Raw(replay.Features.IsWarming(slot) ? "true"u8 : "false"u8);
        Number(to, ",\"anomaly_score\":"u8, batch.AnomalyScore[row]);
        to.Raw(",\"threshold\":1,\"is_anomaly\":"u8).Raw(batch.IsAnomaly[row] != 0 ? "true"u8 : "false"u8);
        Number(to, ",\"false_alarms_per_day\":"u8, batch.FalseAlarmsPerDay[row]);
        to.Raw(",\"kind\":"u8);
        if (batch.Kind[row] == FeatureRows.NoKind) to.Raw("null"u8);
        else to.String(AnomalyKinds.Name((AnomalyKind)batch.Kind[row]));
        Kinds(to, batch, row);
        Reasons(to, batch, row);
        to.Raw("}"u8);
    }

    private static void Kinds(ByteBuffer to, WindowBatch batch, int row)
    {
        to.Raw(",\"kind_scores\":"u8);
        if (float.IsNaN(batch.AnomalyScore[row]))
        {
            to.Raw("null"u8);
            return;
        }

        for (int kind = 0; kind < AnomalyKinds.Modelled; kind++)
        {
            to.Raw(kind == 0 ? "{"u8 : ","u8).String(AnomalyKinds.Name((AnomalyKind)kind));
            Number(to, ":"u8, batch.KindScores[row * AnomalyKinds.Modelled + kind]);
        }

        to.Raw("}"u8);
    }

    private static void Reasons(ByteBuffer to, WindowBatch batch, int row)
    {
        Span<Reason> reasons = stackalloc Reason[Features.Reasons.Most];
        int count = Features.Reasons.Of(batch.Z.Span.Slice(row * FeatureNames.Count, FeatureNames.Count), reasons);
        to.Raw(",\"reasons\":["u8);
        for (int i = 0; i < count; i++)
        {
            to.Raw(i == 0 ? "{\"feature\":"u8 : ",{\"feature\":"u8).String(FeatureNames.All[reasons[i].Feature]);
            Number(to, ",\"deviation\":"u8, Math.Round(reasons[i].Deviation, 2));
            to.Raw("}"u8);
        }

        to.Raw("]"u8);
    }

    private static void Time(ByteBuffer to, ReadOnlySpan<byte> name, long us) =>
        to.Raw(name).Number(DateTime.UnixEpoch.AddMicroseconds(us), "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'").Raw("\""u8);

    private static void Number(ByteBuffer to, ReadOnlySpan<byte> name, double value)
    {
        to.Raw(name);
        if (double.IsFinite(value)) to.Number(value, "R");
        else to.Raw("null"u8);
    }

    private static void Number(ByteBuffer to, ReadOnlySpan<byte> name, float value)
    {
        to.Raw(name);
        if (float.IsFinite(value)) to.Number(value, "R");
        else to.Raw("null"u8);
    }
}
