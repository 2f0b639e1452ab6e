using System.Runtime.InteropServices;
using System.Text;
using FastIot.Decode;

namespace FastIot.Tests.Decode;

/// <summary>One outcome of the decoder, free of its pointers.</summary>
internal sealed record Decoded(Rejection Rejection, string Sensor, string Metric, long TimeUs, long ValueBits, string Current)
{
    public override string ToString() => Rejection != Rejection.None ? $"{Rejection} of {Current}" : $"{Sensor} {Metric} {TimeUs} {BitConverter.Int64BitsToDouble(ValueBits):R}";

    public static List<Decoded> All(string record, DecodeOptions? options = null) => All(Encoding.UTF8.GetBytes(record), options);

    public static unsafe List<Decoded> All(byte[] record, DecodeOptions? options = null)
    {
        using var decoder = new ReadingDecoder(options ?? new DecodeOptions());
        fixed (byte* p = record) return All(decoder, p, record.Length);
    }

    public static unsafe List<Decoded> All(ReadingDecoder decoder, byte* record, int length)
    {
        var all = new List<Decoded>();
        decoder.Open(record, length);
        while (decoder.Next(out Reading reading, out Rejection rejection))
        {
            Assert.Equal(all.Count, decoder.Index);
            string current = Encoding.Latin1.GetString(decoder.Current);
            all.Add(rejection != Rejection.None
                ? new Decoded(rejection, "", "", 0, 0, current)
                : new Decoded(Rejection.None, Encoding.UTF8.GetString(reading.SensorIdSpan), Encoding.UTF8.GetString(reading.MetricSpan), reading.TimeUs, BitConverter.DoubleToInt64Bits(reading.Value), current));
            Assert.True(all.Count <= length + 1, "the decoder does not end");
        }

        return all;
    }

    public static string Reasons(string record) => string.Join(", ", All(record).Select(d => d.Rejection == Rejection.None ? "ok" : Rejections.Name(d.Rejection)));
}

/// <summary>Documents laid flush against memory that must not be touched, behind or before.</summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private const int PageBytes = 4096;
    private readonly byte* _map;
    private readonly int _pages;

    public GuardedMemory(int pages = 64)
    {
        _pages = pages;
        _map = (byte*)mmap(0, (nuint)((pages + 2) * PageBytes), 3, 0x22, -1, 0);
        Assert.NotEqual(-1, (nint)_map);
        Assert.Equal(0, mprotect((nint)_map, PageBytes, 0));
        Assert.Equal(0, mprotect((nint)(_map + (pages + 1) * PageBytes), PageBytes, 0));
    }

    /// <summary>The bytes end where the forbidden page begins.</summary>
    public byte* AtEnd(ReadOnlySpan<byte> bytes)
    {
        byte* at = _map + (_pages + 1) * PageBytes - bytes.Length;
        bytes.CopyTo(new Span<byte>(at, bytes.Length));
        return at;
    }

    /// <summary>The bytes begin where the forbidden page ends.</summary>
    public byte* AtStart(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(new Span<byte>(_map + PageBytes, bytes.Length));
        return _map + PageBytes;
    }

    public void Dispose() => _ = munmap((nint)_map, (nuint)((_pages + 2) * PageBytes));

    [LibraryImport("libc")] private static partial nint mmap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc")] private static partial int mprotect(nint address, nuint length, int protection);

    [LibraryImport("libc")] private static partial int munmap(nint address, nuint length);
}
