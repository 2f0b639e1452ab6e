using System.Collections.Concurrent;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Windows;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Serving;

/// <summary>
/// Scores a request's raw readings by the version's own contract (POST …:score). As many requests at once as there are cores; each scorer is
/// kept for the next one.
/// </summary>
internal sealed class SeriesScoring(double alarmBudget, int warmingWindows)
{
    private readonly SemaphoreSlim _cores = new(Environment.ProcessorCount);
    private readonly ConcurrentDictionary<ServedVersion, VersionScorers> _versions = new();

    /// <summary>Answers {"readings": […]} with the last window of each series, or with all of them ("windows": "all").</summary>
    /// <exception cref="ServingException"/>
    public async ValueTask AnswerAsync(ServedVersion version, RequestBody request, TimeSpan patience, CancellationToken aborted)
    {
        if (version.Files?.Manifest == null) throw new ServingException(ServingStatus.FailedPrecondition, $"{version.Name}:{version.Version} has no model.json: it does not say how readings become its inputs");
        (int readings, bool all) = Open(request.Json);
        if (!await _cores.WaitAsync(patience, aborted).ConfigureAwait(false)) throw new ServingException(ServingStatus.DeadlineExceeded, "Timed out while waiting for a core");
        try
        {
            await Task.Run(() => Score(version, request, readings, all), aborted).ConfigureAwait(false);
        }
        finally
        {
            _cores.Release();
        }
    }

    /// <summary>Frees the scorers of a version that is served no more.</summary>
    public void Forget(ServedVersion version)
    {
        if (_versions.TryRemove(version, out VersionScorers? scorers)) scorers.Dispose();
    }

    private static (int Readings, bool All) Open(JsonTape json)
    {
        if (json[0].Kind != JsonKind.Object) throw ServingException.Invalid($"JSON Value: {JsonExcerpt.Of(json, 0)} Is not object");
        int readings = json.Member(0, "readings"u8), windows = json.Member(0, "windows"u8);
        if (readings < 0 || json[readings].Kind != JsonKind.Array) throw ServingException.Invalid("\"readings\" must be a list of readings: {\"sensor_id\", \"timestamp\", \"metric\", \"value\"}");
        if (windows < 0) return (readings, false);
        bool all = json.IsString(windows) && json.String(windows).SequenceEqual("all"u8);
        bool last = json.IsString(windows) && json.String(windows).SequenceEqual("last"u8);
        return all || last ? (readings, all) : throw ServingException.Invalid("\"windows\" must be \"last\" or \"all\"");
    }

    private unsafe void Score(ServedVersion version, RequestBody request, int readings, bool all)
    {
        VersionScorers scorers = _versions.GetOrAdd(version, v => new VersionScorers(v.Files!));
        FeatureSpec features = version.Files!.Manifest!.Features with { WarmingWindows = warmingWindows };
        WindowScorer scorer = scorers.Take(alarmBudget);
        try
        {
            using var replay = new SeriesReplay(scorer, features);
            ReadOnlySpan<byte> list = JsonExcerpt.Whole(request.Json, readings);
            fixed (byte* json = list) replay.Add(json, list.Length);
            ScoreResponse.Begin(request.Answer, version);
            // The last window of each series is known only at the end: each row writes over the one before.
            var last = new Dictionary<int, byte[]>();
            var row = new ByteBuffer();
            replay.Run(batch =>
            {
                for (int i = 0; i < batch.Count; i++)
                {
                    row.Clear();
                    ScoreResponse.WriteRow(row, replay, batch, i);
                    if (all) ScoreResponse.Add(request.Answer, row.Written);
                    else last[batch.Slot[i]] = row.Written.ToArray();
                }
            });
            foreach (byte[] written in last.OrderBy(r => r.Key).Select(r => r.Value)) ScoreResponse.Add(request.Answer, written);
            ScoreResponse.End(request.Answer, replay);
        }
        finally
        {
            scorers.Return(scorer);
        }
    }

    /// <summary>A version's model as the pipeline loads it, and scorers that are not in use.</summary>
    private sealed class VersionScorers(ModelFiles files) : IDisposable
    {
        private readonly Lazy<Model> _model = new(() => new Model(files.Onnx, files.Manifest!, ExecutionProvider.Cpu, NullLogger.Instance));
        private readonly ConcurrentBag<WindowScorer> _free = [];

        public WindowScorer Take(double alarmBudget)
        {
            try
            {
                return _free.TryTake(out WindowScorer? scorer) ? scorer : new WindowScorer(_model.Value, alarmBudget);
            }
            catch (ModelException e)
            {
                throw new ServingException(ServingStatus.FailedPrecondition, e.Message, e);
            }
        }

        public void Return(WindowScorer scorer) => _free.Add(scorer);

        public void Dispose()
        {
            while (_free.TryTake(out WindowScorer? scorer)) scorer.Dispose();
            if (_model.IsValueCreated) _model.Value.Dispose();
        }
    }
}
