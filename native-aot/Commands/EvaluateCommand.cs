using System.CommandLine;
using FastIot.Configuration;
using FastIot.Evaluation;
using FastIot.Features;
using FastIot.Ingest;
using FastIot.Scoring;
using Microsoft.Extensions.Logging;

namespace FastIot.Cli.Commands;

/// <summary>How good models are, beside simple detectors on the same data.</summary>
internal static class EvaluateCommand
{
    private const string PredecessorModel = "predecessor";

    public static Command Create(Terminal terminal)
    {
        var files = new Argument<string[]>("file") { Description = "Labelled recordings: NDJSON with meta.is_anomaly or with --truth, CSV with --csv-label; none = a simulated fleet", Arity = ArgumentArity.ZeroOrMore };
        var features = new Option<string>("--features") { Description = "Folder with the feature files of run or replay: judges the scores in them", HelpName = "folder" };
        var truth = new Option<string>("--truth") { Description = "File of events, as simulate --truth writes it", HelpName = "file" };
        var clean = new Option<string>("--clean") { Description = "Healthy sensors' recording, or with --features their folder: thresholds are set on them", HelpName = "path" };
        var models = new Option<string[]>("--model") { Description = "Model to evaluate, NAME or NAME:VERSION; may be repeated; none = baselines only [anomaly_detector]", HelpName = "name", Arity = ArgumentArity.OneOrMore };
        var sensors = new OptionWithDefault<int>("--sensors", 300) { Description = "Sensors of each simulated fleet: to test on, to set thresholds on, to train baselines on [300]", HelpName = "number" };
        var hours = new OptionWithDefault<double>("--hours", 12) { Description = "Hours of each [12]", HelpName = "number" };
        var seed = new OptionWithDefault<int>("--seed", 14) { Description = "The same seed gives the same figures [14]", HelpName = "number" };
        var rate = new OptionWithDefault<double>("--anomaly-rate", .02) { Description = "Share of the simulated sensors' time that is anomalous [0.02]", HelpName = "share" };
        var resamples = new OptionWithDefault<int>("--resamples", Evaluator.DefaultResamples) { Description = $"Resamples of the sensors, from which the intervals are taken [{Evaluator.DefaultResamples}]", HelpName = "number" };
        var noBaselines = new Option<bool>("--no-baselines") { Description = "Judge the models alone" };
        var label = new Option<string>("--csv-label") { Description = "CSV column that tells anomalies", HelpName = "column" };
        var json = new Option<bool>("--json") { Description = "Print the report as one JSON object" };
        var html = new Option<string>("--html") { Description = "Write the report with its plots to this file", HelpName = "file" };
        var command = new Command("evaluate", "Judge models on labelled data: events found at the same false alarms as simple detectors, never point-adjusted")
        {
            files, features, truth, clean, models, sensors, hours, seed, rate, resamples, noBaselines, label, json, html,
        };
        var flags = new SettingFlags(command, [SettingGroup.Readings, SettingGroup.Windows, SettingGroup.Alarms, SettingGroup.Model, SettingGroup.Log], ["model.name", "model.shadow"]);
        command.SetAction(async (parsed, _) =>
        {
            FastIotOptions options = flags.Load(parsed, terminal).Options;
            var wanted = new Request(parsed.GetValue(files) ?? [], parsed.GetValue(features), parsed.GetValue(truth), parsed.GetValue(clean), parsed.GetResult(models) == null ? [options.Model.Name] : parsed.GetValue(models)!, parsed.GetValue(label));
            Check(wanted, sensors.Of(parsed), hours.Of(parsed), rate.Of(parsed), resamples.Of(parsed));
            using ILoggerFactory loggers = Composition.Loggers(terminal, options.Log.Level < LogLevel.Warning && !flags.IsGiven(parsed, "log-level") ? Quiet(options.Log) : options.Log);
            using var shutdown = new Shutdown(terminal, options.Pipeline.DrainTimeout);
            var bar = new StageBar(terminal);
            var settings = new EvaluationOptions
            {
                Pipeline = Composition.Pipeline(options, null, 1),
                ForModel = model => Composition.Pipeline(options, model, 1),
                Baselines = !parsed.GetValue(noBaselines),
                Sensors = sensors.Of(parsed),
                Hours = hours.Of(parsed),
                Seed = seed.Of(parsed),
                AnomalyRate = rate.Of(parsed),
                Resamples = resamples.Of(parsed),
                Progress = bar.Update,
            };
            EvaluationReport report;
            try
            {
                using Model? predecessor = settings.Baselines ? Predecessor(options, loggers) : null;
                report = await EvaluateAsync(wanted, options, settings with { Predecessor = predecessor }, loggers, shutdown.Requested).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return ExitCode.Failure;
            }
            finally
            {
                bar.End();
            }

            if (parsed.GetValue(html) is { } path) await File.WriteAllTextAsync(path, EvaluationHtml.Write(report)).ConfigureAwait(false);
            terminal.Out.Write(parsed.GetValue(json) ? EvaluationJson.Write(report) + "\n" : EvaluationText.Write(report));
            return ExitCode.Success;
        });
        return command;
    }

