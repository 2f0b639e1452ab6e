namespace FastIot.Cli;

/// <summary>What the process's exit code says. Part of the interface: documented in every command's help and in the README.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>A broker, store, model or file failed; the message says which.</summary>
    public const int Failure = 1;

    /// <summary>Flags or configuration that cannot be used; nothing was started.</summary>
    public const int Usage = 2;

    /// <summary>The orderly end took longer than the drain time-out; what was not committed is read again next time.</summary>
    public const int DrainTimeout = 3;

    /// <summary>A second signal ended the process at once: 128 and the signal's number, 130 or 143.</summary>
    public const int SignalBase = 128;

    public const string Help = """
        Exit codes:
          0        done
          1        a broker, store, model or file failed
          2        flags or configuration that cannot be used
          3        the orderly end took longer than the drain time-out
          130, 143 ended at once by a second SIGINT or SIGTERM
        """;
}
