using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastIot.Kafka.Wire.Compression;

/// <summary>Copies of the LZ formats, in steps of 16 bytes where that is safe.</summary>
internal static unsafe class LzCopy
{
    private const int Step = 16;

    /// <summary>Reads and writes up to 15 bytes past the length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wild(byte* from, byte* to, long length)
    {
        byte* end = to + length;
        do
        {
            Vector128.Store(Vector128.Load(from), to);
            from += Step;
            to += Step;
        }
        while (to < end);
    }

    /// <summary>Literals: reads nothing at or past <paramref name="fromEnd"/>; writes up to 15 bytes past the length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Literals(byte* from, byte* fromEnd, byte* to, long length)
    {
        if (fromEnd - from >= length + Step) Wild(from, to, length);
        else Unsafe.CopyBlockUnaligned(to, from, (uint)length);
    }

    /// <summary>A match, which may overlap itself: the last <paramref name="offset"/> bytes go on. Writes up to 15 bytes past the length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Match(byte* to, int offset, long length)
    {
        if (offset >= Step) Wild(to - offset, to, length);
        else Overlapping(to, offset, length);
    }

    private static void Overlapping(byte* to, int offset, long length)
    {
        byte* from = to - offset, end = to + length;
        if (offset >= sizeof(ulong))
        {
            for (; to < end; to += sizeof(ulong), from += sizeof(ulong)) *(ulong*)to = *(ulong*)from;
            return;
        }

        while (to < end) *to++ = *from++;
    }
}
