using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Training;

/// <summary>
/// Injects anomalies of the simulator's kinds, tiers and lengths into a recorded series, in the series' own scales: σ is the median of its
/// standard deviations over the minutes before, U the rms change of its minute means in half an hour.
/// </summary>
internal sealed class RecordedInjector
{
    private const long MinuteUs = 60_000_000, FreeUs = 30 * MinuteUs, SpacingUs = 20 * MinuteUs;
    private const int MovementMinutes = 30, LocalMinutes = 10;

    private readonly RecordedSeries _series;
    private readonly double[] _values;
    private readonly double[] _mean;
    private readonly double[] _sigma;
    private readonly long _startUs;
    private readonly double _leastSigma;
    private readonly double _movement;
    private ulong _random;

    private RecordedInjector(RecordedSeries series, ulong random)
    {
        _series = series;
        _random = random;
        _values = [.. series.Values];
        _startUs = series.TimesUs[0];
        int minutes = (int)((series.TimesUs[^1] - _startUs) / MinuteUs) + 1;
        _mean = new double[minutes];
        _sigma = new double[minutes];
        Minutes();
        _leastSigma = Quantum();
        _movement = Movement();
    }

    /// <returns>The values with anomalies, and the events by rising start.</returns>
    public static (double[] Values, List<AnomalyEvent> Events) Inject(RecordedSeries series, int index, FleetOptions recipe)
    {
        var injector = new RecordedInjector(series, RandomStream.Start(recipe.Seed, index, 23));
        var events = new List<AnomalyEvent>();
        double mean = AnomalyRecipe.MeanSeconds(recipe), wait = Math.Max(1, mean / recipe.AnomalyRate - mean - SpacingUs / 1e6);
        long at = series.TimesUs[0] + FreeUs, end = series.TimesUs[^1];
        while (recipe.AnomalyRate > 0)
        {
            at += (long)(RandomStream.NextExponential(ref injector._random, wait) * 1e6);
            if (at >= end) break;
            if (injector.Event(index, at, recipe) is not { } e) continue;
            events.Add(e);
            at = e.EndUs + SpacingUs;
        }

        return (injector._values, events);
    }

    /// <summary>Null where the series has no reading.</summary>
    private AnomalyEvent? Event(int index, long atUs, FleetOptions recipe)
    {
        var kind = (AnomalyKind)RandomStream.NextIndex(ref _random, recipe.KindWeights);
        var tier = (AnomalyTier)RandomStream.NextIndex(ref _random, recipe.TierWeights);
        (double low, double high) = AnomalyRecipe.Magnitudes(kind, tier);
        (double shortest, double longest) = AnomalyRecipe.Seconds(kind, tier);
        double magnitude = RandomStream.NextBetween(ref _random, low, high), sign = RandomStream.NextUnit(ref _random) < .5 ? -1 : 1;
        double seconds = RandomStream.NextLogBetween(ref _random, shortest, longest);
        int first = Lower(atUs), last = kind == AnomalyKind.Spike
            ? first + (int)(AnomalyRecipe.MaxSpikeSamples * RandomStream.NextUnit(ref _random))
            : Lower(atUs + (long)(seconds * 1e6)) - 1;
        last = Math.Min(last, _values.Length - 1);
        if (first > last || _series.TimesUs[first] - atUs > MinuteUs) return null;
        double sigma = Sigma(_series.TimesUs[first]), dither = kind == AnomalyKind.Stuck && RandomStream.NextUnit(ref _random) < AnomalyRecipe.DitherShare ? AnomalyRecipe.DitherSigmas * sigma : 0;
        double held = _values[Math.Max(0, first - 1)];
        for (int i = first; i <= last; i++)
        {
            double along = (i - first + 1.0) / (last - first + 1), centre = _mean[Minute(_series.TimesUs[i])];
            _values[i] = kind switch
            {
                AnomalyKind.Spike => _values[i] + sign * magnitude * sigma,
                AnomalyKind.Drift => _values[i] + sign * magnitude * _movement * along,
                AnomalyKind.Stuck => dither > 0 ? held + dither * Gaussian.Next(ref _random) : held,
                _ => centre + magnitude * (_values[i] - centre),
            };
        }

        long startUs = _series.TimesUs[first], endUs = _series.TimesUs[last] + 1;
        return new AnomalyEvent(index, _series.Type, kind, tier, startUs, endUs, kind == AnomalyKind.Stuck ? (endUs - startUs) / 1e6 : sign * magnitude);
    }

    private int Minute(long timeUs) => (int)((timeUs - _startUs) / MinuteUs);

    private int Lower(long timeUs)
    {
        int at = Array.BinarySearch(_series.TimesUs, timeUs);
        if (at < 0) return ~at;
        while (at > 0 && _series.TimesUs[at - 1] == timeUs) at--;
        return at;
    }

    private double Sigma(long timeUs)
    {
        int minute = Minute(timeUs);
        double[] before = [.. _sigma[Math.Max(0, minute - LocalMinutes)..(minute + 1)].Where(s => s > 0).Order()];
        return before.Length == 0 ? _leastSigma : Math.Max(_leastSigma, before[before.Length / 2]);
    }

    /// <summary>Mean and standard deviation of each minute; NaN and 0 without readings.</summary>
    private void Minutes()
    {
        for (int first = 0; first < _values.Length;)
        {
            int minute = Minute(_series.TimesUs[first]), end = first;
            while (end < _values.Length && Minute(_series.TimesUs[end]) == minute) end++;
            ReadOnlySpan<double> values = _values.AsSpan(first, end - first);
            double mean = 0, square = 0;
            foreach (double v in values) mean += v / values.Length;
            foreach (double v in values) square += (v - mean) * (v - mean);
            _mean[minute] = mean;
            _sigma[minute] = values.Length > 1 ? Math.Sqrt(square / (values.Length - 1)) : 0;
            first = end;
        }
    }

    /// <summary>Least difference between neighbours, as a series' last digit shows itself; a millionth of the level where nothing ever differs.</summary>
    private double Quantum()
    {
        double least = double.PositiveInfinity;
        for (int i = 1; i < _values.Length; i++)
        {
            double apart = Math.Abs(_values[i] - _values[i - 1]);
            if (apart > 0) least = Math.Min(least, apart);
        }

        return double.IsFinite(least) ? least : Math.Max(Math.Abs(_values[0]) * 1e-6, 1e-9);
    }

    private double Movement()
    {
        double square = 0;
        int pairs = 0;
        for (int m = MovementMinutes; m < _mean.Length; m++)
        {
            if (_sigma[m] == 0 || _sigma[m - MovementMinutes] == 0) continue;
            square += (_mean[m] - _mean[m - MovementMinutes]) * (_mean[m] - _mean[m - MovementMinutes]);
            pairs++;
        }

        return Math.Max(pairs == 0 ? 0 : Math.Sqrt(square / pairs), _leastSigma);
    }
}
