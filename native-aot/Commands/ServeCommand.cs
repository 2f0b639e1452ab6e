using System.CommandLine;
using System.Diagnostics;
using FastIot.Configuration;
using FastIot.Serving;
using Microsoft.Extensions.Logging;

namespace FastIot.Cli.Commands;

/// <summary>The model server.</summary>
internal static class ServeCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("serve", "Serve models over HTTP: TensorFlow Serving's REST API and the Open Inference Protocol (KServe v2)");
        var flags = new SettingFlags(command, [SettingGroup.Serve, SettingGroup.Alarms, SettingGroup.Model, SettingGroup.Store, SettingGroup.Pipeline, SettingGroup.Log],
            ["model.name", "model.version", "model.shadow", "store.folder", "store.minio.bucket", "pipeline.workers", "pipeline.max-series"]);
        command.SetAction((parsed, _) =>
        {
            EffectiveConfiguration configuration = flags.Load(parsed, terminal);
            foreach (string warning in configuration.Warnings) terminal.Error.WriteLine($"warning: {warning}");
            return RunAsync(terminal, configuration.Options);
        });
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, FastIotOptions options)
    {
        ProcessLimits.Check();
        using ILoggerFactory loggers = Composition.Loggers(terminal, options.Log);
        using var shutdown = new Shutdown(terminal, options.Pipeline.DrainTimeout);
        await using ServingHost host = await ServingHost.StartAsync(Composition.Models(options), options.Serve, Composition.Provider(options.Model), options.Alarms, loggers).ConfigureAwait(false);
        double ms = (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalMilliseconds;
        terminal.Error.WriteLine($"{host.Url} serves {string.Join(", ", host.Models)} ({ms:0} ms after the start)");
        await Task.Delay(Timeout.Infinite, shutdown.Requested).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
        bool answered = await host.DrainAsync(options.Pipeline.DrainTimeout).ConfigureAwait(false);
        return answered ? ExitCode.Success : ExitCode.DrainTimeout;
    }
}
