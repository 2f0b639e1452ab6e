using FastIot.Evaluation.Baselines;
using FastIot.Ingest;
using FastIot.Scoring;
using FastIot.Simulation;
using Microsoft.Extensions.Logging;

namespace FastIot.Evaluation;

/// <summary>What to evaluate on, and how.</summary>
internal sealed record EvaluationOptions
{
    /// <summary>How readings become windows; features and warming are those of each model.</summary>
    public required PipelineOptions Pipeline { get; init; }

    /// <summary>Pipeline options for a model: its own features.</summary>
    public required Func<Model, PipelineOptions> ForModel { get; init; }

    public IReadOnlyList<Model> Models { get; init; } = [];

    public bool Baselines { get; init; } = true;

    /// <summary>Autoencoder of the raw six features under one global scale, the predecessor's design, as one more baseline; null = not at hand.</summary>
    public Model? Predecessor { get; init; }

    public BoostingOptions Boosting { get; init; } = new();

    /// <summary>Sensors and hours of each simulated fleet: to test on, to set thresholds on, to train the baselines on.</summary>
    public int Sensors { get; init; } = 300;

    public double Hours { get; init; } = 12;

    public double AnomalyRate { get; init; } = .02;

    public int Seed { get; init; } = 14;

    public int Resamples { get; init; } = Evaluator.DefaultResamples;

    /// <summary>Stage and share done.</summary>
    public Action<string, double>? Progress { get; init; }
}

/// <summary>Gathers scores of models and baselines, and has them judged. What it computes is computed by the pipeline's own code.</summary>
internal sealed class EvaluationRun(EvaluationOptions options, ILoggerFactory loggers, CancellationToken cancellation)
{
    /// <summary>Apart from the seeds of training, which are small multiples of a million from its own.</summary>
    private const int HealthySeed = 500_000_003, TrainingSeed = 700_000_001;

    private const double TrainingAnomalyRate = .06;

    private const string PredecessorName = "LSTM autoencoder, global scale";

    private readonly List<string> _notes = [];

