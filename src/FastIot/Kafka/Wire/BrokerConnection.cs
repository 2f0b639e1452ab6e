using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace FastIot.Kafka.Wire;

/// <summary>
/// One connection to one broker: requests out, framed answers in, every wait with an end. One thread may send while another receives.
/// Allocates nothing per request. The socket never blocks, it is polled: the framework bounds a blocking connect only by its asynchronous
/// ways, and these allocate for every read that has to wait.
/// </summary>
internal sealed unsafe class BrokerConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly string _clientId;
    private readonly WireRequest _request = new();
    private readonly ByteBuffer _answer = new();
    private int _correlation;

    private BrokerConnection(BrokerAddress address, Socket socket, string clientId)
    {
        Address = address;
        _socket = socket;
        _clientId = clientId;
    }

    public BrokerAddress Address { get; }

    /// <summary>Connects and checks that the broker speaks the versions in <see cref="WireRequest"/>.</summary>
    /// <exception cref="WireException">It does not answer in time; <see cref="WireRefusedException"/> where it speaks other versions.</exception>
    public static BrokerConnection Open(BrokerAddress address, WireOptions options)
    {
        var connection = new BrokerConnection(address, Connect(address, options.ConnectTimeout), options.ClientId);
        try
        {
            connection.CheckVersions(options.RequestTimeout);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Begins a request; what it holds is written to the result, then it is sent by <see cref="Send(WireRequest, TimeSpan)"/> or answered by <see cref="Call"/>.</summary>
    public WireRequest Request(ApiKey key)
    {
        _request.Begin(key, ++_correlation, _clientId);
        return _request;
    }

    /// <summary>Correlation id of the request begun last: its answer begins with it.</summary>
    public int Correlation => _correlation;

    /// <summary>Sends a request and waits for its answer, which is valid until the next one. Nothing else may be under way.</summary>
    public WireReader Call(WireRequest request, string what, TimeSpan timeout)
    {
        Send(request.End(), timeout);
        int length = Receive(_answer, timeout);
        var reader = new WireReader(new ReadOnlySpan<byte>(_answer.Pointer, length), $"{Address}, {what}");
        int correlation = reader.Int32();
        if (correlation != _correlation) throw new WireException($"{Address} answers request {correlation} instead of {_correlation}");
        return reader;
    }

    public void Send(ReadOnlySpan<byte> bytes, TimeSpan timeout)
    {
        long started = Stopwatch.GetTimestamp();
        while (!bytes.IsEmpty)
        {
            int sent = _socket.Send(bytes, SocketFlags.None, out SocketError error);
            if (error == SocketError.Success) bytes = bytes[sent..];
            else if (error == SocketError.WouldBlock) Await(SelectMode.SelectWrite, started, timeout, "takes nothing");
            else throw new WireException($"{Address}: {Text(error)}");
        }
    }

    /// <summary>Receives one answer without its size.</summary>
    /// <param name="timeout">Of the whole answer.</param>
    /// <returns>Its bytes in <paramref name="answer"/>.</returns>
    public int Receive(ByteBuffer answer, TimeSpan timeout)
    {
        long started = Stopwatch.GetTimestamp();
        Span<byte> size = stackalloc byte[sizeof(int)];
        Fill(size, started, timeout);
        int length = BinaryPrimitives.ReadInt32BigEndian(size);
        WireFrame.Check(length, Address);
        answer.Reserve(length);
        Fill(new Span<byte>(answer.Pointer, length), started, timeout);
        return length;
    }

    /// <summary>Handle of the socket, for waiting on several at once.</summary>
    public nint Handle => _socket.SafeHandle.DangerousGetHandle();

    /// <summary>Takes what has come of an answer, without waiting.</summary>
    /// <returns>True once the frame holds a whole one.</returns>
    public bool TryReceive(WireFrame frame)
    {
        while (!frame.IsWhole)
        {
            int received = _socket.Receive(frame.Room, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock) return false;
            if (error != SocketError.Success) throw new WireException($"{Address}: {Text(error)}");
            if (received == 0) throw new WireException($"{Address} has closed the connection");
            frame.Add(received, Address);
        }

        return true;
    }

    /// <summary>Whether an answer, or the end of the connection, can be read without waiting longer than this.</summary>
    public bool AwaitAnswer(TimeSpan timeout) => _socket.Poll(timeout, SelectMode.SelectRead);

    /// <summary>Ends what another thread waits for.</summary>
    public void Abort()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // It was not connected any more.
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _answer.Dispose();
    }

    private void Fill(Span<byte> bytes, long started, TimeSpan timeout)
    {
        while (!bytes.IsEmpty)
        {
            int received = _socket.Receive(bytes, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
            {
                Await(SelectMode.SelectRead, started, timeout, "does not answer");
                continue;
            }

            if (error != SocketError.Success) throw new WireException($"{Address}: {Text(error)}");
            if (received == 0) throw new WireException($"{Address} has closed the connection");
            bytes = bytes[received..];
        }
    }

    private void Await(SelectMode mode, long started, TimeSpan timeout, string what)
    {
        TimeSpan left = timeout - Stopwatch.GetElapsedTime(started);
        if (left <= TimeSpan.Zero || !_socket.Poll(left, mode)) throw new WireException($"{Address} {what} for {timeout.TotalSeconds:0.#} s");
    }

    private void CheckVersions(TimeSpan timeout)
    {
        WireReader reader = Call(Request(ApiKey.ApiVersions), "ApiVersions", timeout);
        short error = reader.Int16();
        if (error != BrokerError.None) throw new WireRefusedException($"{Address} does not say which versions it speaks: {BrokerError.Text(error)}");
        var spoken = new Dictionary<short, (short Least, short Most)>();
        for (int count = reader.Count(6); count > 0; count--) spoken[reader.Int16()] = (reader.Int16(), reader.Int16());
        foreach (ApiKey key in Enum.GetValues<ApiKey>())
        {
            // Those for authentication are only asked of brokers that want it, and idempotence only by producers: refused where they are used.
            if (key is ApiKey.SaslHandshake or ApiKey.SaslAuthenticate) continue;
            short version = WireRequest.Version(key);
            if (!spoken.TryGetValue((short)key, out var range) || version < range.Least || version > range.Most)
                throw new WireRefusedException($"{Address} does not speak {key} version {version} (Kafka 2.3 or later does)");
        }
    }

    private static Socket Connect(BrokerAddress address, TimeSpan timeout)
    {
        IPAddress[] found;
        try
        {
            found = IPAddress.TryParse(address.Host, out IPAddress? literal) ? [literal] : Dns.GetHostAddresses(address.Host);
        }
        catch (SocketException e)
        {
            throw new WireException($"{address}: the name is not known ({e.Message})", e);
        }

        WireException? failure = null;
        foreach (IPAddress ip in found)
        {
            var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, Blocking = false };
            try
            {
                Connect(socket, new IPEndPoint(ip, address.Port), timeout);
                return socket;
            }
            catch (SocketException e)
            {
                socket.Dispose();
                failure = new WireException($"{address}: {Text(e.SocketErrorCode)}", e);
            }
        }

        throw failure ?? new WireException($"{address}: the name has no address");
    }

    private static void Connect(Socket socket, IPEndPoint end, TimeSpan timeout)
    {
        try
        {
            socket.Connect(end);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            if (!socket.Poll(timeout, SelectMode.SelectWrite)) throw new SocketException((int)SocketError.TimedOut);
            int error = (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
            if (error != 0) throw new SocketException(error);
        }
    }

    private static string Text(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "nothing listens there",
        SocketError.TimedOut => "it does not answer",
        SocketError.ConnectionReset => "the connection was reset",
        _ => error.ToString(),
    };
}
