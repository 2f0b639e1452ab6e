using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FastIot.Windows;

namespace FastIot.Features;

/// <summary>
/// The slow state of one partition's series. A closed window goes through it twice: <see cref="Observe"/> turns the row into the twelve
/// standardised features, by baselines that do not know it yet; <see cref="Learn"/>, after the scoring, moves the baselines.
/// </summary>
/// <remarks>
/// The features, with σ_b and σ_d the series' running scales (geometric means of its standard deviations and rms differences):
/// <code>
///  mean                (mean − level30) / σ_b           log_rms_diff        ln(rms diff / σ_d + .02)
///  log_stddev          ln(stddev / σ_b + .02)           log_max_diff        ln(max diff / σ_d + .05)
///  below_mean          (mean − min) / σ_b               zero_diff_fraction  zero differences / readings
///  above_mean          (max − mean) / σ_b               log_hampel          ln(Hampel residual / σ_d + .05)
///  count               readings                         level_120min        (mean − level120) / σ_b
///  log_range           ln(range / σ_b + .05)            level_5min          (mean − level5) / σ_b
/// </code>
/// Each is standardised as z = (φ − μ) / (1.25 · spread + floor) by running location and mean absolute deviation, gain max(α, 1/n),
/// updates winsorised. Differences of means and levels are taken in double, before anything is rounded to single precision. Windows in
/// which a scale is zero say nothing about it and leave it as it is.
/// </remarks>
internal sealed unsafe class FeatureState : IDisposable
{
    /// <summary>z never leaves ±this, whatever the input.</summary>
    public const float MaxZ = 1e4f;

    private const int F = FeatureNames.Count;

    private readonly NativeArray<SeriesState> _states;
    private readonly FeatureHistory _history;
    private readonly InputColumns _columns;
    private readonly NativeArray<float> _floors;
    private readonly FeatureSpec _spec;
    private readonly float _alpha;
    private readonly float _alpha30;
    private readonly float _alpha120;
    private readonly float _alpha5;

    public FeatureState(int slots, FeatureSpec spec)
    {
        _spec = spec;
        _states = new NativeArray<SeriesState>(slots);
        _columns = new InputColumns(spec);
        _history = new FeatureHistory(slots, spec.Lags, _columns.Count);
        _floors = new NativeArray<float>(F);
        spec.Floors.CopyTo(_floors.Span);
        _alpha = Alpha(spec.BaselineWindows);
        _alpha30 = Alpha(spec.Level30Windows);
        _alpha120 = Alpha(spec.Level120Windows);
        _alpha5 = Alpha(spec.Level5Windows);
    }

    public FeatureSpec Spec => _spec;

    public long Bytes => _states.Bytes + _history.Bytes;

    /// <summary>Bytes of one slot in <see cref="CopyTo"/>.</summary>
    public long SlotBytes => sizeof(SeriesState) + _history.SlotBytes;

    /// <summary>Copies the state of the first slots: all their baselines, then all their histories. Part of the snapshot's format.</summary>
    public void CopyTo(int slots, Span<byte> target)
    {
        Span<byte> states = MemoryMarshal.AsBytes(_states.Span[..slots]);
        states.CopyTo(target);
        _history.BytesOf(slots).CopyTo(target[states.Length..]);
    }

    /// <summary>The reverse of <see cref="CopyTo"/>.</summary>
    public void CopyFrom(int slots, ReadOnlySpan<byte> source)
    {
        Span<byte> states = MemoryMarshal.AsBytes(_states.Span[..slots]);
        source[..states.Length].CopyTo(states);
        source[states.Length..].CopyTo(_history.BytesOf(slots));
    }

    public void Grow(int slots)
    {
        _states.Grow(slots);
        _history.Grow(slots);
    }

