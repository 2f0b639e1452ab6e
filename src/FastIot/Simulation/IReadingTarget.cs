namespace FastIot.Simulation;

/// <summary>Where simulated or recorded readings go. One thread calls everything.</summary>
public interface IReadingTarget : IDisposable
{
    /// <returns>False when it cannot take more at the moment: <see cref="Wait"/>, then try again.</returns>
    bool TryWrite(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestampMs);

    /// <summary>Sends what has waited long enough; called every few milliseconds. Never waits.</summary>
    void Poll();

    /// <summary>Waits a little for room.</summary>
    void Wait();

    /// <summary>Waits until everything written has arrived.</summary>
    void Flush(TimeSpan timeout);
}
