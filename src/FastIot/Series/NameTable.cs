using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;

namespace FastIot.Series;

/// <summary>
/// Byte strings to dense numbers, in order of first appearance, and back. Open addressing; the first 16 bytes of a key lie in its entry,
/// so that a short one is compared in a register and a hit touches one cache line. The hash is seeded at random: nobody can choose names
/// that collide. Numbers never depend on the seed.
/// </summary>
internal sealed unsafe class NameTable : IDisposable
{
    private static readonly ulong s_seed0 = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;
    private static readonly ulong s_seed1 = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;

    /// <summary>
    /// <code>
    ///  0      8      16       20        24       28
    ///  ├──────┼──────┼────────┼─────────┼────────┼────────┤
    ///  │ Key0 │ Key1 │ Length │ Number  │  Tag0  │  Tag1  │   Length −1: free
    /// </code>
    /// Key0 and Key1 are the name's first 16 bytes, zero padded. Two entries to a cache line.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Entry
    {
        public ulong Key0;
        public ulong Key1;
        public int Length;
        public int Number;

        /// <summary>Free for the table's user; −1 in a new entry.</summary>
        public int Tag0;

        /// <inheritdoc cref="Tag0"/>
        public int Tag1;
    }

    private readonly NativeArray<int> _offsets;
    private readonly NativeArray<byte> _bytes;
    private NativeArray<Entry> _entries;
    private int _mask;

    public NameTable(int capacity)
    {
        int entries = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity, 2) * 2);
        _entries = NewEntries(entries);
        _mask = entries - 1;
        _offsets = new NativeArray<int>(capacity + 1);
        _bytes = new NativeArray<byte>(capacity * 16);
    }

    public int Count { get; private set; }

    public long Bytes => _entries.Bytes + _offsets.Bytes + _bytes.Bytes;

    /// <summary>Offsets of the names, Count + 1 of them, as Arrow has them.</summary>
    public ReadOnlySpan<int> Offsets => new(_offsets.Pointer, Count + 1);

    public ReadOnlySpan<byte> NameBytes => new(_bytes.Pointer, _offsets[Count]);

    public ReadOnlySpan<byte> this[int number] => new(_bytes.Pointer + _offsets[number], _offsets[number + 1] - _offsets[number]);

    /// <summary>A name's bytes by its offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* TextAt(int offset) => _bytes.Pointer + offset;

    /// <summary>The name's entry, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Entry* Find(byte* name, int length)
    {
        (ulong key0, ulong key1) = Keys(name, length);
        Entry* entries = _entries.Pointer;
        for (int i = (int)Hash(name, length, key0, key1) & _mask; ; i = (i + 1) & _mask)
        {
            Entry* entry = entries + i;
            if (entry->Key0 == key0 && entry->Key1 == key1 && entry->Length == length && (length <= 16 || SameName(entry, name, length))) return entry;
            if (entry->Length < 0) return null;
        }
    }

    /// <summary>Fetches the entry that a search for the name begins with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(byte* name, int length)
    {
        (ulong key0, ulong key1) = Keys(name, length);
        if (Sse.IsSupported) Sse.Prefetch0(_entries.Pointer + ((int)Hash(name, length, key0, key1) & _mask));
    }

    /// <summary>Adds a name that is not there. The entry is valid until the next addition.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Entry* Add(byte* name, int length)
    {
        if (Count * 2 >= _entries.Length) Rehash(_entries.Length * 2);
        int start = _offsets[Count];
        if (start + length > _bytes.Length) _bytes.Grow(checked(Math.Max(_bytes.Length * 2, start + length)));
        if (Count + 2 > _offsets.Length) _offsets.Grow(_offsets.Length * 2);
        new ReadOnlySpan<byte>(name, length).CopyTo(new Span<byte>(_bytes.Pointer + start, length));
        _offsets[Count + 1] = start + length;

        (ulong key0, ulong key1) = Keys(name, length);
        Entry* entry = FreeEntry(Hash(name, length, key0, key1));
        *entry = new Entry { Key0 = key0, Key1 = key1, Length = length, Number = Count, Tag0 = -1, Tag1 = -1 };
        Count++;
        return entry;
    }

    public void Dispose()
    {
        _entries.Dispose();
        _offsets.Dispose();
        _bytes.Dispose();
    }

    private void Rehash(int size)
    {
        NativeArray<Entry> old = _entries;
        _entries = NewEntries(size);
        _mask = size - 1;
        foreach (ref Entry entry in old.Span)
        {
            if (entry.Length < 0) continue;
            *FreeEntry(Hash(_bytes.Pointer + _offsets[entry.Number], entry.Length, entry.Key0, entry.Key1)) = entry;
        }

        old.Dispose();
    }

    private Entry* FreeEntry(ulong hash)
    {
        int i = (int)hash & _mask;
        while (_entries[i].Length >= 0) i = (i + 1) & _mask;
        return _entries.Pointer + i;
    }

    private bool SameName(Entry* entry, byte* name, int length) =>
        new ReadOnlySpan<byte>(name + 16, length - 16).SequenceEqual(this[entry->Number][16..]);

    private static NativeArray<Entry> NewEntries(int size)
    {
        var entries = new NativeArray<Entry>(size);
        foreach (ref Entry entry in entries.Span) entry.Length = -1;
        return entries;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (ulong, ulong) Keys(byte* name, int length)
    {
        if (length == 0) return (0, 0);

        // One 16-byte load and a mask, unless it might cross into a page that is not ours.
        if (length >= 16 || ((nuint)name & 4095) <= 4080)
        {
            Vector128<byte> bytes = Vector128.Load(name);
            if (length < 16) bytes &= Vector128.LessThan(Vector128<byte>.Indices, Vector128.Create((byte)length));
            Vector128<ulong> keys = bytes.AsUInt64();
            return (keys.GetElement(0), keys.GetElement(1));
        }

        ulong* padded = stackalloc ulong[2];
        padded[0] = padded[1] = 0;
        new ReadOnlySpan<byte>(name, length).CopyTo(new Span<byte>(padded, 16));
        return (padded[0], padded[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(byte* name, int length, ulong key0, ulong key1)
    {
        ulong hash = Mix(key0 ^ s_seed0, key1 ^ s_seed1 ^ (uint)length);
        return length <= 16 ? hash : HashRest(name, length, hash);
    }

    private static ulong HashRest(byte* name, int length, ulong hash)
    {
        int i = 16;
        for (; i + 8 <= length; i += 8) hash = Mix(hash ^ Unsafe.ReadUnaligned<ulong>(name + i), s_seed1);
        ulong rest = 0;
        for (; i < length; i++) rest = (rest << 8) | name[i];
        return Mix(hash ^ rest, s_seed0);
    }

    /// <summary>128-bit product, folded: each output bit depends on each input bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }
}
