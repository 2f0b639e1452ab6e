namespace FastIot.Recovery;

/// <summary>Records that are needed have gone from the log (retention), or the topic was made anew.</summary>
public enum GapPolicy
{
    /// <summary>Refuse, and say what is missing.</summary>
    Fail,

    /// <summary>Go on with what the log still has; windows that miss readings are written as they are, the gap is counted.</summary>
    Earliest,
}

/// <summary>The group's state was written with another configuration, number of partitions, or by another program.</summary>
public enum ConfigChangePolicy
{
    Fail,

    /// <summary>
    /// Read again from the committed offset with the configuration as it is now. Window ends already emitted or stored stay as they are;
    /// the first ones after them are left out where readings they need lie before that offset.
    /// </summary>
    RestartWindows,
}

/// <summary>The snapshot of slow state that was committed is missing, damaged, or not the one.</summary>
public enum SnapshotLossPolicy
{
    Fail,

    /// <summary>Begin without: series are warming again, their scores until then differ from what they would have been.</summary>
    ColdStart,
}

/// <summary>When records become visible, and how often.</summary>
public enum Delivery
{
    /// <summary>Records and offsets in one Kafka transaction.</summary>
    ExactlyOnce,

    /// <summary>Records at once, offsets after them: after a crash some records come twice.</summary>
    AtLeastOnce,
}
