using System.Runtime.Intrinsics;

namespace FastIot.Scoring.Kernel;

/// <summary>
/// One thread's passes through an <see cref="AutoencoderKernel"/>, a group of sensors at a time. A sensor's results depend neither on its
/// neighbours nor on the width of the vectors, bit by bit.
/// </summary>
internal sealed unsafe class AutoencoderPass : IDisposable
{
    private const int Features = AutoencoderGraph.Features, Types = AutoencoderGraph.Types;

    private readonly AutoencoderKernel _kernel;
    private readonly AutoencoderGraph _graph;
    private readonly SimdTier _tier;
    private readonly NativeArray<float> _memory;

    /// <summary>The head's inputs beside each other: state [H], squashed features [lags · 12], judged errors [24], logarithms of mean squares [12], type [5].</summary>
    private readonly float* _head;
    private readonly float* _x;
    private readonly float* _judged;
    private readonly float* _meanSquare;
    private readonly float* _types;
    private readonly float* _initial;
    private readonly float* _gates;
    private readonly float* _cell;
    private readonly float* _state;
    private readonly float* _next;
    private readonly float* _small;

    public AutoencoderPass(AutoencoderKernel kernel, SimdTier tier)
    {
        _kernel = kernel;
        _graph = kernel.Graph;
        _tier = tier;
        int group = Group(tier), hidden = kernel.Hidden, x = _graph.Lags * Features;
        int small = new[] { kernel.ToLatent.Outputs, kernel.ToFeatures.Outputs, kernel.Head1.Outputs + kernel.Head2.Outputs, kernel.Whitening.Outputs }.Max();
        _memory = new NativeArray<float>((_graph.Head1.Inputs + 11 * hidden + small) * group);
        float* at = _memory.Pointer;
        _head = Take(ref at, hidden * group);
        _x = Take(ref at, x * group);
        _judged = Take(ref at, 2 * Features * group);
        _meanSquare = Take(ref at, Features * group);
        _types = Take(ref at, Types * group);
        _initial = Take(ref at, 4 * hidden * group);
        _gates = Take(ref at, 4 * hidden * group);
        _cell = Take(ref at, hidden * group);
        _state = Take(ref at, hidden * group);
        _next = Take(ref at, hidden * group);
        _small = at;
    }

    /// <param name="features">[row][lag][feature].</param>
    /// <param name="types">[row][type].</param>
    /// <param name="score">[row].</param>
    /// <param name="kindLogits">[row][kind].</param>
    /// <param name="reconstructionError">[row].</param>
    public void Run(int rows, float* features, float* types, float* score, float* kindLogits, float* reconstructionError)
    {
        switch (_tier)
        {
            case SimdTier.Vector512:
                Run<Vector512<float>, Lanes512>(rows, features, types, score, kindLogits, reconstructionError);
                break;
            case SimdTier.Vector256:
                Run<Vector256<float>, Lanes256>(rows, features, types, score, kindLogits, reconstructionError);
                break;
            default:
                Run<Vector128<float>, Lanes128>(rows, features, types, score, kindLogits, reconstructionError);
                break;
        }
    }

    public void Dispose() => _memory.Dispose();

    private static int Group(SimdTier tier) => tier switch
    {
        SimdTier.Vector512 => Layers<Vector512<float>, Lanes512>.Group,
        SimdTier.Vector256 => Layers<Vector256<float>, Lanes256>.Group,
        _ => Layers<Vector128<float>, Lanes128>.Group,
    };

    private static float* Take(ref float* at, int count)
    {
        float* taken = at;
        at += count;
        return taken;
    }

    private void Run<V, L>(int rows, float* features, float* types, float* score, float* kindLogits, float* reconstructionError) where V : struct where L : struct, ILanes<V>
    {
        int group = Layers<V, L>.Group, x = _graph.Lags * Features;
        for (int first = 0; first < rows; first += group)
        {
            int count = Math.Min(group, rows - first);
            Columns(features + first * x, x, count, group, _x);
            Columns(types + first * Types, Types, count, group, _types);
            Encode<V, L>();
            Decode<V, L>();
            Judge<V, L>(count, score + first, kindLogits + first * AnomalyKinds.Modelled);
            Distance<V, L>(count, reconstructionError + first);
        }
    }

    /// <summary>[row][column] to [column][row]; lanes beyond the last row repeat it.</summary>
    private static void Columns(float* rows, int columns, int count, int group, float* into)
    {
        for (int lane = 0; lane < group; lane++)
        {
            float* row = rows + Math.Min(lane, count - 1) * columns;
            for (int column = 0; column < columns; column++) into[column * group + lane] = row[column];
        }
    }

    private void Encode<V, L>() where V : struct where L : struct, ILanes<V>
    {
        int group = Layers<V, L>.Group, hidden = _kernel.Hidden;
        Squash<V, L>();
        Layers<V, L>.Dense(_types, _kernel.EncoderTypes, _initial);
        new Span<float>(_cell, hidden * group).Clear();
        float* state = _state, next = _next;
        for (int lag = 0; lag < _graph.Lags; lag++)
        {
            float* into = lag == _graph.Lags - 1 ? _head : next;
            Layers<V, L>.Step(_initial, _x + lag * Features * group, Features, state, lag == 0 ? 0 : hidden, _kernel.EncoderSteps, hidden, _gates, _cell, into);
            next = state;
            state = into;
        }
    }

