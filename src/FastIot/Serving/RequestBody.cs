using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace FastIot.Serving;

/// <summary>
/// What one request needs to be read and answered: its body in native memory with a zero behind it, the tape of its JSON, the bytes of its
/// answer. Taken from a pool, given back afterwards.
/// </summary>
internal sealed class RequestBody(BodyBudget budget) : IDisposable
{
    /// <summary>Larger memory is given back after its request.</summary>
    private const int KeptBytes = 1 << 20;

    private NativeArray<byte> _bytes = new(16 << 10);

    private long _budgeted;

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.Span[..Length];

    public JsonTape Json { get; } = new();

    public ByteBuffer Answer { get; } = new();

    /// <summary>Reads the body, and inflates it where it is gzip.</summary>
    /// <exception cref="ServingException">Too large, or not what its header says.</exception>
    /// <exception cref="BadHttpRequestException">The client sends too slowly, or not HTTP.</exception>
    public async ValueTask ReadAsync(HttpContext context, ServingLimits limits)
    {
        int maxBytes = limits.MaxBodyBytes;
        Length = 0;
        if (context.Request.ContentLength > maxBytes) throw TooLarge(maxBytes);
        PipeReader reader = context.Request.BodyReader;
        while (true)
        {
            ReadResult read = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            if (Length + read.Buffer.Length > maxBytes)
            {
                reader.AdvanceTo(read.Buffer.Start);
                throw TooLarge(maxBytes);
            }

            foreach (ReadOnlyMemory<byte> part in read.Buffer) Append(part.Span);
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) break;
        }

        string? encoding = context.Request.Headers.ContentEncoding;
        if (string.IsNullOrEmpty(encoding) || encoding.Equals("identity", StringComparison.OrdinalIgnoreCase)) return;
        if (!encoding.Equals("gzip", StringComparison.OrdinalIgnoreCase)) throw ServingException.Invalid($"Content-Encoding {encoding} is not supported; gzip is");
        Inflate(maxBytes);
    }

    /// <summary>Parses the first bytes as JSON.</summary>
    /// <exception cref="ServingException"/>
    public unsafe void Parse(int length)
    {
        Append([0]);
        Length--;
        if (length == Length)
        {
            Json.Parse(_bytes.Pointer, length);
            return;
        }

        // What follows the JSON is data: the zero that ends it takes the place of its first byte for a moment.
        byte first = _bytes[length];
        _bytes[length] = 0;
        try
        {
            Json.Parse(_bytes.Pointer, length);
        }
        finally
        {
            _bytes[length] = first;
        }
    }

    /// <summary>Gives back what a large request has made it grow to.</summary>
    public void Trim()
    {
        Json.Trim();
        Answer.Clear();
        budget.Return(_budgeted);
        _budgeted = 0;
        if (_bytes.Length <= KeptBytes) return;
        _bytes.Dispose();
        _bytes = new NativeArray<byte>(16 << 10);
    }

    public void Dispose()
    {
        _bytes.Dispose();
        Json.Dispose();
    }

    private static ServingException TooLarge(int maxBytes) => new BodyTooLargeException(maxBytes);

    private void Append(ReadOnlySpan<byte> bytes)
    {
        // What every request may have is not counted: small ones never wait for large ones.
        long beyond = Length + bytes.Length - KeptBytes - _budgeted;
        if (beyond > 0)
        {
            if (!budget.TryTake(beyond)) throw new ServingException(ServingStatus.Unavailable, "Too many large requests in progress");
            _budgeted += beyond;
        }

        if (_bytes.Length < Length + bytes.Length) _bytes.Grow((int)Math.Min(int.MaxValue, Math.Max(Length + (long)bytes.Length, _bytes.Length * 2L)));
        bytes.CopyTo(_bytes.Span[Length..]);
        Length += bytes.Length;
    }

    private void Inflate(int maxBytes)
    {
        byte[] packed = Bytes.ToArray();
        byte[] chunk = ArrayPool<byte>.Shared.Rent(64 << 10);
        Length = 0;
        try
        {
            using var gzip = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress);
            int read;
            while ((read = gzip.Read(chunk)) > 0)
            {
                if (Length + read > maxBytes) throw TooLarge(maxBytes);
                Append(chunk.AsSpan(0, read));
            }
        }
        catch (InvalidDataException e)
        {
            throw ServingException.Invalid($"The body is not gzip: {e.Message}");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }
}

/// <summary>More bytes than a request may have: HTTP 413.</summary>
internal sealed class BodyTooLargeException(int maxBytes)
    : ServingException(ServingStatus.InvalidArgument, $"The request body has more than {maxBytes} bytes; serve.max-body says how many it may have");
