namespace FastIot.Kafka.Wire.Compression;

/// <summary>What is not the fast loop: headers of blocks, stored blocks, both ends of the buffers.</summary>
internal sealed unsafe partial class Inflate
{
    private const int LengthCodeSymbols = 19;
    private const int LengthCodeBits = 7;
    private const int MostLengths = 286;
    private const int MostDistances = 30;

    /// <summary>In this order the lengths of the codes for lengths come.</summary>
    private static ReadOnlySpan<byte> LengthCodeOrder => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    /// <summary>Loads bits, where the end of the input may be near. All that may follow it are zeros, and <see cref="Consumed"/> sees to it that none was used.</summary>
    private void Load()
    {
        if (!_inTail && _in > _inEnd - InputSlack) ToTail();
        Refill(ref _bits, ref _count, ref _in);
    }

    /// <summary>Goes on in a copy of what is left, with zeros behind it. Bytes that were loaded before, and may be gone back to, are copied with it.</summary>
    private void ToTail()
    {
        int left = (int)(_inEnd - _in);
        new Span<byte>(_tail.Pointer, TailBytes).Clear();
        new Span<byte>(_in - RewindBytes, RewindBytes + left).CopyTo(new Span<byte>(_tail.Pointer, TailBytes));
        _in = _tail.Pointer + RewindBytes;
        _inEnd = _in + left;
        _inTail = true;
    }

    private void Consumed()
    {
        if ((_in - _inEnd) * 8 > (byte)_count) ThrowDamaged("it ends too early");
    }

    private int Take(int width)
    {
        Load();
        int value = (int)_bits & ((1 << width) - 1);
        _bits >>= width;
        _count -= (uint)width;
        Consumed();
        return value;
    }

    /// <summary>Bits up to the next byte's begin are dropped, whole bytes go back.</summary>
    private void ToByte()
    {
        _in -= (byte)_count >> 3;
        _bits = 0;
        _count = 0;
    }

    private void Stored()
    {
        ToByte();
        if (_inEnd - _in < 4) ThrowDamaged("it ends too early");
        int length = *(ushort*)_in;
        if ((ushort)~length != *(ushort*)(_in + 2)) ThrowDamaged("invalid stored block lengths");
        _in += 4;
        if (_inEnd - _in < length) ThrowDamaged("it ends too early");
        Room(length);
        new Span<byte>(_in, length).CopyTo(new Span<byte>(_out, length));
        _in += length;
        _out += length;
        if (_out - _outStart - _checked > ChecksumBytes) Check();
    }

    /// <summary>The codes of a block that brings its own (RFC 1951, 3.2.7).</summary>
    private void ReadCodes()
    {
        int lengths = Take(5) + 257, distances = Take(5) + 1, codes = Take(4) + 4;
        if (lengths > MostLengths || distances > MostDistances) ThrowDamaged("too many length or distance symbols");
        byte* bits = stackalloc byte[MostLengths + MostDistances];
        new Span<byte>(bits, LengthCodeSymbols).Clear();
        for (int i = 0; i < codes; i++) bits[LengthCodeOrder[i]] = (byte)Take(3);
        uint* symbols = stackalloc uint[LengthCodeSymbols];
        for (uint i = 0; i < LengthCodeSymbols; i++) symbols[i] = i << InflateCode.ValueShift;
        if (!InflateCode.Build(_table.Pointer, LengthCodeBits, bits, LengthCodeSymbols, symbols, mayBeIncomplete: false)) ThrowDamaged("invalid code lengths set");
        ReadLengths(bits, lengths + distances);
        if (bits[InflateCode.EndSymbol] == 0) ThrowDamaged("invalid code: no end of block");
        if (!InflateCode.BuildLengths(_table.Pointer, bits, lengths)) ThrowDamaged("invalid literal/lengths set");
        if (!InflateCode.BuildDistances(_table.Pointer, bits + lengths, distances)) ThrowDamaged("invalid distances set");
    }

    private void ReadLengths(byte* bits, int count)
    {
        for (int at = 0; at < count;)
        {
            Load();
            uint entry = _table.Pointer[(uint)_bits & ((1u << LengthCodeBits) - 1)], symbol = entry >> InflateCode.ValueShift;
            Consume(ref _bits, ref _count, entry);
            Consumed();
            if (symbol < 16)
            {
                bits[at++] = (byte)symbol;
                continue;
            }

            if (symbol == 16 && at == 0) ThrowDamaged("invalid bit length repeat");
            (int width, int least) = symbol switch { 16 => (2, 3), 17 => (3, 3), _ => (7, 11) };
            int times = Take(width) + least;
            if (times > count - at) ThrowDamaged("invalid bit length repeat");
            new Span<byte>(bits + at, times).Fill(symbol == 16 ? bits[at - 1] : (byte)0);
            at += times;
        }
    }

    /// <summary>One symbol, a length with its distance, where an end is near.</summary>
    /// <returns>Whether it was the end of the block.</returns>
    private bool Symbol()
    {
        Room(OutputSlack);
        Load();
        uint entry = _codes[(uint)_bits & ((1u << InflateCode.LengthBits) - 1)];
        if ((entry & InflateCode.Subtable) != 0) entry = InSubtable(_codes, ref _bits, ref _count, entry);
        uint length = Value(_bits, entry);
        Consume(ref _bits, ref _count, entry);
        if ((entry & InflateCode.Literal) != 0)
        {
            Consumed();
            *_out++ = (byte)(entry >> InflateCode.ValueShift);
            return false;
        }

        if ((entry & InflateCode.Special) != 0)
        {
            if ((entry & InflateCode.EndOfBlock) == 0) ThrowDamaged("invalid literal/length code");
            Consumed();
            return true;
        }

        Load();
        uint* distances = _codes + InflateCode.DistanceTable;
        entry = distances[(uint)_bits & ((1u << InflateCode.DistanceBits) - 1)];
        if ((entry & InflateCode.Subtable) != 0) entry = InSubtable(distances, ref _bits, ref _count, entry);
        if ((entry & InflateCode.Special) != 0) ThrowDamaged("invalid distance code");
        uint distance = Value(_bits, entry);
        Consume(ref _bits, ref _count, entry);
        Consumed();
        if (distance > _out - _outStart) ThrowDamaged("invalid distance too far back");
        InflateCopy.Match(_out, distance, length);
        _out += length;
        return false;
    }

    /// <summary>Makes room; twice as much as before where it is not enough.</summary>
    private void Room(int bytes)
    {
        if (_outLimit - _out >= bytes) return;
        int written = (int)(_out - _outStart);
        if (written > _most) ThrowTooLarge();
        int room = Math.Max(bytes, OutputSlack);
        _to.Reserve((int)Math.Min(Math.Max(written * 2L, 1 << 16), _most) + room, written);
        Place(written);
    }

    private void Place(int written)
    {
        _outStart = _to.Pointer;
        _out = _outStart + written;
        _outLimit = _outStart + _to.Capacity;
    }

    private void Check()
    {
        int written = (int)(_out - _outStart);
        _checksum = Zlib.CompressionNative_Crc32(_checksum, _outStart + _checked, written - _checked);
        _checked = written;
    }
}