    /// <summary>Large values by their logarithm: sign(z) · (min(|z|, from) + 2 ln(1 + max(|z| − from, 0) / 2)), within the caps.</summary>
    private void Squash<V, L>() where V : struct where L : struct, ILanes<V>
    {
        int group = Layers<V, L>.Group;
        V from = L.All(_graph.SquashFrom), zero = L.All(0), one = L.All(1), two = L.All(2);
        for (int i = 0; i < _graph.Lags * Features; i++)
        {
            float cap = _graph.Caps[i % Features];
            for (int half = 0; half < group; half += L.Count)
            {
                float* at = _x + i * group + half;
                V z = L.Load(at), size = L.Abs(z), squashed = size;
                if (L.AnyAbove(size, from))
                {
                    V beyond = L.Max(L.Subtract(size, from), zero);
                    squashed = L.Add(L.Min(size, from), L.Multiply(L.Log(L.Add(L.Divide(beyond, two), one)), two));
                }

                L.Store(L.Max(L.Min(L.WithSign(squashed, z), L.All(cap)), L.All(-cap)), at);
            }
        }
    }

    /// <summary>Reconstructs the features step by step, and keeps of the errors what is judged.</summary>
    private void Decode<V, L>() where V : struct where L : struct, ILanes<V>
    {
        int group = Layers<V, L>.Group, hidden = _kernel.Hidden;
        Layers<V, L>.Dense(_head, _kernel.ToLatent, _small);
        Layers<V, L>.Dense(_small, _kernel.DecoderLatent, _initial);
        new Span<float>(_cell, hidden * group).Clear();
        new Span<float>(_judged, 3 * Features * group).Clear();
        float* state = _state, next = _next;
        for (int lag = 0; lag < _graph.Lags; lag++)
        {
            Layers<V, L>.Step(_initial, null, 0, state, lag == 0 ? 0 : hidden, _kernel.DecoderSteps, hidden, _gates, _cell, next);
            Layers<V, L>.Dense(next, _kernel.ToFeatures, _small);
            float* before = state;
            state = next;
            next = before;
            float* x = _x + lag * Features * group;
            bool last = lag == _graph.Lags - 1, recent = lag >= _graph.Lags - _graph.LastWindows;
            float* mean = _judged + Features * group;
            for (int i = 0; i < Features * group; i += L.Count)
            {
                V error = L.Subtract(L.Load(x + i), L.Load(_small + i));
                L.Store(L.Fused(error, error, L.Load(_meanSquare + i)), _meanSquare + i);
                if (recent) L.Store(L.Add(L.Load(mean + i), error), mean + i);
                if (last) L.Store(error, _judged + i);
            }
        }

        V lags = L.All(_graph.Lags), windows = L.All(_graph.LastWindows), floor = L.All(_graph.ErrorFloor);
        for (int i = 0; i < Features * group; i += L.Count)
        {
            float* mean = _judged + Features * group + i;
            L.Store(L.Divide(L.Load(mean), windows), mean);
            L.Store(L.Log(L.Add(L.Divide(L.Load(_meanSquare + i), lags), floor)), _meanSquare + i);
        }
    }

    private void Judge<V, L>(int count, float* score, float* kindLogits) where V : struct where L : struct, ILanes<V>
    {
        const int kinds = AnomalyKinds.Modelled;
        int group = Layers<V, L>.Group, hidden = _kernel.Head1.Outputs;
        Layers<V, L>.Dense(_head, _kernel.Head1, _small);
        for (int i = 0; i < hidden * group; i += L.Count) L.Store(L.Max(L.Load(_small + i), L.All(0)), _small + i);
        float* logits = _small + hidden * group;
        Layers<V, L>.Dense(_small, _kernel.Head2, logits);
        for (int lane = 0; lane < count; lane++)
        {
            float largest = float.NegativeInfinity;
            for (int kind = 0; kind < kinds; kind++)
            {
                float logit = kindLogits[lane * kinds + kind] = logits[kind * group + lane];
                largest = MathF.Max(largest, logit);
            }

            float sum = 0;
            for (int kind = 0; kind < kinds; kind++) sum += MathF.Exp(logits[kind * group + lane] - largest);
            score[lane] = largest + MathF.Log(sum);
        }
    }

    /// <summary>Mean square of the whitened errors, by the whitening of the sensor's type.</summary>
    private void Distance<V, L>(int count, float* reconstructionError) where V : struct where L : struct, ILanes<V>
    {
        const int judged = 2 * Features;
        int group = Layers<V, L>.Group;
        Layers<V, L>.Dense(_judged, _kernel.Whitening, _small);
        float* distance = stackalloc float[L.Count];
        for (int half = 0; half < group; half += L.Count)
        {
            V sum = L.All(0), known = L.All(0);
            for (int g = 0; g < AutoencoderGraph.Groups; g++)
            {
                V square = L.All(0);
                for (int i = 0; i < judged; i++)
                {
                    V error = L.Load(_small + (g * judged + i) * group + half);
                    square = L.Fused(error, error, square);
                }

                V chosen = g < Types ? L.Load(_types + g * group + half) : L.Subtract(L.All(1), known);
                known = L.Add(known, chosen);
                sum = L.Fused(L.Divide(square, L.All(judged)), chosen, sum);
            }

            L.Store(sum, distance);
            for (int lane = half; lane < Math.Min(count, half + L.Count); lane++) reconstructionError[lane] = distance[lane - half];
        }
    }
}
