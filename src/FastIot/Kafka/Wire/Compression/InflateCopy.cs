using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastIot.Kafka.Wire.Compression;

/// <summary>Copies of deflate's matches. Write up to <see cref="ByteBuffer.Slack"/> - 1 bytes past the length.</summary>
internal static unsafe class InflateCopy
{
    /// <summary>
    /// The last <paramref name="distance"/> bytes go on. Matches of readings are as a rule of 24 to 48 bytes from an earlier reading: 64 are copied
    /// without asking, which costs less than to guess a branch on the length wrong.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Match(byte* to, uint distance, uint length)
    {
        byte* from = to - distance, end = to + length;
        if (distance >= 64)
        {
            Vector256<byte> low = Vector256.Load(from), high = Vector256.Load(from + 32);
            low.Store(to);
            high.Store(to + 32);
            if (length <= 64) return;
            do
            {
                from += 64;
                to += 64;
                low = Vector256.Load(from);
                high = Vector256.Load(from + 32);
                low.Store(to);
                high.Store(to + 32);
            }
            while (to + 64 < end);
            return;
        }

        if (distance == 1)
        {
            Vector256<byte> same = Vector256.Create(*from);
            for (; to < end; to += 32) same.Store(to);
            return;
        }

        // What repeats is doubled until a vector's source lies wholly before its target.
        for (; distance < 16; distance += distance)
        {
            Vector128.Load(from).Store(to);
            to += distance;
        }

        for (; to < end; to += 16, from += 16) Vector128.Load(from).Store(to);
    }
}
