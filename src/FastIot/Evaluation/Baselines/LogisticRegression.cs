namespace FastIot.Evaluation.Baselines;

/// <summary>
/// Logistic regression with an L2 penalty on standardised inputs, solved by Newton's method (iteratively reweighted least squares) to its
/// one optimum: minimises Σ log loss + ½ ‖w‖², the intercept unpenalised.
/// </summary>
public sealed class LogisticRegression
{
    private const int MostSteps = 30;
    private const double Converged = 1e-8;

    private readonly double[] _mean;
    private readonly double[] _scale;
    private readonly double[] _weights;

    private LogisticRegression(double[] mean, double[] scale, double[] weights) => (_mean, _scale, _weights) = (mean, scale, weights);

    /// <summary>Of the standardised inputs, the intercept last.</summary>
    public IReadOnlyList<double> Weights => _weights;

    /// <param name="rows">[row][input], all finite.</param>
    public static LogisticRegression Train(float[][] rows, bool[] isAnomaly)
    {
        int n = rows[0].Length;
        double[] mean = new double[n], scale = new double[n];
        foreach (float[] row in rows)
        {
            for (int f = 0; f < n; f++) mean[f] += row[f] / (double)rows.Length;
        }

        foreach (float[] row in rows)
        {
            for (int f = 0; f < n; f++) scale[f] += (row[f] - mean[f]) * (row[f] - mean[f]) / rows.Length;
        }

        for (int f = 0; f < n; f++) scale[f] = scale[f] > 1e-12 ? Math.Sqrt(scale[f]) : 1;
        var model = new LogisticRegression(mean, scale, new double[n + 1]);
        for (int step = 0; step < MostSteps; step++)
        {
            double moved = model.Step(rows, isAnomaly);
            if (moved < Converged) return model;
        }

        return model;
    }

    /// <summary>Log odds of an anomaly.</summary>
    public double Score(ReadOnlySpan<float> row)
    {
        double sum = _weights[^1];
        for (int f = 0; f < _mean.Length; f++) sum += _weights[f] * ((row[f] - _mean[f]) / _scale[f]);
        return sum;
    }

    /// <returns>Largest change of a weight.</returns>
    private double Step(float[][] rows, bool[] isAnomaly)
    {
        int n = _weights.Length;
        double[] gradient = new double[n], x = new double[n];
        double[][] hessian = [.. Enumerable.Range(0, n).Select(_ => new double[n])];
        for (int i = 0; i < rows.Length; i++)
        {
            for (int f = 0; f < n - 1; f++) x[f] = (rows[i][f] - _mean[f]) / _scale[f];
            x[n - 1] = 1;
            double logit = 0;
            for (int f = 0; f < n; f++) logit += _weights[f] * x[f];
            double p = 1 / (1 + Math.Exp(-logit)), error = p - (isAnomaly[i] ? 1 : 0), weight = p * (1 - p);
            for (int f = 0; f < n; f++)
            {
                gradient[f] += error * x[f];
                double scaled = weight * x[f];
                double[] h = hessian[f];
                for (int g = 0; g <= f; g++) h[g] += scaled * x[g];
            }
        }

        for (int f = 0; f < n - 1; f++)
        {
            gradient[f] += _weights[f];
            hessian[f][f] += 1;
        }

        double[] step = Solve(hessian, gradient);
        double largest = step.Max(Math.Abs);
        // Far from the optimum a full step may overshoot; near it none is this long.
        double share = Math.Min(1, 5 / Math.Max(largest, 1e-300));
        for (int f = 0; f < n; f++) _weights[f] -= share * step[f];
        return largest;
    }

    /// <summary>Cholesky decomposition of the lower triangle, then two substitutions.</summary>
    private static double[] Solve(double[][] a, double[] b)
    {
        int n = b.Length;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = a[i][j];
                for (int k = 0; k < j; k++) sum -= a[i][k] * a[j][k];
                a[i][j] = i == j ? Math.Sqrt(Math.Max(sum, 1e-12)) : sum / a[j][j];
            }
        }

        double[] x = [.. b];
        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < i; k++) x[i] -= a[i][k] * x[k];
            x[i] /= a[i][i];
        }

        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++) x[i] -= a[k][i] * x[k];
            x[i] /= a[i][i];
        }

        return x;
    }
}
