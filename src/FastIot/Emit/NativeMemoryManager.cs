using System.Buffers;

namespace FastIot.Emit;

/// <summary>Lends native memory to code that asks for <see cref="Memory{T}"/>. Owns nothing: the memory must outlive every use.</summary>
internal sealed unsafe class NativeMemoryManager(byte* pointer, int length) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => new(pointer, length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(pointer + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
