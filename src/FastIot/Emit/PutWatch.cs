using System.Net;

namespace FastIot.Emit;

/// <summary>
/// Stands below the S3 client for what it cannot do itself: it has no conditional put, and its verdict on error answers depends on reflection
/// over XML that a native binary may lack: an answer that never came looks like an empty object. Adds <c>If-None-Match: *</c> to the request
/// that makes the object, and notes the server's status.
/// </summary>
internal sealed class PutWatch : DelegatingHandler
{
    private static readonly AsyncLocal<Outcome?> s_current = new();

    /// <summary>Watches the put or head that the caller now makes; what it makes afterwards in other calls is not watched.</summary>
    public static Outcome Begin(bool ifAbsent)
    {
        var outcome = new Outcome(ifAbsent);
        s_current.Value = outcome;
        return outcome;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (s_current.Value is not { } outcome || !(MakesObject(request) || request.Method == HttpMethod.Head)) return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (outcome.IfAbsent) request.Headers.TryAddWithoutValidation("If-None-Match", "*");
        outcome.Status = null;
        HttpResponseMessage response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        outcome.Status = response.StatusCode;
        return response;
    }

    /// <summary>The put of a whole object; of one sent in parts the request that puts them together.</summary>
    private static bool MakesObject(HttpRequestMessage request)
    {
        bool parts = request.RequestUri!.Query.Contains("uploadId=", StringComparison.Ordinal);
        return parts ? request.Method == HttpMethod.Post : request.Method == HttpMethod.Put;
    }

    /// <param name="ifAbsent">Whether an object that is there must stay.</param>
    internal sealed class Outcome(bool ifAbsent)
    {
        public bool IfAbsent { get; } = ifAbsent;

        /// <summary>The server's answer; null = none came.</summary>
        public HttpStatusCode? Status { get; set; }

        public string Text => $"the server answered {(Status is { } status ? $"{(int)status} {status}" : "nothing")}";
    }
}
