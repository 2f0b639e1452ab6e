namespace FastIot.Observe;

/// <summary>What a supervisor should know of the process.</summary>
public enum PipelineState
{
    /// <summary>No partition assigned yet.</summary>
    Starting,
    Running,
    /// <summary>Asked to end; finishing what is begun.</summary>
    Draining,
    /// <summary>A worker has failed: the process will end.</summary>
    Failed,
}

public static class PipelineStates
{
    public static string Name(PipelineState state) => state switch
    {
        PipelineState.Starting => "starting",
        PipelineState.Running => "running",
        PipelineState.Draining => "draining",
        _ => "failed",
    };
}
