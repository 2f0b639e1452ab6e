using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace FastIot.Serving;

/// <summary>The Open Inference Protocol (KServe version 2) over HTTP, with the binary tensor extension.</summary>
internal sealed class OpenInference(ModelServer server, ServingLimits limits)
{
    /// <summary>Header of a body in which binary tensors follow the JSON: the JSON's length.</summary>
    public const string JsonLengthHeader = "Inference-Header-Content-Length";

    /// <summary>Answers into <see cref="RequestBody.Answer"/>.</summary>
    /// <exception cref="ServingException"/>
    public async ValueTask AnswerAsync(HttpContext context, string path, RequestBody request)
    {
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        bool get = HttpMethods.IsGet(context.Request.Method);
        if (parts.Length == 1 && get)
        {
            request.Answer.Raw("{\"name\":\"fastiot\",\"version\":"u8).String(FastIotVersion.Text).Raw(",\"extensions\":[\"binary_tensor_data\"]}"u8);
            return;
        }

        if (parts.Length < 3 || parts[1] != "models") throw NotFound(path);
        string name = Uri.UnescapeDataString(parts[2]);
        long? version = null;
        int at = 3;
        if (parts.Length > 4 && parts[3] == "versions")
        {
            if (!long.TryParse(parts[4], NumberStyles.None, CultureInfo.InvariantCulture, out long number)) throw ServingException.Invalid($"\"{parts[4]}\" is no version");
            (version, at) = (number, 5);
        }

        string verb = parts.Length == at ? "" : parts.Length == at + 1 ? parts[at] : throw NotFound(path);
        if (verb == "infer" && HttpMethods.IsPost(context.Request.Method)) await InferAsync(context, name, version, request).ConfigureAwait(false);
        else if (verb == "" && get) WriteMetadata(request.Answer, name, version);
        else if (verb == "ready" && get) WriteReady(context, request.Answer, name, version);
        else throw NotFound($"{context.Request.Method} {path}");
    }

    private static ServingException NotFound(string path) => new(ServingStatus.NotFound, $"{path} is not part of the protocol");

    private void WriteReady(HttpContext context, ByteBuffer answer, string name, long? version)
    {
        ServedModel? model = server.Find(name);
        ServedVersion? found = version is { } number ? model?.Find(number) : model?.Default;
        bool ready = found?.State == VersionState.Available;
        if (model == null) throw new ServingException(ServingStatus.NotFound, $"Model {name} is not known");
        if (!ready) context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        answer.Raw("{\"name\":"u8).String(name).Raw(ready ? ",\"ready\":true}"u8 : ",\"ready\":false}"u8);
    }

    private void WriteMetadata(ByteBuffer answer, string name, long? version)
    {
        ServedVersion found = server.Acquire(name, version, null);
        try
        {
            answer.Raw("{\"name\":"u8).String(name).Raw(",\"versions\":["u8);
            string between = "";
            foreach (ServedVersion v in server.Find(name)!.Versions.Where(v => v.State == VersionState.Available))
            {
                answer.Text(between).Raw("\""u8).Number(v.Version).Raw("\""u8);
                between = ",";
            }

            answer.Raw("],\"platform\":\"onnxruntime_onnx\",\"inputs\":["u8);
            WriteTensors(answer, found.Graph!.Inputs);
            answer.Raw("],\"outputs\":["u8);
            WriteTensors(answer, found.Graph.Outputs);
            answer.Raw("]}"u8);
        }
        finally
        {
            found.Release();
        }
    }

    private static void WriteTensors(ByteBuffer answer, GraphTensor[] tensors)
    {
        for (int i = 0; i < tensors.Length; i++)
        {
            if (i > 0) answer.Raw(","u8);
            answer.Raw("{\"name\":"u8).String(tensors[i].Utf8Name).Raw(",\"datatype\":\""u8).Text(TensorTypes.KServeName(tensors[i].Type));
            answer.Raw("\",\"shape\":"u8).Text(GraphTensor.Text(tensors[i].Shape)).Raw("}"u8);
        }
    }

    private async ValueTask InferAsync(HttpContext context, string name, long? number, RequestBody request)
    {
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        await request.ReadAsync(context, limits).ConfigureAwait(false);
        int json = JsonLength(context.Request.Headers[JsonLengthHeader], request.Length);
        request.Parse(json);
        ServedVersion version = server.Acquire(name, number, null);
        var status = ServingStatus.Internal;
        try
        {
            InferRequest infer = InferRequest.Read(request, json, version.Graph!);
            using var job = new PredictJob(infer.Inputs, infer.Timeout ?? limits.Timeout, context.RequestAborted);
            await Inference.RunAsync(version, job).ConfigureAwait(false);
            int length = InferResponse.Write(request.Answer, version, infer, job.Outputs!);
            if (length < request.Answer.Length)
            {
                context.Response.Headers[JsonLengthHeader] = length.ToString(CultureInfo.InvariantCulture);
                context.Response.ContentType = "application/octet-stream";
            }

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
            version.Metrics.LatencyUs.Record(System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalMicroseconds);
            version.Release();
        }
    }

    private static int JsonLength(string? header, int bodyLength)
    {
        if (string.IsNullOrEmpty(header)) return bodyLength;
        return int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out int length) && length <= bodyLength
            ? length
            : throw ServingException.Invalid($"{JsonLengthHeader}: {header} is not the length of the JSON at the beginning of {bodyLength} bytes");
    }
}

/// <summary>The program's version, for protocols that tell it.</summary>
internal static class FastIotVersion
{
    public static string Text { get; } = typeof(FastIotVersion).Assembly.GetName().Version?.ToString(3) ?? "0";
}
