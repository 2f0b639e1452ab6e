using FastIot.Emit;
using FastIot.Recovery;
using FastIot.Windows;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>
/// The whole core (workers, partitions, file writers) over a simulated broker, group, object store and clock, on one thread, from one seed.
/// Processes crash, start, stall and lose their membership; calls fail before or after their effect; the store goes away; partitions fall
/// silent; models change. Then all is healed, the pipeline comes to its end, and <see cref="SimTruth"/> judges what is there.
/// </summary>
internal sealed class Simulation : IDisposable
{
    private const long Second = 1_000_000;

    private readonly Random _random;
    private readonly SimFaults _faults;
    private readonly SimBroker _broker;
    private readonly SimStore _store;
    private readonly SimClock _clock = new();
    private readonly SimProcess?[] _processes;
    private readonly List<SimMember> _ghosts = [];
    private readonly int _actions;
    private int _version = 1;
    private int _running = -1;

    public Simulation(int seed, ProtocolFault fault = ProtocolFault.None)
    {
        _random = new Random(seed);
        _faults = new SimFaults(_random) { Crash = Of(0, .001, .004, .01), Trouble = Of(0, .01, .03, .1) };
        _broker = new SimBroker(_faults, _random, _random.Next(1, 4), Of(60, 120, 250));
        _store = new SimStore(_faults);
        _processes = new SimProcess?[_random.Next(1, 4)];
        _actions = _random.Next(50, 400);
        Options = new PipelineOptions
        {
            Windows = new WindowSpec { WindowUs = _random.Next(1, 7) * 10 * Second, SlideUs = 10 * Second, LatenessUs = Of(0, 2, 15) * Second, FlushUs = _random.Next(1, 5) * 10 * Second }.Validate(),
            MaxSeriesPerPartition = _random.Next(2, 8),
            CommitInterval = TimeSpan.FromMilliseconds(Of(100, 1000)),
            SnapshotUs = Of(10, 30, 60, 120) * Second,
            IdleTimeout = TimeSpan.FromSeconds(Of(2, 20)),
            StallTimeout = TimeSpan.FromDays(10),
            Fault = fault,
        };
    }

    public PipelineOptions Options { get; }

    public SimBroker Broker => _broker;

    public SimStore Store => _store;

    public int Crashes => _faults.Crashes;

    /// <exception cref="SimViolation">Something was seen that must not be, or is missing at the end.</exception>
    public void Run()
    {
        for (int action = 0; action < _actions; action++) Act();
        Heal();
        Complete();
        for (int partition = 0; partition < _broker.Logs.Length; partition++) SimTruth.Judge(Options, _broker, _store, partition);
    }

    public void Dispose()
    {
        foreach (SimProcess? process in _processes) process?.Dispose();
        _broker.Dispose();
    }

    private void Act()
    {
        int at = _random.Next(_processes.Length);
        switch (_random.Next(100))
        {
            case < 55:
                Step(at);
                break;
            case < 72:
                StepFiles(at);
                break;
            case < 84:
                _broker.Logs[_random.Next(_broker.Logs.Length)].Append(_random.Next(1, 15));
                break;
            case < 93:
                _clock.Advance(TimeSpan.FromMilliseconds(Of(20, 200, 1500, 30_000)));
                break;
            case < 95:
                Rare(at);
                break;
            case < 97:
                _processes[at]?.Source.Expire();
                break;
            default:
                if (_processes[at] == null) Start(at);
                break;
        }
    }

    private void Rare(int at)
    {
        switch (_random.Next(5))
        {
            case 0:
                if (_faults.Crash > 0) Kill(at);
                break;
            case 1:
                _store.IsAway = !_store.IsAway;
                break;
            case 2:
                _store.Arrive();
                break;
            case 3:
                _version = _random.Next(4) == 0 && _version < 5 ? _version + 1 : _version;
                if (_processes[at] is { } process) process.Version = _version;
                break;
            default:
                ExpireGhosts();
                break;
        }
    }

    private void Start(int at)
    {
        try
        {
            _processes[at] = SimProcess.Start($"p{at}", Options, _version, _broker, _store, _clock, Interleave);
        }
        catch (Exception e) when (e is SimCrash or EmitException)
        {
            // Whoever watches over it starts it again.
        }
    }

    private void Step(int at)
    {
        int before = _running;
        _running = at;
        try
        {
            _processes[at]?.Worker.Step();
        }
        catch (SimCrash)
        {
            Kill(at);
        }
        finally
        {
            _running = before;
        }
    }

    private void StepFiles(int at)
    {
        try
        {
            _processes[at]?.Files.Step();
        }
        catch (SimCrash)
        {
            Kill(at);
        }
    }

    /// <summary>In the midst of one process's commit the others go on.</summary>
    private void Interleave()
    {
        for (int at = 0; at < _processes.Length; at++)
        {
            for (int step = _random.Next(5); step > 0 && at != _running; step--) Step(at);
        }
    }

    /// <summary>kill -9: the coordinator notices after a while.</summary>
    private void Kill(int at)
    {
        if (_processes[at] is not { } process) return;
        if (process.Source.Die() is { } member) _ghosts.Add(member);
        process.Dispose();
        _processes[at] = null;
        if (_random.Next(3) > 0) ExpireGhosts();
    }

    private void ExpireGhosts()
    {
        foreach (SimMember ghost in _ghosts) _broker.Group.Leave(ghost);
        _ghosts.Clear();
    }

    private void Heal()
    {
        _faults.Healed = true;
        ExpireGhosts();
        if (Array.TrueForAll(_processes, p => p == null)) Start(_random.Next(_processes.Length));
        foreach (SimLog log in _broker.Logs) log.Append(int.MaxValue / 2);
    }

    /// <summary>With nothing in the way, everything must come to its end: all read, closed, emitted, stored.</summary>
    private void Complete()
    {
        int quiet = 0;
        for (int round = 0; quiet < 25; round++)
        {
            if (round == 5000) throw new SimViolation("it does not come to an end");
            int commits = _broker.Commits;
            for (int at = 0; at < _processes.Length; at++)
            {
                Step(at);
                for (int step = 0; step < 1000 && _processes[at]?.Files.QueuedBytes > 0; step++) StepFiles(at);
            }

            _clock.Advance(TimeSpan.FromSeconds(3));
            quiet = _broker.Commits == commits && IsComplete() ? quiet + 1 : 0;
        }
    }

    private bool IsComplete() => Enumerable.Range(0, _broker.Logs.Length).All(p =>
        _broker.Committed.TryGetValue(p, out (long Offset, CommitMetadata Metadata, string Text) c) && c.Metadata.Position == _broker.Logs[p].All.Count);

    private T Of<T>(params T[] choices) => choices[_random.Next(choices.Length)];
}
