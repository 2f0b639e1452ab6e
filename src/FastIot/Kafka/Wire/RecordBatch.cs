using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastIot.Kafka.Wire;

/// <summary>
/// Places in a record batch of format 2 (Kafka since 0.11), and its variable-length numbers: zigzag, seven bits a byte, lowest first.
/// </summary>
/// <remarks>
/// <code>
///  0            8        12       16    17       21     23         27          35         43         51     53          57      61
///  ├────────────┼────────┼────────┼─────┼────────┼──────┼──────────┼───────────┼──────────┼──────────┼──────┼───────────┼───────┤
///  │ baseOffset │ length │ leader │magic│ crc32c │attri-│lastOffset│ base      │ max      │ producer │epoch │ base      │records│ records…
///  │    i64     │  i32   │epoch   │ =2  │        │butes │Delta i32 │ timestamp │ timestamp│ id i64   │ i16  │ sequence  │ i32   │
///  length counts from behind itself; the checksum covers everything from the attributes on; the records are compressed as one.
/// </code>
/// </remarks>
internal static unsafe class RecordBatch
{
    public const int BaseOffset = 0;
    public const int Length = 8;
    public const int LeaderEpoch = 12;
    public const int Magic = 16;
    public const int Crc = 17;
    public const int Attributes = 21;
    public const int LastOffsetDelta = 23;
    public const int BaseTimestamp = 27;
    public const int MaxTimestamp = 35;
    public const int ProducerId = 43;
    public const int ProducerEpoch = 51;
    public const int BaseSequence = 53;
    public const int Count = 57;
    public const int HeaderBytes = 61;

    /// <summary>Base offset and length: what stands before the part that the length counts.</summary>
    public const int LogOverhead = 12;

    public const byte CurrentMagic = 2;

    public const int CodecMask = 0x07;
    public const int LogAppendTime = 0x08;
    public const int Transactional = 0x10;
    public const int Control = 0x20;

    /// <summary>Most bytes that a record has besides its key and value: length, attributes, two deltas, two lengths, number of headers.</summary>
    public const int RecordOverhead = 5 + 1 + 10 + 5 + 5 + 5 + 1;

    public static short Int16(byte* batch, int place) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<short>(batch + place));

    public static int Int32(byte* batch, int place) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<int>(batch + place));

    public static long Int64(byte* batch, int place) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<long>(batch + place));

    public static void SetInt16(byte* batch, int place, short value) => Unsafe.WriteUnaligned(batch + place, BinaryPrimitives.ReverseEndianness(value));

    public static void SetInt32(byte* batch, int place, int value) => Unsafe.WriteUnaligned(batch + place, BinaryPrimitives.ReverseEndianness(value));

    public static void SetInt64(byte* batch, int place, long value) => Unsafe.WriteUnaligned(batch + place, BinaryPrimitives.ReverseEndianness(value));

    /// <summary>Bytes of a number when written by <see cref="Write"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SizeOf(long value) => (BitOperations.Log2(ZigZag(value) | 1) + 7) / 7;

    /// <returns>Where the next one goes.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Write(byte* to, long value)
    {
        ulong rest = ZigZag(value);
        for (; rest >= 0x80; rest >>= 7) *to++ = (byte)(rest | 0x80);
        *to++ = (byte)rest;
        return to;
    }

    private static ulong ZigZag(long value) => (ulong)(value << 1 ^ value >> 63);
}
