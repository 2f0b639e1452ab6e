using System.Buffers.Binary;

namespace FastIot.Kafka.Wire;

/// <summary>One answer as it arrives in pieces: four bytes of size, then as many. Its memory is kept for the next one.</summary>
internal sealed unsafe class WireFrame : IDisposable
{
    /// <summary>An answer larger than this is none: something else listens there.</summary>
    private const int Largest = 1 << 30;

    private readonly ByteBuffer _bytes = new();
    private int _length = -1;
    private int _received;

    public WireFrame() => _bytes.Reserve(1 << 12);

    public bool IsWhole => _length >= 0 && _received == _length;

    /// <summary>The answer without its size, once whole.</summary>
    public byte* Pointer => _bytes.Pointer;

    public int Length => _length;

    /// <summary>Where the next bytes go.</summary>
    public Span<byte> Room => new(_bytes.Pointer + _received, (_length < 0 ? sizeof(int) : _length) - _received);

    public void Add(int received, BrokerAddress from)
    {
        _received += received;
        if (_length >= 0 || _received < sizeof(int)) return;
        _length = BinaryPrimitives.ReadInt32BigEndian(new ReadOnlySpan<byte>(_bytes.Pointer, sizeof(int)));
        Check(_length, from);
        _bytes.Reserve(_length);
        _received = 0;
    }

    /// <summary>Ready for the next answer.</summary>
    public void Clear()
    {
        _length = -1;
        _received = 0;
    }

    public void Dispose() => _bytes.Dispose();

    /// <exception cref="WireException">No answer has this length.</exception>
    public static void Check(int length, BrokerAddress from)
    {
        if (length is < sizeof(int) or > Largest) throw new WireException($"{from} announces an answer of {length} bytes: is it a Kafka broker, and this its port without TLS?");
    }
}
