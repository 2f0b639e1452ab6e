using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace FastIot.Cli;

/// <summary>
/// Tells a service manager how it goes, by systemd's protocol (sd_notify(3)): datagrams of "NAME=value" lines to the socket that NOTIFY_SOCKET
/// names. READY once the workers run, WATCHDOG at least twice in each WATCHDOG_USEC, STATUS with every beat, STOPPING at the end.
/// </summary>
internal sealed class ServiceNotifier : IDisposable
{
    private static readonly TimeSpan s_statusInterval = TimeSpan.FromSeconds(5);

    private readonly Terminal _terminal;
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly UnixDomainSocketEndPoint _manager;
    private readonly bool _watched;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private long? _beaten;
    private bool _ready;
    private bool _failed;

    private ServiceNotifier(Terminal terminal, string socket, TimeSpan? watchdog, TimeProvider time)
    {
        _terminal = terminal;
        // "@name" is Linux's abstract namespace, where the address begins with a zero byte.
        _manager = new UnixDomainSocketEndPoint(socket[0] == '@' ? '\0' + socket[1..] : socket);
        _watched = watchdog != null;
        _interval = watchdog is { } most && most / 2 < s_statusInterval ? most / 2 : s_statusInterval;
        _time = time;
        // A manager that does not read must not hold up the pipeline.
        _socket.Blocking = false;
    }

    /// <returns>Null where nobody wants to know.</returns>
    public static ServiceNotifier? Of(Terminal terminal, TimeProvider? time = null)
    {
        if (terminal.Environment.GetValueOrDefault("NOTIFY_SOCKET") is not { Length: > 1 } socket || socket[0] is not ('/' or '@')) return null;
        bool watched = long.TryParse(terminal.Environment.GetValueOrDefault("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long watchdogUs) && watchdogUs > 0;
        return new ServiceNotifier(terminal, socket, watched ? TimeSpan.FromMicroseconds(watchdogUs) : null, time ?? TimeProvider.System);
    }

    /// <summary>The first time only.</summary>
    public void Ready()
    {
        if (!_ready) Send("READY=1");
        _ready = true;
    }

    public void Stopping() => Send("STOPPING=1");

    /// <summary>Says that the process is alive, and how it goes, when it is time to.</summary>
    public void Beat(Func<string> status)
    {
        long now = _time.GetTimestamp();
        if (_beaten is { } before && _time.GetElapsedTime(before, now) < _interval) return;
        _beaten = now;
        Send($"{(_watched ? "WATCHDOG=1\n" : "")}STATUS={status()}");
    }

    public void Dispose() => _socket.Dispose();

    private void Send(string lines)
    {
        try
        {
            _socket.SendTo(Encoding.UTF8.GetBytes(lines), _manager);
            _failed = false;
        }
        catch (SocketException e)
        {
            // What the manager does about it is its own affair (WatchdogSec); said once for each time that it is away.
            if (!_failed) _terminal.Error.WriteLine($"warning: the service manager at NOTIFY_SOCKET does not take \"{lines.Split('\n')[0]}\": {e.Message}");
            _failed = true;
        }
    }
}
