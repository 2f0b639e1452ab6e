namespace FastIot.Recovery;

/// <summary>
/// The protocol with one of its rules left out: what the simulation must find. For tests only; nothing but a test sets one.
/// </summary>
internal enum ProtocolFault
{
    None,

    /// <summary>The watermark begins at what was emitted, not one slide before the snapshot.</summary>
    WatermarkAtEmitted,

    /// <summary>Slow state begins empty.</summary>
    NoSnapshot,

    /// <summary>Dead letters and late readings go out again in a replay.</summary>
    NoPosition,

    /// <summary>Anomalies go out again in a replay.</summary>
    NoEmitted,

    /// <summary>The replay offset follows open windows only.</summary>
    OpenWindowsOnly,

    /// <summary>The watermark begins at the snapshot: the pane before is not read again.</summary>
    NoPreroll,

    /// <summary>Files count as stored when they are handed over.</summary>
    CommitBeforePut,

    /// <summary>Files are put as soon as their windows are closed, before a commit has shown that the partition is still owned.</summary>
    PutBeforeCommit,

    /// <summary>A snapshot counts when it is taken, whether or not the files up to it are stored.</summary>
    SnapshotAhead,

    /// <summary>An idle advance is applied without having been committed.</summary>
    IdleUndecided,

    /// <summary>An idle advance is applied without a snapshot at its end.</summary>
    IdleWithoutSnapshot,

    /// <summary>An idle decision is dropped as soon as the snapshot has reached it.</summary>
    IdleForgotten,

    /// <summary>Reading goes on while an idle advance is not yet stored and committed.</summary>
    IdleUnsettled,

    /// <summary>Offsets are committed of partitions that are no longer owned.</summary>
    NoOwnership,

    /// <summary>After an outcome nobody knows, the worker goes on with what it has in memory.</summary>
    TrustUnknown,

    /// <summary>A change of model acts without having been committed.</summary>
    ModelUndecided,
}
