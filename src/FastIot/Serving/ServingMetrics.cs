using System.Globalization;
using FastIot.Observe;
using FastIot.Scoring;

namespace FastIot.Serving;

/// <summary>
/// The server's metrics in Prometheus' text format, under our names and under TensorFlow Serving's. Written by hand: its names have colons,
/// which the client library does not allow, and requests only count in plain fields.
/// </summary>
internal sealed class ServingMetrics(ModelServer server, string version)
{
    public const string TensorFlowPath = "/monitoring/prometheus/metrics";

    private readonly long[] _refused = new long[ServingStatuses.All.Length];

    /// <summary>A request that got no answer of a model.</summary>
    public void Refused(ServingStatus status) => Interlocked.Increment(ref _refused[(int)status]);

    public void Write(ByteBuffer to, bool likeTensorFlow)
    {
        if (likeTensorFlow) WriteTensorFlow(to);
        else WriteOurs(to);
    }

    private List<(ServedVersion Version, string Labels)> Versions() =>
        [.. server.Models.SelectMany(m => m.Versions).Select(v => (v, string.Create(CultureInfo.InvariantCulture, $"model=\"{Escape(v.Name)}\",version=\"{v.Version}\"")))];

    private void WriteOurs(ByteBuffer to)
    {
        List<(ServedVersion Version, string Labels)> versions = Versions();
        Head(to, "fastiot_serving_requests_total", "counter", "Requests by model version and outcome");
        foreach ((ServedVersion v, string labels) in versions)
        {
            foreach (ServingStatus status in ServingStatuses.All)
            {
                if (v.Metrics.Requests(status) is > 0 and long count) Sample(to, "fastiot_serving_requests_total", $"{labels},code=\"{ServingStatuses.Http(status)}\",status=\"{ServingStatuses.Name(status)}\"", count);
            }
        }

        Head(to, "fastiot_serving_refused_total", "counter", "Answers that were errors, by status");
        foreach (ServingStatus status in ServingStatuses.All)
        {
            if (Volatile.Read(ref _refused[(int)status]) is > 0 and long count) Sample(to, "fastiot_serving_refused_total", $"code=\"{ServingStatuses.Http(status)}\",status=\"{ServingStatuses.Name(status)}\"", count);
        }

        Histograms(to, "fastiot_inference_queue_seconds", "Time a request waited for its model", versions, v => v.Metrics.Queue);
        Histograms(to, "fastiot_inference_compute_seconds", "Time a batch ran", versions, v => v.Metrics.Compute);
        Histograms(to, "fastiot_inference_batch_size", "Rows of a batch", versions, v => v.Metrics.BatchRows);
        Gauge(to, "fastiot_inference_queued_rows", "Rows that wait", versions, v => v.Batcher?.QueuedRows ?? 0);
        Gauge(to, "fastiot_inference_degraded", "1 where the model runs on the CPU although a device was wanted", versions, v => v.IsDegraded ? 1 : 0);
        Gauge(to, "fastiot_model_available", "1 where the version is served", versions, v => v.State == VersionState.Available ? 1 : 0);
        Gauge(to, "fastiot_model_failed", "1 where the version cannot be loaded", versions, v => v.Error.Length > 0 ? 1 : 0);
        Head(to, "fastiot_model_repository_unreadable", "gauge", "1 while the model repository cannot be read");
        Sample(to, "fastiot_model_repository_unreadable", "", server.StoreError.Length > 0 ? 1 : 0);
        WriteProcess(to);
    }

    private void WriteProcess(ByteBuffer to)
    {
        var figures = ProcessFigures.Now();
        Head(to, "process_resident_memory_bytes", "gauge", "Physical memory in use");
        Sample(to, "process_resident_memory_bytes", "", figures.ResidentBytes);
        Head(to, "process_cpu_seconds_total", "counter", "Processor time, user and kernel");
        Sample(to, "process_cpu_seconds_total", "", figures.Processor.TotalSeconds);
        Head(to, "fastiot_build_info", "gauge", "Always 1; what runs is in the labels");
        Sample(to, "fastiot_build_info", $"version=\"{version}\"", 1);
    }

    private void WriteTensorFlow(ByteBuffer to)
    {
        // Versions are not told apart there.
        var models = server.Models.Where(m => m.Versions.Length > 0).Select(m => (Name: Escape(m.Name), m.Versions)).ToList();
        Head(to, ":tensorflow:serving:request_count", "counter", "The total number of requests.");
        foreach ((string name, ServedVersion[] versions) in models)
        {
            foreach (ServingStatus status in ServingStatuses.All)
            {
                if (versions.Sum(v => v.Metrics.Requests(status)) is > 0 and long count) Sample(to, ":tensorflow:serving:request_count", $"model_name=\"{name}\",status=\"{ServingStatuses.Name(status)}\"", count);
            }
        }

        Head(to, ":tensorflow:serving:request_latency", "histogram", "Distribution of wall time (in microseconds) for Tensorflow Serving request.");
        foreach ((string name, ServedVersion[] versions) in models)
            Write(to, ":tensorflow:serving:request_latency", $"model_name=\"{name}\",API=\"Predict\",entrypoint=\"REST\"", [.. versions.Select(v => v.Metrics.LatencyUs)]);
        Head(to, ":tensorflow:serving:runtime_latency", "histogram", "Distribution of wall time (in microseconds) for the runtime.");
        foreach ((string name, ServedVersion[] versions) in models)
            Write(to, ":tensorflow:serving:runtime_latency", $"model_name=\"{name}\",API=\"Predict\",runtime=\"TF1\"", [.. versions.Select(v => v.Metrics.RuntimeUs)]);
    }

    private static void Histograms(ByteBuffer to, string name, string help, List<(ServedVersion Version, string Labels)> versions, Func<ServedVersion, Histogram> histogram)
    {
        Head(to, name, "histogram", help);
        foreach ((ServedVersion v, string labels) in versions) Write(to, name, labels, [histogram(v)]);
    }

    private static void Gauge(ByteBuffer to, string name, string help, List<(ServedVersion Version, string Labels)> versions, Func<ServedVersion, double> value)
    {
        Head(to, name, "gauge", help);
        foreach ((ServedVersion v, string labels) in versions) Sample(to, name, labels, value(v));
    }

    /// <summary>The sum of histograms with the same bounds.</summary>
    private static void Write(ByteBuffer to, string name, string labels, Histogram[] histograms)
    {
        long count = 0;
        IReadOnlyList<double> bounds = histograms[0].Bounds;
        for (int i = 0; i <= bounds.Count; i++)
        {
            foreach (Histogram histogram in histograms) count += histogram.Count(i);
            string bound = i == bounds.Count ? "+Inf" : bounds[i].ToString("R", CultureInfo.InvariantCulture);
            Sample(to, name + "_bucket", $"{labels},le=\"{bound}\"", count);
        }

        Sample(to, name + "_sum", labels, histograms.Sum(h => h.Sum));
        Sample(to, name + "_count", labels, count);
    }

    private static void Head(ByteBuffer to, string name, string type, string help) => to.Text($"# HELP {name} {help}\n# TYPE {name} {type}\n");

    private static void Sample(ByteBuffer to, string name, string labels, double value) =>
        to.Text(labels.Length > 0 ? $"{name}{{{labels}}} " : name + " ").Number(value, "R").Raw("\n"u8);

    private static string Escape(string label) => label.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
