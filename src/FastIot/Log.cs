using Microsoft.Extensions.Logging;

namespace FastIot;

/// <summary>What the engine says to its operator.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{topic}[{partition}] assigned: reading from offset {offset}, new from {position}")]
    public static partial void Assigned(ILogger log, string topic, int partition, long offset, long position);

    [LoggerMessage(Level = LogLevel.Information, Message = "{topic}[{partition}] given up (lost: {lost})")]
    public static partial void Revoked(ILogger log, string topic, int partition, bool lost);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{topic}[{partition}] pauses: {store} does not take its feature files as fast as they come")]
    public static partial void StoreIsSlow(ILogger log, string topic, int partition, string store);

    [LoggerMessage(Level = LogLevel.Information, Message = "{topic}[{partition}] goes on: {store} has taken its feature files")]
    public static partial void StoreTakesAgain(ILogger log, string topic, int partition, string store);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{notice}")]
    public static partial void Notice(ILogger log, string notice);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{reason}; what is in memory is discarded, reading begins again from what is committed")]
    public static partial void Recovering(ILogger log, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{topic}[{partition}] is idle at offset {offset}: windows up to {end:u} are closed")]
    public static partial void Idle(ILogger log, string topic, int partition, long offset, DateTime end);

    [LoggerMessage(Level = LogLevel.Error, Message = "worker {worker} failed")]
    public static partial void WorkerFailed(ILogger log, int worker, Exception exception);
}
