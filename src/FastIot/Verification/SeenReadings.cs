using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace FastIot.Verification;

/// <summary>
/// The readings that one side topic (dead letters, late readings) holds of one partition, against those that belong there: once each, by
/// offset and index. The expected ones come as the log is read.
/// </summary>
internal sealed class SeenReadings(string name, OutputReport output, VerifyReport report)
{
    /// <summary>Reasons that System.Text.Json cannot tell apart: it only says that it is not JSON.</summary>
    private static readonly HashSet<string> s_unreadable = [Rejections.Name(Rejection.MalformedJson), Rejections.Name(Rejection.InvalidUtf8), Rejections.Name(Rejection.TooDeep)];

    private readonly Dictionary<(int Partition, long Offset, int Index), List<(string Reason, string Where)>> _seen = [];

    /// <summary>Notes a record of the side topic; those of other topics' readings are none of ours.</summary>
    public void Add(ConsumeResult<byte[]?, byte[]?> record, string rawTopic)
    {
        string? Header(string header) => record.Message.Headers?.TryGetLastBytes(header, out byte[] bytes) == true ? Encoding.UTF8.GetString(bytes) : null;
        if (Header("topic") != rawTopic) return;
        string where = string.Create(CultureInfo.InvariantCulture, $"{record.Topic}[{record.Partition.Value}]@{record.Offset.Value}");
        if (!int.TryParse(Header("partition"), out int partition) || !long.TryParse(Header("offset"), out long offset) || !int.TryParse(Header("index"), out int index))
        {
            report.Unexpected(output, name, -1, where, "its headers partition, offset and index are no numbers");
            return;
        }

        if (!_seen.TryGetValue((partition, offset, index), out List<(string, string)>? records)) _seen.Add((partition, offset, index), records = []);
        records.Add((Header("reason") ?? "", where));
    }

    /// <summary>A reading of the log belongs into the topic.</summary>
    public void Expect(int partition, long offset, int index, string reason)
    {
        Interlocked.Increment(ref output.CheckedCount);
        List<(string Reason, string Where)>? records;
        lock (_seen) _seen.Remove((partition, offset, index), out records);
        string where = Where(offset, index);
        if (records == null)
        {
            report.Missing(output, name, partition, where, reason);
            return;
        }

        if (records.Count > 1) report.Duplicate(output, name, partition, where, string.Join(", ", records.Select(r => r.Where)));
        if (!Same(records[0].Reason, reason)) report.Different(output, name, partition, where, $"reason {records[0].Reason} instead of {reason}, in {records[0].Where}");
    }

    /// <summary>What nothing was expected for, within the offsets that were read.</summary>
    public void End(int partition, long fromOffset, long toOffset)
    {
        lock (_seen)
        {
            foreach (((int of, long offset, int index), List<(string Reason, string Where)> records) in _seen)
            {
                if (of == partition && offset >= fromOffset && offset < toOffset) report.Unexpected(output, name, partition, Where(offset, index), $"reason {records[0].Reason}, in {records[0].Where}");
            }
        }
    }

    private static bool Same(string seen, string expected) => seen == expected || s_unreadable.Contains(seen) && s_unreadable.Contains(expected);

    private static string Where(long offset, int index) => string.Create(CultureInfo.InvariantCulture, $"offset {offset}, reading {index}");
}
