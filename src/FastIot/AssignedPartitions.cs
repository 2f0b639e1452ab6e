using System.Runtime.InteropServices;

namespace FastIot;

/// <summary>A worker's partitions by rising number, as every run of the same log meets them. Going through them allocates nothing: it is done every round.</summary>
internal sealed class AssignedPartitions
{
    private readonly List<Partition> _ordered = [];
    private Partition?[] _byNumber = new Partition?[16];

    /// <summary>The partition of a record: it was assigned before the source delivered of it.</summary>
    public Partition this[int number] => _byNumber[number]!;

    public ReadOnlySpan<Partition> Span => CollectionsMarshal.AsSpan(_ordered);

    public void Add(Partition partition)
    {
        if (partition.Number >= _byNumber.Length) Array.Resize(ref _byNumber, Math.Max(partition.Number + 1, _byNumber.Length * 2));
        _byNumber[partition.Number] = partition;
        int at = 0;
        while (at < _ordered.Count && _ordered[at].Number < partition.Number) at++;
        _ordered.Insert(at, partition);
    }

    /// <returns>The partition, the caller's to dispose; null where it was not assigned.</returns>
    public Partition? Remove(int number)
    {
        if (number >= _byNumber.Length || _byNumber[number] is not { } partition) return null;
        _byNumber[number] = null;
        _ordered.Remove(partition);
        return partition;
    }

    public bool HaveWaitingFiles()
    {
        foreach (Partition partition in Span)
        {
            if (partition.Outputs.HasWaitingFiles) return true;
        }

        return false;
    }

    /// <summary>Disposes all of them.</summary>
    public void Clear()
    {
        foreach (Partition partition in Span) partition.Dispose();
        Array.Clear(_byNumber);
        _ordered.Clear();
    }
}
