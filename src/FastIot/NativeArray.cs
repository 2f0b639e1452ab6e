using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIot;

/// <summary>
/// Memory outside the garbage collector's reach, aligned to a cache line and zeroed. Grows only when told to; not safe for use by
/// several threads. The pointer changes when it grows.
/// </summary>
public sealed unsafe class NativeArray<T> : IDisposable where T : unmanaged
{
    private const nuint Alignment = 64;

    public NativeArray(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        Pointer = Allocate(length);
    }

    public T* Pointer { get; private set; }

    public int Length { get; private set; }

    public long Bytes => (long)Length * sizeof(T);

    public Span<T> Span => new(Pointer, Length);

    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Pointer[index];
    }

    /// <summary>Keeps what is there, zeroes what is new.</summary>
    public void Grow(int length)
    {
        if (length <= Length) return;
        T* grown = Allocate(length);
        new Span<T>(Pointer, Length).CopyTo(new Span<T>(grown, length));
        NativeMemory.AlignedFree(Pointer);
        Pointer = grown;
        Length = length;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
        Length = 0;
        GC.SuppressFinalize(this);
    }

    ~NativeArray() => NativeMemory.AlignedFree(Pointer);

    private static T* Allocate(int length)
    {
        // One line more than asked for: SIMD kernels may read, never write, past the end.
        nuint size = (nuint)length * (nuint)sizeof(T) + 2 * Alignment;
        void* memory = NativeMemory.AlignedAlloc(size, Alignment);
        NativeMemory.Clear(memory, size);
        return (T*)memory;
    }
}
