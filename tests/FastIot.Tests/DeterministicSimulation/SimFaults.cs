namespace FastIot.Tests.DeterministicSimulation;

/// <summary>The process that was running is no more.</summary>
internal sealed class SimCrash : Exception;

/// <summary>What must not be, has been seen.</summary>
internal sealed class SimViolation(string message) : Exception(message);

/// <summary>The clock of the simulated world: it moves when the simulation says so.</summary>
internal sealed class SimClock : TimeProvider
{
    private long _ticks = TimeSpan.TicksPerDay;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public void Advance(TimeSpan by) => _ticks += by.Ticks;
}

/// <summary>Draws what goes wrong. Everything in one simulation is drawn from one seed, in one order.</summary>
internal sealed class SimFaults(Random random)
{
    public Random Random { get; } = random;

    /// <summary>From here on all is well: what was begun must come to its end.</summary>
    public bool Healed { get; set; }

    /// <summary>Share of calls that end the process.</summary>
    public double Crash { get; init; }

    /// <summary>Share of calls that go wrong in their own way.</summary>
    public double Trouble { get; init; }

    public int Crashes { get; private set; }

    public bool Draw(double share) => !Healed && Random.NextDouble() < share;

    public bool DrawTrouble() => Draw(Trouble);

    /// <summary>A place where the process may die.</summary>
    public void MayCrash()
    {
        if (!Draw(Crash)) return;
        Crashes++;
        throw new SimCrash();
    }
}
