using System.Buffers;
using System.Text.Json;

namespace FastIot.Emit;

/// <summary>
/// The record outputs as files in a folder, one JSON object a line: anomalies.ndjson, and dead-letters.ndjson and late-readings.ndjson
/// with where each came from (bytes that are not UTF-8 as base64). Files of an earlier run are replaced. For replays without a Kafka.
/// </summary>
public sealed class FolderSink : IRecordSink
{
    private const int BufferBytes = 1 << 16;

    private readonly string _folder;
    private readonly FileStream?[] _files = new FileStream?[3];
    private readonly ArrayBufferWriter<byte> _line = new(1024);
    private readonly string _topic;

    /// <param name="folder">Made where there is none.</param>
    /// <param name="topic">Name that stands for the input in the records' provenance.</param>
    /// <exception cref="EmitException">The folder cannot be written.</exception>
    public FolderSink(string folder, string topic)
    {
        _folder = folder;
        _topic = topic;
        Guard(() =>
        {
            Directory.CreateDirectory(folder);
            foreach (OutputTopic output in Enum.GetValues<OutputTopic>()) File.Delete(Path.Combine(folder, FileName(output)));
            Open(OutputTopic.Anomalies);
        });
    }

    public bool TryWriteAnomaly(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long bornTicks)
    {
        FileStream file = Open(OutputTopic.Anomalies);
        try
        {
            file.Write(value);
            file.WriteByte((byte)'\n');
        }
        catch (IOException e)
        {
            throw Failed(e);
        }

        return true;
    }

    public bool TryWriteReading(OutputTopic topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in Provenance provenance)
    {
        _line.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_line))
        {
            json.WriteStartObject();
            json.WriteString("reason"u8, provenance.Reason);
            json.WriteString("topic"u8, _topic);
            json.WriteNumber("partition"u8, provenance.Partition);
            json.WriteNumber("offset"u8, provenance.Offset);
            json.WriteNumber("index"u8, provenance.Index);
            if (System.Text.Unicode.Utf8.IsValid(value)) json.WriteString("value"u8, value);
            else json.WriteBase64String("value_base64"u8, value);
            json.WriteEndObject();
        }

        _line.Write("\n"u8);
        FileStream file = Open(topic);
        try
        {
            file.Write(_line.WrittenSpan);
        }
        catch (IOException e)
        {
            throw Failed(e);
        }

        return true;
    }

    public void Poll()
    {
    }

    public void Flush(TimeSpan timeout) => Guard(() =>
    {
        foreach (FileStream? file in _files) file?.Flush();
    });

    public void Dispose()
    {
        foreach (FileStream? file in _files) file?.Dispose();
    }

    private static string FileName(OutputTopic topic) => topic switch
    {
        OutputTopic.Anomalies => "anomalies.ndjson",
        OutputTopic.DeadLetters => "dead-letters.ndjson",
        _ => "late-readings.ndjson",
    };

    private FileStream Open(OutputTopic topic) =>
        _files[(int)topic] ??= new FileStream(Path.Combine(_folder, FileName(topic)), FileMode.Create, FileAccess.Write, FileShare.Read, BufferBytes);

    private void Guard(Action act)
    {
        try
        {
            act();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(e);
        }
    }

    private EmitException Failed(Exception e) => new($"cannot write to {_folder}: {e.Message}", e);
}
