namespace FastIot.Serving;

/// <summary>What became of a request, in TensorFlow Serving's terms.</summary>
public enum ServingStatus
{
    Ok,
    Cancelled,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Unimplemented,
    Internal,
    Unavailable,
    Unauthenticated,
}

internal static class ServingStatuses
{
    public static readonly ServingStatus[] All = Enum.GetValues<ServingStatus>();

    /// <summary>The HTTP code TensorFlow Serving answers with.</summary>
    public static int Http(ServingStatus status) => status switch
    {
        ServingStatus.Ok => 200,
        ServingStatus.InvalidArgument or ServingStatus.FailedPrecondition => 400,
        ServingStatus.Unauthenticated => 401,
        ServingStatus.PermissionDenied => 403,
        ServingStatus.NotFound => 404,
        ServingStatus.ResourceExhausted => 429,
        ServingStatus.Cancelled => 499,
        ServingStatus.Unimplemented => 501,
        ServingStatus.Unavailable => 503,
        ServingStatus.DeadlineExceeded => 504,
        _ => 500,
    };

    /// <summary>As in status answers and metrics: INVALID_ARGUMENT.</summary>
    public static string Name(ServingStatus status) => status switch
    {
        ServingStatus.Ok => "OK",
        ServingStatus.Cancelled => "CANCELLED",
        ServingStatus.InvalidArgument => "INVALID_ARGUMENT",
        ServingStatus.DeadlineExceeded => "DEADLINE_EXCEEDED",
        ServingStatus.NotFound => "NOT_FOUND",
        ServingStatus.PermissionDenied => "PERMISSION_DENIED",
        ServingStatus.ResourceExhausted => "RESOURCE_EXHAUSTED",
        ServingStatus.FailedPrecondition => "FAILED_PRECONDITION",
        ServingStatus.Unimplemented => "UNIMPLEMENTED",
        ServingStatus.Unavailable => "UNAVAILABLE",
        ServingStatus.Unauthenticated => "UNAUTHENTICATED",
        _ => "INTERNAL",
    };
}

/// <summary>A request that cannot be served; the message goes to the client.</summary>
public class ServingException(ServingStatus status, string message, Exception? inner = null) : Exception(message, inner)
{
    public ServingStatus Status { get; } = status;

    internal static ServingException Invalid(string message) => new(ServingStatus.InvalidArgument, message);
}
