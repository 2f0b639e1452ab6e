using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIot;

/// <summary>
/// Memory outside the garbage collector's reach, aligned to a cache line and zeroed. Grows only when told to; not safe for use by
/// several threads. The pointer changes when it grows. What it holds counts against <see cref="ProcessLimits"/>.
/// </summary>
public sealed unsafe class NativeArray<T> : IDisposable where T : unmanaged
{
    private const nuint Alignment = 64;

    /// <exception cref="ResourceLimitException">There is no memory for it.</exception>
    public NativeArray(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Pointer = Allocate(length);
        Length = length;
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
    /// <exception cref="ResourceLimitException">There is no memory for it; the array is as it was.</exception>
    public void Grow(int length)
    {
        if (length <= Length) return;
        T* grown = Allocate(length);
        new Span<T>(Pointer, Length).CopyTo(new Span<T>(grown, length));
        Free();
        Pointer = grown;
        Length = length;
    }

    public void Dispose()
    {
        Free();
        Pointer = null;
        Length = 0;
        GC.SuppressFinalize(this);
    }

    ~NativeArray() => Free();

    /// <summary>One line more than asked for: SIMD kernels may read, never write, past the end.</summary>
    private static nuint Size(int length) => (nuint)length * (nuint)sizeof(T) + 2 * Alignment;

    private static T* Allocate(int length)
    {
        nuint size = Size(length);
        ProcessLimits.Take(size);
        try
        {
            void* memory = NativeMemory.AlignedAlloc(size, Alignment);
            NativeMemory.Clear(memory, size);
            return (T*)memory;
        }
        catch (OutOfMemoryException e)
        {
            ProcessLimits.Give(size);
            throw ProcessLimits.Exhausted((long)size, e);
        }
    }

    private void Free()
    {
        if (Pointer == null) return;
        NativeMemory.AlignedFree(Pointer);
        ProcessLimits.Give(Size(Length));
    }
}