    private static async Task<EvaluationReport> EvaluateAsync(Request wanted, FastIotOptions options, EvaluationOptions settings, ILoggerFactory loggers, CancellationToken cancellation)
    {
        if (wanted.Features != null)
        {
            (string label, ModelManifest? manifest) = Written(wanted, options, loggers);
            return await new EvaluationRun(settings, loggers, cancellation).FeaturesAsync(wanted.Features, wanted.Truth!, wanted.Clean, label, manifest).ConfigureAwait(false);
        }

        var models = new List<Model>();
        try
        {
            foreach (string name in wanted.Models.Where(m => m != "none")) models.Add(Load(name, options, loggers));
            var run = new EvaluationRun(settings with { Models = models }, loggers, cancellation);
            if (wanted.Files.Length == 0) return await run.SimulatedAsync().ConfigureAwait(false);
            FileSourceOptions Source(string[] files) => new() { Files = files, Decode = Composition.Decode(options.Readings), Csv = new CsvOptions { LabelColumn = wanted.Label } };
            return await run.RecordedAsync(Source(wanted.Files), wanted.Truth, wanted.Clean == null ? null : Source([wanted.Clean])).ConfigureAwait(false);
        }
        finally
        {
            foreach (Model model in models) model.Dispose();
        }
    }

    /// <summary>The predecessor's design as a model; null where the folder of models has none.</summary>
    private static Model? Predecessor(FastIotOptions options, ILoggerFactory loggers)
    {
        string folder = Path.Combine(Composition.ModelsFolder(options.Model), PredecessorModel);
        return ModelRepository.Versions(folder).Length > 0 ? Load(PredecessorModel, options, loggers) : null;
    }

    private static Model Load(string name, FastIotOptions options, ILoggerFactory loggers)
    {
        string[] parts = name.Split(':', 2);
        int version = name == PredecessorModel ? 0 : options.Model.Version;
        if (parts.Length == 2 && (!int.TryParse(parts[1], out version) || version < 1)) throw new ConfigurationException([$"--model {name}: the version must be a whole number, not \"{parts[1]}\""]);
        var one = new ModelOptions { Folder = options.Model.Folder, Name = parts[0], Version = version, Provider = options.Model.Provider };
        return Composition.Model(one, loggers)!;
    }

    /// <summary>The model that the files name, whose manifest says what their reconstruction errors mean; without it that channel is left out.</summary>
    private static (string Label, ModelManifest? Manifest) Written(Request wanted, FastIotOptions options, ILoggerFactory loggers)
    {
        string label = FeatureFolder.ModelOf(wanted.Features!) ?? "pipeline";
        try
        {
            using Model model = Load(label, options, loggers);
            return (label, model.Manifest);
        }
        catch (Exception e) when (e is ModelException or ConfigurationException)
        {
            return (label, null);
        }
    }

    private static LogOptions Quiet(LogOptions options) => new() { Json = options.Json, Level = LogLevel.Warning };

    private static void Check(Request wanted, int sensors, double hours, double rate, int resamples)
    {
        var errors = new List<string>();
        if (wanted.Features != null && wanted.Files.Length > 0) errors.Add("--features and recordings exclude each other: the features are of readings already windowed");
        if (wanted.Features != null && wanted.Truth == null) errors.Add("--features needs --truth: feature files hold no labels");
        if (wanted.Truth != null && wanted.Features == null && wanted.Files.Length == 0) errors.Add("--truth needs recordings or --features that it tells of");
        if (wanted.Models.Count > 1 && wanted.Features != null) errors.Add("--features holds the scores of the model that made it: --model has nothing to add");
        if (sensors < 5) errors.Add($"--sensors must be at least 5, one of each type, not {sensors}");
        if (!(hours is >= .75 and <= 1000)) errors.Add($"--hours must be from 0.75 (half an hour is warming) to 1000, not {hours}");
        if (!(rate is > 0 and <= .2)) errors.Add($"--anomaly-rate must be above 0 and at most 0.2, not {rate}");
        if (resamples is < 10 or > 100_000) errors.Add($"--resamples must be from 10 to 100,000, not {resamples}");
        if (errors.Count > 0) throw new ConfigurationException([.. errors]);
    }

    private sealed record Request(string[] Files, string? Features, string? Truth, string? Clean, IReadOnlyList<string> Models, string? Label);
}
