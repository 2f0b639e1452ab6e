using System.Buffers.Binary;
using System.Text;

namespace FastIot.Kafka.Wire;

/// <summary>The requests that are sent, each in one version: those that every broker since Kafka 2.3 and up to 4 speaks, none of them "flexible".</summary>
internal enum ApiKey : short
{
    Produce = 0,
    Fetch = 1,
    Metadata = 3,
    SaslHandshake = 17,
    ApiVersions = 18,
    InitProducerId = 22,
    SaslAuthenticate = 36,
}

/// <summary>Writes one request after the other into one buffer, which grows and is kept. Big-endian, as the protocol is.</summary>
internal sealed class WireRequest
{
    private byte[] _bytes = new byte[1024];
    private int _length;

    /// <summary>Begins a request: room for its size, then the header.</summary>
    public void Begin(ApiKey key, int correlationId, string clientId)
    {
        _length = sizeof(int);
        Int16((short)key);
        Int16(Version(key));
        Int32(correlationId);
        String(clientId);
    }

    public static short Version(ApiKey key) => key switch
    {
        ApiKey.Produce => 7,
        ApiKey.Fetch => 11,
        ApiKey.Metadata => 7,
        ApiKey.SaslHandshake => 1,
        ApiKey.ApiVersions => 0,
        ApiKey.InitProducerId => 1,
        ApiKey.SaslAuthenticate => 0,
        _ => throw new ArgumentOutOfRangeException(nameof(key)),
    };

    /// <summary>The request as it goes over the wire.</summary>
    /// <param name="following">Bytes of the request that the caller sends behind these.</param>
    public ReadOnlySpan<byte> End(int following = 0)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes, _length - sizeof(int) + following);
        return _bytes.AsSpan(0, _length);
    }

    public void Int8(byte value) => Room(1)[0] = value;

    public void Int16(short value) => BinaryPrimitives.WriteInt16BigEndian(Room(sizeof(short)), value);

    public void Int32(int value) => BinaryPrimitives.WriteInt32BigEndian(Room(sizeof(int)), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64BigEndian(Room(sizeof(long)), value);

    public void String(string? text)
    {
        if (text == null)
        {
            Int16(-1);
            return;
        }

        Int16((short)Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, Room(Encoding.UTF8.GetByteCount(text)));
    }

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Int32(bytes.Length);
        bytes.CopyTo(Room(bytes.Length));
    }

    private Span<byte> Room(int size)
    {
        if (_length + size > _bytes.Length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + size));
        _length += size;
        return _bytes.AsSpan(_length - size, size);
    }
}
