using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace FastIot.Serving;

/// <summary>TensorFlow Serving's REST API.</summary>
internal sealed class TensorFlowRest(ModelServer server, SeriesScoring scoring, ServingLimits limits)
{
    /// <summary>Answers into <see cref="RequestBody.Answer"/>.</summary>
    /// <exception cref="ServingException"/>
    public async ValueTask AnswerAsync(HttpContext context, string path, RequestBody request)
    {
        RestPath rest = RestPath.Parse(context.Request.Method, path);
        switch (rest.Verb)
        {
            case RestVerb.Status:
                ModelStatus.Write(request.Answer, server, rest);
                break;
            case RestVerb.Metadata:
                WriteMetadata(request.Answer, rest);
                break;
            default:
                await request.ReadAsync(context, limits).ConfigureAwait(false);
                request.Parse(request.Length);
                if (rest.Verb == RestVerb.Score) await ScoreAsync(context, rest, request).ConfigureAwait(false);
                else if (rest.Verb == RestVerb.Predict) await PredictAsync(context, rest, request).ConfigureAwait(false);
                else Refuse(rest, request);
                break;
        }
    }

    private async ValueTask PredictAsync(HttpContext context, RestPath rest, RequestBody request)
    {
        long started = Stopwatch.GetTimestamp();
        string signature = PredictRequest.Open(request.Json);
        ServedVersion version = server.Acquire(rest.Name, rest.Version, rest.Label);
        var status = ServingStatus.Internal;
        try
        {
            if (signature != PredictRequest.DefaultSignature) throw ServingException.Invalid($"Serving signature name: \"{signature}\" not found in signature def");
            Tensor[] inputs = PredictRequest.Read(request.Json, version.Graph!.Inputs, out PredictFormat format);
            using var job = new PredictJob(inputs, limits.Timeout, context.RequestAborted);
            await Inference.RunAsync(version, job).ConfigureAwait(false);
            PredictResponse.Write(request.Answer, format, version.Graph.Outputs, job.Outputs!);
            status = ServingStatus.Ok;
        }
        catch (ServingException e)
        {
            status = e.Status;
            throw;
        }
        finally
        {
            version.Metrics.Count(status);
            version.Metrics.LatencyUs.Record(Stopwatch.GetElapsedTime(started).TotalMicroseconds);
            version.Release();
        }
    }

    private async ValueTask ScoreAsync(HttpContext context, RestPath rest, RequestBody request)
    {
        ServedVersion version = server.Acquire(rest.Name, rest.Version, rest.Label);
        var status = ServingStatus.Internal;
        try
        {
            await scoring.AnswerAsync(version, request, limits.Timeout, context.RequestAborted).ConfigureAwait(false);
            status = ServingStatus.Ok;
        }
        catch (ServingException e)
        {
            status = e.Status;
            throw;
        }
        finally
        {
            version.Metrics.Count(status);
            version.Release();
        }
    }

    private void WriteMetadata(ByteBuffer answer, RestPath rest)
    {
        ServedVersion version = server.Acquire(rest.Name, rest.Version, rest.Label);
        try
        {
            ModelStatus.WriteMetadata(answer, version);
        }
        finally
        {
            version.Release();
        }
    }

    /// <summary>An ONNX graph has no classify or regress signature; body and model are judged first, as for predict.</summary>
    private void Refuse(RestPath rest, RequestBody request)
    {
        PredictRequest.Open(request.Json);
        server.Acquire(rest.Name, rest.Version, rest.Label).Release();
        string verb = rest.Verb.ToString().ToLowerInvariant();
        throw new ServingException(ServingStatus.Unimplemented, $"{verb} is not implemented: the model has the signature serving_default for predict only");
    }
}

/// <summary>Runs a request's tensors through its version.</summary>
internal static class Inference
{
    /// <exception cref="ServingException">Refused, too late, or the model refuses the inputs.</exception>
    public static async ValueTask RunAsync(ServedVersion version, PredictJob job)
    {
        if (!version.Batcher!.TryEnqueue(job)) throw new ServingException(ServingStatus.Unavailable, "The batch scheduling queue to which this task was submitted is full");
        await job.Completion.ConfigureAwait(false);
        if (job.Fault is { } fault) throw fault;
    }
}
