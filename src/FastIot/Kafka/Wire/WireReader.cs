using System.Buffers.Binary;
using System.Text;

namespace FastIot.Kafka.Wire;

/// <summary>Reads one answer. Never reads past its end, whatever the lengths in it say.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes, string what)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    public readonly int Position => _at;

    public readonly int Remaining => _bytes.Length - _at;

    public byte Int8() => Take(1)[0];

    public short Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(sizeof(short)));

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)));

    public long Int64() => BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long)));

    /// <summary>Number of elements; none for a null array.</summary>
    /// <param name="smallest">Bytes that an element has at least: a count that cannot be is refused before anything is made for it.</param>
    public int Count(int smallest)
    {
        int count = Int32();
        if (count > Remaining / smallest) throw new WireException($"{what}: {count} elements, but only {Remaining} bytes");
        return Math.Max(count, 0);
    }

    public string? String() => Int16() is >= 0 and short length ? Encoding.UTF8.GetString(Take(length)) : null;

    public void SkipString() => Take(Math.Max(Int16(), (short)0));

    public ReadOnlySpan<byte> Bytes() => Take(Math.Max(Int32(), 0));

    public ReadOnlySpan<byte> Take(int size)
    {
        if ((uint)size > (uint)Remaining) throw new WireException($"{what}: ends after {_bytes.Length} bytes, {size} more were announced");
        _at += size;
        return _bytes.Slice(_at - size, size);
    }
}
