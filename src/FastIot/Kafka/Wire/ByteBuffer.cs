using System.Runtime.InteropServices;

namespace FastIot.Kafka.Wire;

/// <summary>Native bytes that grow when told to and are kept; not zeroed. Decoders may read and write <see cref="Slack"/> bytes past the capacity.</summary>
internal sealed unsafe class ByteBuffer : IDisposable
{
    /// <summary>Room behind the capacity, for copies in steps of whole vectors.</summary>
    public const int Slack = 64;

    public byte* Pointer { get; private set; }

    public int Capacity { get; private set; }

    /// <summary>Makes room; the first <paramref name="keep"/> bytes stay, and pointers into the buffer become invalid.</summary>
    public void Reserve(int capacity, int keep = 0)
    {
        if (capacity <= Capacity) return;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, Array.MaxLength - Slack);
        int grown = (int)Math.Min(Math.Max(capacity, (long)Capacity * 2), Array.MaxLength - Slack);
        byte* bytes = (byte*)NativeMemory.AlignedAlloc((nuint)grown + Slack, 64);
        if (Pointer != null) new Span<byte>(Pointer, Math.Min(keep, Capacity)).CopyTo(new Span<byte>(bytes, grown));
        NativeMemory.AlignedFree(Pointer);
        Pointer = bytes;
        Capacity = grown;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
        Capacity = 0;
        GC.SuppressFinalize(this);
    }

    ~ByteBuffer() => NativeMemory.AlignedFree(Pointer);
}
