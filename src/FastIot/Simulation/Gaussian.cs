using System.Runtime.CompilerServices;

namespace FastIot.Simulation;

/// <summary>
/// Normal deviates by the ziggurat of 256 layers (Marsaglia and Tsang 2000; one word per deviate in 98.5 % of cases), and the scales that
/// turn them into Student's t.
/// </summary>
internal static unsafe class Gaussian
{
    /// <summary>Entries in each table of Student scales.</summary>
    public const int StudentScales = 1024;

    /// <summary>Degrees of freedom there are tables for.</summary>
    public static readonly int[] StudentFreedoms = [8, 12, 20];

    private const int Layers = 256;
    private const double TailStart = 3.6541528853610088;
    private const double LayerArea = 0.00492867323399;

    // Pairs {edge, share of the layer that lies under the curve for sure}; never freed, one set per process.
    private static readonly NativeArray<double> s_layers = MakeLayers();
    private static readonly NativeArray<double> s_students = MakeStudents();

    /// <summary>Tables for <see cref="Next"/>, fetched once per batch: a static field's check costs a branch per deviate.</summary>
    public static double* Layer => s_layers.Pointer;

    /// <summary>
    /// Scales of Student's t of unit variance, <see cref="StudentScales"/> for each of <see cref="StudentFreedoms"/>: a normal deviate times
    /// a random entry is t-distributed but for the last 1/2,048 of the mixing law's tail.
    /// </summary>
    public static double* Student => s_students.Pointer;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Next(ref ulong state, double* layers)
    {
        ulong word = RandomStream.Next(ref state);
        double u = (long)word * (1.0 / (1UL << 63));
        // The low eight bits choose the layer; they weigh less than 2⁻⁵⁵ in u.
        double* layer = layers + 2 * (word & (Layers - 1));
        return Math.Abs(u) < layer[1] ? u * layer[0] : Rare(ref state, layers, u, (int)(word & (Layers - 1)));
    }

    public static double Next(ref ulong state) => Next(ref state, Layer);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double Rare(ref ulong state, double* layers, double u, int layer)
    {
        while (true)
        {
            if (layer == 0) return Tail(ref state, u < 0);
            double x = u * layers[2 * layer];
            double inner = layers[2 * layer + 2], outer = layers[2 * layer];
            double low = Math.Exp(-0.5 * (outer * outer - x * x)), high = Math.Exp(-0.5 * (inner * inner - x * x));
            if (low + RandomStream.NextUnit(ref state) * (high - low) < 1) return x;
            ulong word = RandomStream.Next(ref state);
            u = (long)word * (1.0 / (1UL << 63));
            layer = (int)(word & (Layers - 1));
            if (Math.Abs(u) < layers[2 * layer + 1]) return u * layers[2 * layer];
        }
    }

    private static double Tail(ref ulong state, bool negative)
    {
        while (true)
        {
            double x = Math.Log(1 - RandomStream.NextUnit(ref state)) / TailStart;
            double y = Math.Log(1 - RandomStream.NextUnit(ref state));
            if (-2 * y >= x * x) return negative ? x - TailStart : TailStart - x;
        }
    }

    private static NativeArray<double> MakeLayers()
    {
        var layers = new NativeArray<double>(2 * (Layers + 1));
        double density = Math.Exp(-0.5 * TailStart * TailStart);
        layers[0] = LayerArea / density;
        layers[2] = TailStart;
        for (int i = 2; i < Layers; i++)
        {
            double before = layers[2 * (i - 1)];
            layers[2 * i] = Math.Sqrt(-2 * Math.Log(LayerArea / before + Math.Exp(-0.5 * before * before)));
        }

        layers[2 * Layers] = 0;
        for (int i = 0; i < Layers; i++) layers[2 * i + 1] = layers[2 * i + 2] / layers[2 * i];
        return layers;
    }

    private static NativeArray<double> MakeStudents()
    {
        var scales = new NativeArray<double>(StudentScales * StudentFreedoms.Length);
        for (int table = 0; table < StudentFreedoms.Length; table++)
        {
            double freedom = StudentFreedoms[table], squares = 0;
            Span<double> own = scales.Span.Slice(table * StudentScales, StudentScales);
            for (int i = 0; i < StudentScales; i++)
            {
                own[i] = Math.Sqrt(freedom / ChiSquareQuantile(freedom, (i + 0.5) / StudentScales));
                squares += own[i] * own[i];
            }

            double unitVariance = Math.Sqrt(StudentScales / squares);
            for (int i = 0; i < StudentScales; i++) own[i] *= unitVariance;
        }

        return scales;
    }

    // The χ² law of an even number of degrees of freedom is a finite sum (a Poisson tail), so bisection needs no special functions.
    private static double ChiSquareQuantile(double freedom, double probability)
    {
        double low = 0, high = 10 * freedom + 100;
        for (int i = 0; i < 80; i++)
        {
            double middle = (low + high) / 2, term = Math.Exp(-middle / 2), above = 0;
            for (int k = 0; k < (int)freedom / 2; k++)
            {
                above += term;
                term *= middle / 2 / (k + 1);
            }

            if (1 - above < probability) low = middle;
            else high = middle;
        }

        return (low + high) / 2;
    }
}
