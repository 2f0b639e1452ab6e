using FastIot.Scoring;
using TorchSharp;
using static TorchSharp.torch;

namespace FastIot.Training;

/// <summary>
/// How the reconstruction errors of normal windows are spread, by sensor type: the reconstruction channel's score is the squared
/// Mahalanobis distance of a window's errors from there, divided by their number.
/// </summary>
internal static class Whitening
{
    /// <summary>Sensor types, and all others.</summary>
    public const int Groups = SensorTypes.Count + 1;

    /// <summary>Sequences per group that the spread is measured on, at most.</summary>
    private const int MostSequences = 40_000;

    /// <summary>Share of the mean variance that is added to each: no combination of errors is ever taken as certain.</summary>
    private const double Ridge = .02;

    private const int N = Autoencoder.JudgedErrors;

    /// <summary>Nothing whitened: as good as none, for networks whose errors do not matter yet.</summary>
    public static LinearWeights None()
    {
        float[] weight = new float[Groups * N * N];
        for (int row = 0; row < Groups * N; row++) weight[row * N + row % N] = 1;
        return new LinearWeights(N, Groups * N, weight, new float[Groups * N]);
    }

    public static LinearWeights Fit(Autoencoder net, Sequences sequences)
    {
        float[] weight = new float[Groups * N * N], bias = new float[Groups * N];
        for (int group = 0; group < Groups; group++)
        {
            int[] rows = [.. sequences.Normal.Where(row => group == SensorTypes.Count || sequences.Type(row) == group)];
            int step = Math.Max(1, rows.Length / MostSequences);
            rows = [.. rows.Where((_, i) => i % step == 0)];
            // A type that the data lack is judged as the others.
            if (rows.Length < 10 * N) rows = [.. sequences.Normal.Where((_, i) => i % Math.Max(1, sequences.Normal.Length / MostSequences) == 0)];
            (double[] mean, double[,] covariance) = Moments(net, sequences, rows, group);
            double[,] whiten = InverseCholesky(covariance);
            for (int r = 0; r < N; r++)
            {
                double shift = 0;
                for (int c = 0; c < N; c++)
                {
                    weight[(group * N + r) * N + c] = (float)whiten[r, c];
                    shift -= whiten[r, c] * mean[c];
                }

                bias[group * N + r] = (float)shift;
            }
        }

        return new LinearWeights(N, Groups * N, weight, bias);
    }

    private static (double[] Mean, double[,] Covariance) Moments(Autoencoder net, Sequences sequences, int[] rows, int group)
    {
        double[] mean = new double[N];
        double[,] covariance = new double[N, N];
        float[] judged = TorchScores.Judged(net, sequences, rows, group == SensorTypes.Count);
        for (int i = 0; i < judged.Length; i++) mean[i % N] += judged[i] / (double)rows.Length;
        for (int row = 0; row < rows.Length; row++)
        {
            for (int r = 0; r < N; r++)
            {
                double apart = judged[row * N + r] - mean[r];
                for (int c = 0; c <= r; c++) covariance[r, c] += apart * (judged[row * N + c] - mean[c]) / rows.Length;
            }
        }

        double ridge = 0;
        for (int r = 0; r < N; r++) ridge += covariance[r, r] * Ridge / N;
        for (int r = 0; r < N; r++) covariance[r, r] += Math.Max(ridge, 1e-9);
        return (mean, covariance);
    }

    /// <summary>L⁻¹ of the matrix's factor L·Lᵀ (only the lower triangle is read): L⁻¹·v is uncorrelated and of unit variance.</summary>
    internal static double[,] InverseCholesky(double[,] matrix)
    {
        int n = matrix.GetLength(0);
        double[,] l = new double[n, n], inverse = new double[n, n];
        for (int r = 0; r < n; r++)
        {
            for (int c = 0; c <= r; c++)
            {
                double sum = matrix[r, c];
                for (int k = 0; k < c; k++) sum -= l[r, k] * l[c, k];
                l[r, c] = r == c ? Math.Sqrt(sum) : sum / l[c, c];
            }
        }

        for (int c = 0; c < n; c++)
        {
            inverse[c, c] = 1 / l[c, c];
            for (int r = c + 1; r < n; r++)
            {
                double sum = 0;
                for (int k = c; k < r; k++) sum -= l[r, k] * inverse[k, c];
                inverse[r, c] = sum / l[r, r];
            }
        }

        return inverse;
    }
}
