using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIot.Kafka.Wire;

/// <summary>
/// CRC-32C (Castagnoli, reflected 0x82F63B78), the checksum of record batches. The processor's instruction has a latency of three cycles and
/// a throughput of one, so three stripes are summed side by side and joined.
/// </summary>
internal static class Crc32C
{
    private const int Stripe = 1024;

    /// <summary>By byte of a checksum: what it becomes once a stripe of zeros has followed. The checksum is linear, so four look-ups make a join.</summary>
    private static readonly uint[] s_shift = MakeShift();

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        while (bytes.Length >= 3 * Stripe)
        {
            crc = Three(crc, bytes);
            bytes = bytes[(3 * Stripe)..];
        }

        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words) crc = BitOperations.Crc32C(crc, word);
        foreach (byte rest in bytes[(words.Length * sizeof(ulong))..]) crc = BitOperations.Crc32C(crc, rest);
        return ~crc;
    }

    private static uint Three(uint first, ReadOnlySpan<byte> bytes)
    {
        const int words = Stripe / sizeof(ulong);
        uint second = 0, third = 0;
        ref ulong word = ref Unsafe.As<byte, ulong>(ref MemoryMarshal.GetReference(bytes));
        for (nint i = 0; i < words; i++)
        {
            first = BitOperations.Crc32C(first, Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<ulong, byte>(ref Unsafe.Add(ref word, i))));
            second = BitOperations.Crc32C(second, Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<ulong, byte>(ref Unsafe.Add(ref word, i + words))));
            third = BitOperations.Crc32C(third, Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<ulong, byte>(ref Unsafe.Add(ref word, i + 2 * words))));
        }

        return Shift(Shift(first) ^ second) ^ third;
    }

    private static uint Shift(uint crc) =>
        s_shift[(byte)crc] ^ s_shift[256 + (byte)(crc >> 8)] ^ s_shift[512 + (byte)(crc >> 16)] ^ s_shift[768 + (byte)(crc >> 24)];

    private static uint[] MakeShift()
    {
        uint[] bits = new uint[32];
        for (int bit = 0; bit < 32; bit++)
        {
            uint crc = 1u << bit;
            for (int i = 0; i < Stripe / sizeof(ulong); i++) crc = BitOperations.Crc32C(crc, 0ul);
            bits[bit] = crc;
        }

        uint[] shift = new uint[4 * 256];
        for (int i = 0; i < shift.Length; i++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                if ((i >> bit & 1) != 0) shift[i] ^= bits[i / 256 * 8 + bit];
            }
        }

        return shift;
    }
}