    public ref SeriesState this[int slot]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _states.Pointer[slot];
    }

    /// <summary>Windows seen of the series, the one observed last included.</summary>
    public int WindowsSeen(int slot) => _states[slot].Windows;

    public bool IsWarming(int slot) => _states[slot].Windows <= _spec.WarmingWindows;

    /// <summary>The model's input for the window observed last: [lags][columns], oldest first.</summary>
    public void Gather(int slot, float* destination) => _history.Gather(slot, _states[slot].Windows, destination);

    /// <summary>Standardised features of the series' last windows, oldest first: [rows][12].</summary>
    /// <returns>Rows written; 0 where the model names other columns, and other ones are kept.</returns>
    public int Recent(int slot, Span<float> destination) => _columns.AreStandardised ? _history.Recent(slot, _states[slot].Windows, destination) : 0;

    /// <summary>One standardised feature of the series' last windows, oldest first.</summary>
    /// <returns>Values written.</returns>
    public int Recent(int slot, int feature, Span<float> destination)
    {
        Span<float> rows = stackalloc float[FeatureHistory.RecentRows * F];
        int count = Recent(slot, rows);
        for (int i = 0; i < count; i++) destination[i] = rows[i * F + feature];
        return count;
    }

    /// <summary>Writes φ and z of every row, and appends the model's columns to the series' history.</summary>
    public void Observe(WindowBatch batch)
    {
        float* columns = stackalloc float[FeatureNames.Most];
        for (int row = 0; row < batch.Count; row++)
        {
            ref SeriesState state = ref _states.Pointer[batch.Slot[row]];
            float* phi = batch.Phi.Pointer + row * F;
            float* z = batch.Z.Pointer + row * F;
            if (state.Windows == 0) Begin(ref state, batch, row);
            Transform(ref state, batch, row, phi);
            Standardise(ref state, phi, z);
            if (!_columns.AreStandardised) _columns.Fill(batch, row, z, columns);
            _history.Append(batch.Slot[row], state.Windows, _columns.AreStandardised ? z : columns);
            state.Windows++;
            state.FlatWindows = batch.Range[row] == 0 && batch.ReadingCount[row] > 1 ? state.FlatWindows + 1 : 0;
        }
    }

    /// <summary>Moves the baselines by the rows observed; slower by the rows that are marked so.</summary>
    public void Learn(WindowBatch batch)
    {
        for (int row = 0; row < batch.Count; row++)
        {
            ref SeriesState state = ref _states.Pointer[batch.Slot[row]];
            float gain = batch.LearnSlowly[row] != 0 ? _spec.AlarmGain : 1;
            Learn(ref state, batch.Phi.Pointer + row * F, gain);
            LearnScales(ref state, batch, row, gain);
        }
    }

    public void Dispose()
    {
        _states.Dispose();
        _history.Dispose();
        _floors.Dispose();
    }

    private static float Alpha(int halfLife) => (float)(1 - Math.Pow(2, -1.0 / halfLife));

    /// <summary>A series' first window is its first baseline.</summary>
    private static void Begin(ref SeriesState state, WindowBatch batch, int row)
    {
        double mean = batch.Mean[row];
        state.Level30 = state.Level120 = state.Level5 = mean;

        // Until a window shows a spread: a millionth of the level, as a sensor's last digit might be.
        state.LogScale = state.LogDiffScale = (float)Math.Log(Math.Max(Math.Abs(mean) * 1e-6, 1e-30));
        if (batch.StdDev[row] > 0) state.LogScale = (float)Math.Log(batch.StdDev[row]);
        if (RmsDiff(batch, row) > 0) state.LogDiffScale = (float)Math.Log(RmsDiff(batch, row));
    }

    private static void Transform(ref SeriesState state, WindowBatch batch, int row, float* phi)
    {
        double mean = batch.Mean[row];
        double perScale = Math.Exp(-state.LogScale);
        double perDiffScale = Math.Exp(-state.LogDiffScale);
        double stddev = batch.StdDev[row];
        int count = batch.ReadingCount[row];
        double rmsDiff = RmsDiff(batch, row);

        Vector256<float> logs = Vector256.Log(Vector256.Create(
            Finite((double.IsNaN(stddev) ? 0 : stddev) * perScale) + .02f,
            Finite(batch.Range[row] * perScale) + .05f,
            Finite(rmsDiff * perDiffScale) + .02f,
            Finite(batch.MaxDiff[row] * perDiffScale) + .05f,
            Finite(batch.MaxHampel[row] * perDiffScale) + .05f,
            1, 1, 1));

        phi[0] = Finite((mean - state.Level30) * perScale);
        phi[1] = logs[0];
        phi[2] = Finite((mean - batch.Min[row]) * perScale);
        phi[3] = Finite((batch.Max[row] - mean) * perScale);
        phi[4] = count;
        phi[5] = logs[1];
        phi[6] = logs[2];
        phi[7] = logs[3];
        phi[8] = (float)batch.ZeroDiffs[row] / count;
        phi[9] = logs[4];
        phi[10] = Finite((mean - state.Level120) * perScale);
        phi[11] = Finite((mean - state.Level5) * perScale);
    }

    private static double RmsDiff(WindowBatch batch, int row) => Math.Sqrt(batch.SumSqDiff[row] / (double)batch.ReadingCount[row]);

    /// <summary>Within ±<see cref="MaxZ"/>, and 0 for NaN.</summary>
    internal static float Bounded(double value) => double.IsNaN(value) ? 0 : (float)Math.Clamp(value, -MaxZ, MaxZ);

    /// <summary>Within ±1e9, and 0 for NaN: no input can poison a baseline.</summary>
    private static float Finite(double value) => double.IsNaN(value) ? 0 : (float)Math.Clamp(value, -1e9, 1e9);

    private void Standardise(ref SeriesState state, float* phi, float* z)
    {
        if (state.BaselineWindows == 0)
        {
            new Span<float>(z, F).Clear();
            return;
        }

        Vector128<float> most = Vector128.Create(MaxZ);
        fixed (SeriesState* s = &state)
        {
            for (int f = 0; f < F; f += 4)
            {
                Vector128<float> scale = Vector128.Load(s->Spread + f) * 1.25f + Vector128.Load(_floors.Pointer + f);
                Vector128<float> standard = (Vector128.Load(phi + f) - Vector128.Load(s->Mu + f)) / scale;
                Vector128.Max(Vector128.Min(standard, most), -most).Store(z + f);
            }
        }
    }

    private void Learn(ref SeriesState state, float* phi, float slow)
    {
        int n = ++state.BaselineWindows;
        float fresh = 1f / n;
        float gain = n == 1 ? 1 : Math.Max(_alpha, fresh) * slow;
        Vector128<float> clip = Vector128.Create(n > _spec.WinsoriseAfter ? _spec.WinsoriseAt : float.PositiveInfinity);
        float* moved = stackalloc float[F];
        fixed (SeriesState* s = &state)
        {
            for (int f = 0; f < F; f += 4)
            {
                Vector128<float> mu = n == 1 ? Vector128<float>.Zero : Vector128.Load(s->Mu + f);
                Vector128<float> spread = n == 1 ? Vector128<float>.Zero : Vector128.Load(s->Spread + f);
                Vector128<float> limit = n == 1 ? Vector128.Create(float.PositiveInfinity) : clip * (spread * 1.25f + Vector128.Load(_floors.Pointer + f));
                Vector128<float> apart = Vector128.Load(phi + f) - mu;
                apart = Vector128.Max(Vector128.Min(apart, limit), -limit);
                (mu + apart * gain).Store(s->Mu + f);

                // The first window's distance is from nothing: it says where the series is, not how far it strays.
                (n == 1 ? spread : spread + (Vector128.Abs(apart) - spread) * gain).Store(s->Spread + f);
                (mu + apart).Store(moved + f);
            }
        }

        double scale = Math.Exp(state.LogScale);
        state.Level30 += Math.Max(_alpha30, fresh) * slow * scale * moved[0];
        state.Level120 += Math.Max(_alpha120, fresh) * slow * scale * moved[10];
        state.Level5 += Math.Max(_alpha5, fresh) * slow * scale * moved[11];
    }

    private void LearnScales(ref SeriesState state, WindowBatch batch, int row, float slow)
    {
        bool first = LearnScale(ref state.LogScale, ref state.ScaleWindows, batch.StdDev[row], slow);
        first |= LearnScale(ref state.LogDiffScale, ref state.DiffScaleWindows, RmsDiff(batch, row), slow);

        // A series that was constant until now: what was learnt in the makeshift scale means nothing in the real one.
        if (first && state.Windows > 1) state.BaselineWindows = 0;
    }

    /// <returns>True when this window is the first to tell the scale.</returns>
    private bool LearnScale(ref float logScale, ref int windows, double scale, float slow)
    {
        if (!(scale > 0) || double.IsInfinity(scale)) return false;
        float apart = (float)Math.Log(scale) - logScale;

        // One window moves the scale by a factor e at most, once the series is known.
        if (windows >= _spec.WinsoriseAfter) apart = Math.Clamp(apart, -1, 1);
        float gain = windows == 0 ? 1 : Math.Max(_alpha, 1f / (windows + 1)) * slow;
        logScale += gain * apart;
        return windows++ == 0;
    }
}
