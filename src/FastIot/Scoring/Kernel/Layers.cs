using System.Runtime.CompilerServices;

namespace FastIot.Scoring.Kernel;

/// <summary>
/// Layers over a group of sensors, one a lane, two vectors wide: every activation is [unit][sensor]. Weights lie four outputs beside each
/// other, [output / 4][input][4], in the order in which they are used: each is loaded once for the group, and eight sums stay in registers.
/// </summary>
internal static unsafe class Layers<V, L> where V : struct where L : struct, ILanes<V>
{
    /// <summary>log₂ e.</summary>
    public const float Log2E = 1.44269504088896341f;

    /// <summary>Sensors in a group.</summary>
    public static int Group => 2 * L.Count;

    /// <summary>output = weights · input + bias.</summary>
    public static void Dense(float* input, in PackedDense layer, float* output)
    {
        int vectors = L.Count;
        for (int o = 0; o < layer.Outputs; o++)
        {
            V value = L.All(layer.Bias[o]);
            L.Store(value, output + 2 * o * vectors);
            L.Store(value, output + (2 * o + 1) * vectors);
        }

        Add(input, layer.Inputs, layer.Weights, 4 * layer.Inputs, output, output, layer.Outputs);
    }

    /// <summary>One step of an LSTM; the four outputs of a weight block are the gates i, f, c, o of one unit.</summary>
    /// <remarks>
    /// Weights and initial values give gates as exponents of two: i, f and o times −log₂ e, c times −2 log₂ e, so that σ(z) = 1 / (1 + 2^gate)
    /// and tanh(z) = (1 − 2^gate) / (1 + 2^gate). Each pass is a loop of its own whose constants fit into sixteen registers: as one it spills.
    /// </remarks>
    /// <param name="initial">[unit][gate]: what the gates are without input and state.</param>
    /// <param name="state">Of the step before.</param>
    /// <param name="stateUnits">0 at the first step, when the state is zero.</param>
    /// <param name="gates">Scratch of the size of <paramref name="initial"/>.</param>
    /// <param name="cell">Read and written.</param>
    /// <param name="next">The new state.</param>
    public static void Step(float* initial, float* input, int inputs, float* state, int stateUnits, float* weights, int units, float* gates, float* cell, float* next)
    {
        int block = 4 * (inputs + units);
        if (inputs > 0) Add(input, inputs, weights, block, initial, gates, 4 * units);
        Add(state, stateUnits, weights + 4 * inputs, block, inputs > 0 ? gates : initial, gates, 4 * units);
        Powers(gates, 4 * units * Group);
        Cells(gates, units, cell, next);
        Powers(next, units * Group);
        States(gates, units, next);
    }

    /// <summary>output = initial + weights · input. A method of its own, without calls, so that its sums keep their registers.</summary>
    /// <param name="block">Weights from four outputs to the next four.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Add(float* input, int inputs, float* weights, int block, float* initial, float* output, int outputs)
    {
        int w = L.Count, group = 2 * w;
        for (int o = 0; o < outputs; o += 4, initial += 4 * group, output += 4 * group, weights += block)
        {
            V a0 = L.Load(initial), a1 = L.Load(initial + w), b0 = L.Load(initial + group), b1 = L.Load(initial + group + w);
            V c0 = L.Load(initial + 2 * group), c1 = L.Load(initial + 2 * group + w), d0 = L.Load(initial + 3 * group), d1 = L.Load(initial + 3 * group + w);
            float* from = input, weight = weights, end = weights + 4 * inputs;
            for (; weight < end; weight += 4, from += group)
            {
                V x0 = L.Load(from), x1 = L.Load(from + w);
                V all = L.All(weight[0]);
                a0 = L.Fused(all, x0, a0);
                a1 = L.Fused(all, x1, a1);
                all = L.All(weight[1]);
                b0 = L.Fused(all, x0, b0);
                b1 = L.Fused(all, x1, b1);
                all = L.All(weight[2]);
                c0 = L.Fused(all, x0, c0);
                c1 = L.Fused(all, x1, c1);
                all = L.All(weight[3]);
                d0 = L.Fused(all, x0, d0);
                d1 = L.Fused(all, x1, d1);
            }

            L.Store(a0, output);
            L.Store(a1, output + w);
            L.Store(b0, output + group);
            L.Store(b1, output + group + w);
            L.Store(c0, output + 2 * group);
            L.Store(c1, output + 2 * group + w);
            L.Store(d0, output + 3 * group);
            L.Store(d1, output + 3 * group + w);
        }
    }

    /// <summary>
    /// cell = σ(f) · cell + σ(i) · tanh(c) over one common denominator, and the exponent for its tanh into <paramref name="next"/>. With
    /// exponents within ±29 the denominators stay below 2⁹⁰, and σ and tanh are within 2⁻²⁹ of their limits.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Cells(float* gates, int units, float* cell, float* next)
    {
        V one = L.All(1), exponent = L.All(-2 * Log2E);
        int w = L.Count, group = 2 * w;
        for (float* end = gates + 4 * units * group; gates < end; gates += 4 * group)
        {
            for (int half = 0; half < group; half += w, cell += w, next += w)
            {
                V i = L.Add(one, L.Load(gates + half)), f = L.Add(one, L.Load(gates + group + half)), c = L.Load(gates + 2 * group + half);
                V both = L.Multiply(i, L.Add(one, c));
                V kept = L.Divide(L.Fused(L.Load(cell), both, L.Multiply(L.Subtract(one, c), f)), L.Multiply(f, both));
                L.Store(kept, cell);
                L.Store(L.Multiply(kept, exponent), next);
            }
        }
    }

    /// <summary>state = σ(o) · tanh(cell).</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void States(float* gates, int units, float* next)
    {
        V one = L.All(1);
        int w = L.Count, group = 2 * w;
        float* o = gates + 3 * group;
        for (float* end = o + 4 * units * group; o < end; o += 4 * group)
        {
            for (int half = 0; half < group; half += w, next += w)
            {
                V t = L.Load(next);
                L.Store(L.Divide(L.Subtract(one, t), L.Multiply(L.Add(one, L.Load(o + half)), L.Add(one, t))), next);
            }
        }
    }

    /// <summary>
    /// Two to the power of each value, that within ±29, to two units in the last place: 2ⁿ · 2ʳ with |r| ≤ ½, where 2ʳ is a polynomial of the
    /// least relative error (Remez' exchange; 2.6·10⁻⁹). Adding 1.5 · 2²³ rounds to a whole number and leaves it in the lowest bits.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Powers(float* values, int count)
    {
        V most = L.All(29), least = L.All(-29), shift = L.All(12582912f), one = L.All(1);
        V p1 = L.All(.6931472149680279f), p2 = L.All(.24022652782887738f), p3 = L.All(.05550310551013797f);
        V p4 = L.All(.009617692972993062f), p5 = L.All(.0013406643902351759f), p6 = L.All(.0001559467816132662f);
        for (float* end = values + count; values < end; values += L.Count)
        {
            V y = L.Max(L.Min(L.Load(values), most), least);
            V shifted = L.Add(y, shift);
            V r = L.Subtract(y, L.Subtract(shifted, shift));
            V p = L.Fused(L.Fused(L.Fused(L.Fused(L.Fused(p6, r, p5), r, p4), r, p3), r, p2), r, p1);
            L.Store(L.Scale(L.Fused(p, r, one), shifted), values);
        }
    }
}
