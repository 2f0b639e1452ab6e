namespace FastIot.Simulation;

/// <summary>What goes wrong between sensors and Kafka. Shares are of all readings, 0 to 1; all 0 by default.</summary>
public sealed record DisorderOptions
{
    /// <summary>Sent later than they were measured.</summary>
    public double LateShare { get; init; }

    /// <summary>By how much at most.</summary>
    public long MaxLateUs { get; init; } = 30_000_000;

    /// <summary>Sent twice.</summary>
    public double DuplicateShare { get; init; }

    /// <summary>Sensors (not readings) whose clock is wrong.</summary>
    public double SkewedShare { get; init; }

    /// <summary>By how much at most, either way.</summary>
    public long MaxSkewUs { get; init; } = 5_000_000;

    /// <summary>With a timestamp hours ahead.</summary>
    public double FutureShare { get; init; }

    /// <summary>That cannot be read.</summary>
    public double MalformedShare { get; init; }

    public bool None => LateShare == 0 && DuplicateShare == 0 && SkewedShare == 0 && FutureShare == 0 && MalformedShare == 0;

    /// <exception cref="ArgumentException">A share is not within 0 to 1.</exception>
    public DisorderOptions Validate()
    {
        foreach ((string name, double share) in new[] { ("late", LateShare), ("duplicate", DuplicateShare), ("skewed", SkewedShare), ("future", FutureShare), ("malformed", MalformedShare) })
        {
            if (share is not (>= 0 and <= 1)) throw new ArgumentException($"the {name} share must be 0 to 1, not {share}");
        }

        return this;
    }
}

/// <summary>Applies <see cref="DisorderOptions"/> to a fleet's readings, the same way for the same seed.</summary>
public sealed class Disorder(DisorderOptions options, ulong seed)
{
    private const long HourUs = 3_600_000_000;

    private readonly Random _random = new((int)(seed * 2654435761 >> 1));
    private readonly PriorityQueue<SimulatedReading, long> _held = new();

    public long Late { get; private set; }

    public long Duplicates { get; private set; }

    public long Future { get; private set; }

    public long Malformed { get; private set; }

    /// <summary>Takes one reading; what is to be sent now, in order, is appended to <paramref name="sent"/>.</summary>
    public void Apply(SimulatedReading reading, List<SimulatedReading> sent)
    {
        while (_held.TryPeek(out SimulatedReading held, out long due) && due <= reading.SentUs)
        {
            _held.Dequeue();
            sent.Add(held);
        }

        if (options.SkewedShare > 0) reading.TimeUs += Skew(reading.Sensor);
        if (Happens(options.FutureShare))
        {
            reading.TimeUs += HourUs + _random.NextInt64(23 * HourUs);
            Future++;
        }

        if (Happens(options.MalformedShare))
        {
            reading.Flaw = RecordFlaw.Malformed;
            Malformed++;
        }

        if (Happens(options.LateShare))
        {
            reading.SentUs += 1 + _random.NextInt64(options.MaxLateUs);
            _held.Enqueue(reading, reading.SentUs);
            Late++;
            return;
        }

        sent.Add(reading);
        if (!Happens(options.DuplicateShare)) return;
        sent.Add(reading);
        Duplicates++;
    }

    /// <summary>What is still held back.</summary>
    public void Drain(List<SimulatedReading> sent)
    {
        while (_held.TryDequeue(out SimulatedReading held, out _)) sent.Add(held);
    }

    private bool Happens(double share) => share > 0 && _random.NextDouble() < share;

    /// <summary>A sensor's own, for ever: drawn from its number.</summary>
    private long Skew(int sensor)
    {
        var random = new Random(sensor * 7919 + (int)seed);
        return random.NextDouble() < options.SkewedShare ? random.NextInt64(-options.MaxSkewUs, options.MaxSkewUs + 1) : 0;
    }
}
