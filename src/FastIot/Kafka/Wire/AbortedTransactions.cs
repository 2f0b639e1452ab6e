using System.Buffers.Binary;

namespace FastIot.Kafka.Wire;

/// <summary>
/// Which transactional batches of a fetched part are to be passed over: those of a producer from the first offset of an aborted transaction
/// up to its abort marker. As the protocol has it: the answer lists the aborted transactions, the log has the markers.
/// </summary>
internal sealed class AbortedTransactions
{
    private const int EntryBytes = 16;
    private const short AbortMarker = 0;

    private (long First, long Producer)[] _listed = new (long, long)[16];
    private int _listedCount;
    private int _begun;
    private readonly HashSet<long> _aborting = [];

    public void Begin(ReadOnlySpan<byte> entries)
    {
        _aborting.Clear();
        _begun = 0;
        _listedCount = entries.Length / EntryBytes;
        if (_listedCount > _listed.Length) Array.Resize(ref _listed, _listedCount * 2);
        for (int i = 0; i < _listedCount; i++)
        {
            ReadOnlySpan<byte> entry = entries[(i * EntryBytes)..];
            _listed[i] = (BinaryPrimitives.ReadInt64BigEndian(entry[sizeof(long)..]), BinaryPrimitives.ReadInt64BigEndian(entry));
        }

        // Brokers list them as they were aborted; they are needed as they began.
        if (_listedCount > 1) _listed.AsSpan(0, _listedCount).Sort();
    }

    /// <summary>Whether a transactional batch of this producer, up to this offset, belongs to an aborted transaction.</summary>
    public bool Skips(long producer, long lastOffset)
    {
        while (_begun < _listedCount && _listed[_begun].First <= lastOffset) _aborting.Add(_listed[_begun++].Producer);
        return _aborting.Count > 0 && _aborting.Contains(producer);
    }

    /// <summary>A transaction of this producer ends here.</summary>
    public void OnControl(long producer, short marker)
    {
        if (marker == AbortMarker) _aborting.Remove(producer);
    }
}
