using System.Diagnostics;
using FastIot.Recovery;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>
/// Exactly once, whatever happens. FASTIOT_SEED=n runs that one seed; FASTIOT_SIMULATION_SEEDS=n so many, from FASTIOT_SIMULATION_FIRST on:
/// the long mode.
/// </summary>
public sealed class SimulationTests
{
    private const int MutantSeeds = 1500;

    private static readonly int s_seeds = Number("FASTIOT_SIMULATION_SEEDS", 10_000);
    private static readonly int s_first = Number("FASTIOT_SIMULATION_FIRST", 0);

    public static TheoryData<string> Faults { get; } = [.. Enum.GetNames<ProtocolFault>().Where(n => n != nameof(ProtocolFault.None))];

    [Fact]
    public void Every_window_comes_once_with_the_same_values_whatever_crashes()
    {
        if (Environment.GetEnvironmentVariable("FASTIOT_SEED") is { Length: > 0 })
        {
            string? why = Failure(TestSeed.Or(0), ProtocolFault.None, new Figures());
            Assert.True(why == null, why);
            return;
        }

        var clock = Stopwatch.StartNew();
        var figures = new Figures();
        (int Seed, string Why)? failure = First(s_seeds, ProtocolFault.None, figures);
        TestContext.Current.SendDiagnosticMessage($"{s_seeds} seeds in {clock.Elapsed.TotalSeconds:0.0} s: {figures}");
        Assert.True(failure == null, $"FASTIOT_SEED={failure?.Seed} repeats it: {failure?.Why}");

        // It was not for want of trouble.
        Assert.True(figures.Crashes > s_seeds / 3 && figures.Idle > s_seeds / 2 && figures.Rewrites > s_seeds / 10 && figures.Models > s_seeds / 100, figures.ToString());
        Assert.InRange(figures.LongestMetadata, 60, 150);
    }

    /// <summary>Each rule of the protocol is needed: without it the simulation fails.</summary>
    [Theory]
    [MemberData(nameof(Faults))]
    public void The_simulation_finds_the_protocol_without_one_of_its_rules(string fault)
    {
        (int Seed, string Why)? failure = First(MutantSeeds, Enum.Parse<ProtocolFault>(fault), new Figures());
        Assert.True(failure != null, $"{fault}: {MutantSeeds} seeds found nothing wrong");
        TestContext.Current.SendDiagnosticMessage($"{fault}: seed {failure.Value.Seed}: {failure.Value.Why}");
    }

    /// <summary>The failure of the lowest number that was found; the threads stop at the first.</summary>
    private static (int Seed, string Why)? First(int seeds, ProtocolFault fault, Figures figures)
    {
        (int Seed, string Why)? first = null;
        Lock gate = new();
        Parallel.For(s_first, s_first + seeds, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, (seed, loop) =>
        {
            if (Failure(seed, fault, figures) is not { } why) return;
            lock (gate)
            {
                if (first == null || seed < first.Value.Seed) first = (seed, why);
            }

            loop.Break();
        });
        return first;
    }

    private static string? Failure(int seed, ProtocolFault fault, Figures figures)
    {
        using var simulation = new Simulation(seed, fault);
        try
        {
            simulation.Run();
            figures.Add(simulation);
            return null;
        }
        catch (Exception e)
        {
            string trace = Environment.GetEnvironmentVariable("FASTIOT_SEED") is { Length: > 0 } ? "\n" + string.Join('\n', simulation.Broker.Trace) : "";
            return (e is SimViolation ? e.Message : e.ToString()) + trace;
        }
    }

    private static int Number(string variable, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(variable), out int number) ? number : otherwise;

    /// <summary>What there was of everything.</summary>
    private sealed class Figures
    {
        private readonly Lock _gate = new();

        public long Crashes { get; private set; }

        public long Idle { get; private set; }

        public long Models { get; private set; }

        public long Rewrites { get; private set; }

        public long Rebalances { get; private set; }

        public long Commits { get; private set; }

        public long Outputs { get; private set; }

        public int LongestMetadata { get; private set; }

        public void Add(Simulation simulation)
        {
            lock (_gate)
            {
                Crashes += simulation.Crashes;
                Idle += simulation.Broker.Idle.Sum(i => i.Count);
                Models += simulation.Broker.Models.Sum(m => Math.Max(0, m.Count - 1));
                Rewrites += simulation.Store.Rewrites;
                Rebalances += simulation.Broker.Group.Rebalances;
                Commits += simulation.Broker.Commits;
                Outputs += simulation.Broker.Outputs.Count;
                LongestMetadata = Math.Max(LongestMetadata, simulation.Broker.LongestMetadata);
            }
        }

        public override string ToString() =>
            $"{Crashes} crashes, {Rebalances} rebalances, {Commits} commits, {Idle} idle advances, {Models} changes of model, {Rewrites} rewritten objects, {Outputs} records, metadata of {LongestMetadata} bytes at most";
    }
}