    /// <summary>On simulated sensors that nothing was trained on; thresholds from others that are healthy.</summary>
    public async Task<EvaluationReport> SimulatedAsync()
    {
        TrainedBaselines? trained = await TrainAsync(BaselineFeatures.AllColumns).ConfigureAwait(false);
        var events = new EventLog();
        FleetOptions fleet = Fleet(options.Seed, options.AnomalyRate), healthy = Fleet(options.Seed + HealthySeed, 0);
        double[] shares = [0, 0];
        Action<double> Progress(int part) => share =>
        {
            shares[part] = share;
            options.Progress?.Invoke("scoring", shares.Average());
        };
        List<WindowCollector>[] collected = await Task.WhenAll(
            CollectAsync(trained, model => Source(fleet, model == 0 ? events : new EventLog(), Progress(0), model)),
            CollectAsync(trained, model => Source(healthy, new EventLog(), Progress(1), model))).ConfigureAwait(false);
        string data = string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"{options.Sensors} simulated sensors for {options.Hours:0.##} h, {options.AnomalyRate:P1} of the time anomalous, seed {options.Seed}; thresholds from as many healthy ones, baselines trained on as many others");
        return Judge(collected[0], collected[1], events, data);
    }

    /// <summary>On recorded readings; labels from the readings themselves, or from a file of events.</summary>
    /// <param name="truth">File of events; null: labels are in the readings.</param>
    /// <param name="healthy">Recordings of healthy sensors, from which thresholds are taken; null: none.</param>
    public async Task<EvaluationReport> RecordedAsync(FileSourceOptions files, string? truth, FileSourceOptions? healthy)
    {
        EventLog events = truth == null ? new EventLog() : TruthReader.Read(truth);
        TrainedBaselines? trained = await TrainAsync(BaselineFeatures.AllColumns).ConfigureAwait(false);
        options.Progress?.Invoke("scoring", 0);
        var taps = new List<LabelTap>();
        List<WindowCollector> collected = await CollectAsync(trained, model =>
        {
            var source = new FileSource(files);
            if (truth != null) return source;
            taps.Add(new LabelTap(source, files.Decode, model == 0 ? events : new EventLog()));
            return taps[^1];
        }).ConfigureAwait(false);
        if (truth == null && taps[0].Labelled == 0) throw new IngestException($"{string.Join(", ", files.Files)}: no reading has a label (meta.is_anomaly); name the events with --truth, or a CSV file's label column with --csv-label");
        List<WindowCollector>? clean = healthy == null ? null : await CollectAsync(trained, _ => new FileSource(healthy)).ConfigureAwait(false);
        return Judge(collected, clean, events, string.Join(", ", files.Files.Select(Path.GetFileName)));
    }

    /// <summary>On what the pipeline has written: its own scores, and baselines from the features in the files.</summary>
    /// <param name="manifest">Of the model that the files name; null where it is not at hand.</param>
    public async Task<EvaluationReport> FeaturesAsync(string folder, string truth, string? healthy, string label, ModelManifest? manifest)
    {
        EventLog events = TruthReader.Read(truth);
        TrainedBaselines? trained = await TrainAsync(BaselineFeatures.PublicColumns).ConfigureAwait(false);
        WindowCollector Collect(string from, string stage)
        {
            using BaselineSuite? suite = Suite(BaselineFeatures.PublicColumns, trained);
            using ReconstructionBaseline? predecessor = Predecessor(trained);
            var collector = new WindowCollector([new ModelScores(label, manifest, fromFiles: true), .. Scorers(suite, predecessor)]);
            FeatureFolder.Read(from, collector, share => options.Progress?.Invoke(stage, share), cancellation);
            return collector;
        }

        _notes.Add("Baselines have the eight features that follow from the files' columns; those between readings are not in the files.");
        return Judge([Collect(folder, "reading")], healthy == null ? null : [Collect(healthy, "reading healthy")], events, $"feature files in {Path.GetFileName(Path.TrimEndingDirectorySeparator(folder))}");
    }

    private FleetOptions Fleet(int seed, double rate) => new() { Sensors = options.Sensors, Seed = (ulong)seed, AnomalyRate = rate };

    private FleetSource Source(FleetOptions fleet, EventLog events, Action<double> progress, int model) =>
        new(fleet, options.Hours, events, share => progress(Math.Min(1, (model + share) / Math.Max(1, options.Models.Count))));

    private BaselineSuite? Suite(int[] columns, TrainedBaselines? trained) => trained == null ? null : new BaselineSuite(columns, trained, options.Seed);

    private async Task<TrainedBaselines?> TrainAsync(int[] columns)
    {
        if (!options.Baselines) return null;
        var events = new EventLog();
        using var trainer = new BaselineTrainer(columns, events, options.Pipeline.Windows.WindowUs, options.Seed);
        var source = new FleetSource(Fleet(options.Seed + TrainingSeed, TrainingAnomalyRate), options.Hours, events, share => options.Progress?.Invoke("simulating to train the baselines", share));
        await EvaluationPass.RunAsync(options.Pipeline, source, null, trainer, loggers, cancellation).ConfigureAwait(false);
        return trainer.Train(options.Seed, options.Boosting, share => options.Progress?.Invoke("training the baselines", share));
    }

    private ReconstructionBaseline? Predecessor(TrainedBaselines? trained) => trained == null || options.Predecessor == null ? null : new ReconstructionBaseline(options.Predecessor, PredecessorName);

    private static IEnumerable<IRowScorer> Scorers(params IRowScorer?[] scorers) => scorers.OfType<IRowScorer>();

    /// <summary>
    /// One pass per model. The baselines score the windows of the first one whose panes hold what they need, which those of a model of raw
    /// features do not; if there is none, those of a pass without a model.
    /// </summary>
    private async Task<List<WindowCollector>> CollectAsync(TrainedBaselines? trained, Func<int, IRecordSource> source)
    {
        List<Model?> passes = [.. options.Models];
        if (trained != null && !options.Models.Any(m => m.Manifest.Features.BetweenReadings)) passes.Insert(0, null);
        int withBaselines = passes.FindIndex(m => m == null || m.Manifest.Features.BetweenReadings);
        var collected = new List<WindowCollector>();
        for (int m = 0; m < passes.Count; m++)
        {
            Model? model = passes[m];
            bool baselines = m == withBaselines;
            using BaselineSuite? suite = baselines ? Suite(BaselineFeatures.AllColumns, trained) : null;
            using ReconstructionBaseline? predecessor = baselines ? Predecessor(trained) : null;
            var collector = new WindowCollector([.. Scorers(model == null ? null : new ModelScores(model.Label, model.Manifest), suite, predecessor)]);
            await EvaluationPass.RunAsync(model == null ? options.Pipeline : options.ForModel(model), source(m), model, collector, loggers, cancellation).ConfigureAwait(false);
            collected.Add(collector);
        }

        return collected;
    }

    private EvaluationReport Judge(List<WindowCollector> collected, List<WindowCollector>? healthy, EventLog events, string data)
    {
        EvaluatedSeries[] series = [.. collected[0].Series.OrderBy(s => s.Name, StringComparer.Ordinal).Select(s => Series(s, events, LastFullEnd(collected[0])))];
        foreach (string name in events.Series.Where(n => collected[0].Find(n) == null && events.Of(n).Count > 0).Take(3)) _notes.Add($"There are events of \"{name}\", but no readings.");
        var detectors = new List<DetectorScores>();
        for (int c = 0; c < collected.Count; c++)
        {
            IReadOnlyDictionary<double, float>[]? measured = healthy == null ? null : HealthyThresholds(healthy[c]);
            foreach (((string name, DetectorRole role), int d) in collected[c].Columns.Select((column, d) => (column, d)))
            {
                float[]? clean = healthy == null ? null : [.. healthy[c].Series.SelectMany(s => s.Scores(d)).Where(float.IsFinite)];
                IReadOnlyDictionary<double, float> thresholds = role != DetectorRole.Baseline ? ModelThresholds(role) : measured?[d] ?? new Dictionary<double, float>();
                detectors.Add(new DetectorScores(name, role, [.. series.Select(s => Scores(collected[c], d, s))], thresholds, clean is { Length: > 0 } ? clean : null));
            }
        }

        if (healthy == null) _notes.Add("Thresholds by quantile are of the healthy windows of the same data: give healthy recordings with --clean for thresholds set beforehand.");
        var set = new EvaluationSet(series, detectors, options.Pipeline.Windows.WindowUs, options.Pipeline.Windows.SlideUs);
        if (set.Events.Count == 0) _notes.Add("No event could be found by anybody: none is shown by a scored window (the first half hour of a series is not scored).");
        options.Progress?.Invoke("judging", 0);
        return Evaluator.Evaluate(set, data, options.Resamples, options.Seed, share => options.Progress?.Invoke("judging", share), _notes);
    }

    /// <summary>
    /// Windows that end later reach beyond the last reading: all series fall silent in them, which no sensor has done. With them the shipped
    /// model had a tenth to a fifth more false alarms in half a day.
    /// </summary>
    private long LastFullEnd(WindowCollector collected) =>
        collected.Series.Select(s => s.EndsUs[^1]).DefaultIfEmpty().Max() - options.Pipeline.Windows.WindowUs + options.Pipeline.Windows.SlideUs;

    private EvaluatedSeries Series(SeriesScores scores, EventLog events, long lastFullEnd)
    {
        long[] ends = [.. scores.EndsUs];
        List<TruthEvent> truth = events.Of(scores.Name);
        int[] labels = EventLabels.Of(ends, truth, options.Pipeline.Windows.WindowUs);
        for (int w = ends.Length - 1; w >= 0 && ends[w] > lastFullEnd; w--) labels[w] = EventLabels.DoNotCare;
        return new EvaluatedSeries(scores.Name, scores.Type, ends, labels, truth);
    }

    private static float[] Scores(WindowCollector collected, int detector, EvaluatedSeries series)
    {
        SeriesScores? scores = collected.Find(series.Name);
        if (scores == null || !scores.EndsUs.SequenceEqual(series.EndsUs)) throw new InvalidDataException($"two passes over the same readings closed different windows of {series.Name}");
        return [.. scores.Scores(detector)];
    }

    /// <summary>The published score is 1 at the budget it was run with, and doubles for each tenth of it.</summary>
    private Dictionary<double, float> ModelThresholds(DetectorRole role) => DetectorAnalysis.Budgets.ToDictionary(b => b, b => role == DetectorRole.Channel
        ? (float)-Math.Log(b)
        : (float)Math.Pow(options.Pipeline.AlarmBudget / b, Math.Log10(2)));

    /// <summary>By detector: thresholds that keep each budget on healthy series.</summary>
    private IReadOnlyDictionary<double, float>[] HealthyThresholds(WindowCollector healthy)
    {
        var none = new EventLog();
        EvaluatedSeries[] series = [.. healthy.Series.Select(s => Series(s, none, LastFullEnd(healthy)))];
        return [.. healthy.Columns.Select((column, d) =>
        {
            var detector = new DetectorScores(column.Name, column.Role, [.. healthy.Series.Select(s => s.Scores(d).ToArray())], new Dictionary<double, float>());
            var set = new EvaluationSet(series, [detector], options.Pipeline.Windows.WindowUs, options.Pipeline.Windows.SlideUs);
            EpisodeCurve curve = EpisodeCurve.Of(set, detector, 2 * DetectorAnalysis.Budgets[0]);
            return (IReadOnlyDictionary<double, float>)DetectorAnalysis.Budgets.ToDictionary(b => b, b => curve.Threshold(b * set.HealthyDays.Sum()));
        })];
    }
}
