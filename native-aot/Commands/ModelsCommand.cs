using System.CommandLine;
using FastIot.Configuration;
using FastIot.Emit;
using FastIot.Scoring;

namespace FastIot.Cli.Commands;

/// <summary>The model repository: what is in it, what goes in and out, what labels stand for.</summary>
internal static class ModelsCommand
{
    public static Command Create(Terminal terminal) => new("models", "The model repository: a folder, or a bucket of MinIO or S3")
    {
        List(terminal),
        Push(terminal),
        Pull(terminal),
        Promote(terminal),
        Rollback(terminal),
    };

    private static Command List(Terminal terminal)
    {
        var command = new Command("list", "Models, their versions and labels");
        SettingFlags flags = Flags(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ModelCatalog catalog = Open(flags, parsed, terminal);
            ModelListing listing = await catalog.ListAsync(cancellation).ConfigureAwait(false);
            foreach (string name in listing.Names)
            {
                ModelLabels labels = await catalog.LabelsAsync(name, cancellation).ConfigureAwait(false);
                foreach (long version in listing.Versions(name))
                {
                    string own = string.Join(", ", labels.Versions.Where(l => l.Value == version).Select(l => l.Key).Order());
                    terminal.Out.WriteLine($"{name}:{version}{(own.Length > 0 ? $"  {own}" : "")}");
                }
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Command Push(Terminal terminal)
    {
        var source = new Argument<string>("source") { Description = "A folder with model.onnx and model.json, or an ONNX file" };
        var name = new Option<string?>("--name") { Description = "Name of the model; model.json's, or the file's, unless given", HelpName = "name" };
        var version = new Option<long?>("--version") { Description = "Number of the version; model.json's, or the next one, unless given", HelpName = "number" };
        var command = new Command("push", "Put a version into the repository; it is served once all of it is there") { source, name, version };
        SettingFlags flags = Flags(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ModelCatalog catalog = Open(flags, parsed, terminal);
            ModelFiles files = await catalog.PushAsync(parsed.GetValue(source)!, parsed.GetValue(name), parsed.GetValue(version), cancellation).ConfigureAwait(false);
            terminal.Out.WriteLine($"{files} is in {catalog.Location}");
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Pull(Terminal terminal)
    {
        (Argument<string> name, Argument<string> version) = (NameArgument(), VersionArgument());
        var to = new Option<string>("--to") { Description = "Folder that gets NAME/VERSION [.]", HelpName = "folder" };
        var command = new Command("pull", "Copy a version out of the repository, checked against its hash") { name, version, to };
        SettingFlags flags = Flags(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ModelCatalog catalog = Open(flags, parsed, terminal);
            long chosen = await catalog.ResolveAsync(parsed.GetValue(name)!, parsed.GetValue(version)!, cancellation).ConfigureAwait(false);
            using var target = new LocalFolderStore(parsed.GetValue(to) ?? ".");
            await catalog.CopyAsync(parsed.GetValue(name)!, chosen, target, cancellation).ConfigureAwait(false);
            terminal.Out.WriteLine(Path.Combine(target.Location, parsed.GetValue(name)!, $"{chosen}"));
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Promote(Terminal terminal)
    {
        (Argument<string> name, Argument<string> version) = (NameArgument(), VersionArgument());
        Option<string> label = LabelOption();
        var command = new Command("promote", "Make a label stand for a version") { name, version, label };
        SettingFlags flags = Flags(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ModelCatalog catalog = Open(flags, parsed, terminal);
            string model = parsed.GetValue(name)!, wanted = parsed.GetValue(label) ?? ModelLabels.Stable;
            long chosen = await catalog.ResolveAsync(model, parsed.GetValue(version)!, cancellation).ConfigureAwait(false);
            // Read it whole first: a label must not point to what nobody can load.
            await catalog.ReadAsync(model, chosen, cancellation).ConfigureAwait(false);
            ModelLabels labels = await catalog.LabelsAsync(model, cancellation).ConfigureAwait(false);
            await catalog.WriteLabelsAsync(model, labels.With(wanted, chosen), cancellation).ConfigureAwait(false);
            terminal.Out.WriteLine($"{model}/{wanted}: version {chosen}");
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Rollback(Terminal terminal)
    {
        Argument<string> name = NameArgument();
        Option<string> label = LabelOption();
        var command = new Command("rollback", "Make a label stand for what it stood for before") { name, label };
        SettingFlags flags = Flags(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ModelCatalog catalog = Open(flags, parsed, terminal);
            string model = parsed.GetValue(name)!, wanted = parsed.GetValue(label) ?? ModelLabels.Stable;
            ModelLabels labels = await catalog.LabelsAsync(model, cancellation).ConfigureAwait(false);
            if (!labels.Previous.TryGetValue(wanted, out long before)) throw new ModelException($"{model}/{wanted} has stood for no other version");
            await catalog.WriteLabelsAsync(model, labels.With(wanted, before), cancellation).ConfigureAwait(false);
            terminal.Out.WriteLine($"{model}/{wanted}: version {before}");
            return ExitCode.Success;
        });
        return command;
    }

    private static Argument<string> NameArgument() => new("name") { Description = "Name of the model" };

    private static Argument<string> VersionArgument() => new("version") { Description = "A number, a label, or latest" };

    private static Option<string> LabelOption() => new("--label") { Description = $"Name of the label [{ModelLabels.Stable}]", HelpName = "label" };

    private static SettingFlags Flags(Command command) => new(command, [SettingGroup.Serve, SettingGroup.Model, SettingGroup.Store, SettingGroup.Log],
        [.. Settings.All.Select(s => s.Key).Where(k => k is not ("model.folder" or "serve.bucket" or "store.minio.endpoint" or "store.minio.region" or "store.minio.access-key" or "store.minio.secret-key"))]);

    private static ModelCatalog Open(SettingFlags flags, ParseResult parsed, Terminal terminal) => new(Composition.Models(flags.Load(parsed, terminal).Options));
}
