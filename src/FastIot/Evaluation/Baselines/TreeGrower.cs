namespace FastIot.Evaluation.Baselines;

/// <summary>Grows one tree at a time, leaf by leaf, with a histogram of gradients per leaf; a sibling's is the parent's less its own.</summary>
internal sealed class TreeGrower(InputBins bins, BoostingOptions options)
{
    private const int Cell = 3;

    private readonly int[] _order = new int[bins.Rows];
    private readonly int[] _scratch = new int[bins.Rows];
    private readonly Stack<double[]> _free = new();
    private float[] _gradient = [];
    private float[] _hessian = [];

    /// <summary>Grows a tree on the loss's derivatives and adds its values to the rows' logits.</summary>
    public GradientBoosting.Node[] Grow(float[] gradient, float[] hessian, double[] logit)
    {
        (_gradient, _hessian) = (gradient, hessian);
        for (int i = 0; i < _order.Length; i++) _order[i] = i;
        var nodes = new List<GradientBoosting.Node>();
        var leaves = new List<Leaf>();
        Add(nodes, leaves, 0, bins.Rows, Histogram(0, bins.Rows));
        while (leaves.Count < options.Leaves)
        {
            Leaf? best = leaves.Where(l => l.Split.Gain > 0).MaxBy(l => l.Split.Gain);
            if (best == null) break;
            leaves.Remove(best);
            Split(nodes, leaves, best);
        }

        foreach (Leaf leaf in leaves)
        {
            double value = nodes[leaf.Node].Value;
            for (int i = leaf.From; i < leaf.To; i++) logit[_order[i]] += value;
            _free.Push(leaf.Histogram);
        }

        return [.. nodes];
    }

    private void Split(List<GradientBoosting.Node> nodes, List<Leaf> leaves, Leaf leaf)
    {
        (int input, int bin, _) = leaf.Split;
        int middle = Partition(leaf.From, leaf.To, bins.Column[input], bin);
        bool leftIsSmall = middle - leaf.From <= leaf.To - middle;
        double[] small = leftIsSmall ? Histogram(leaf.From, middle) : Histogram(middle, leaf.To), large = leaf.Histogram;
        for (int i = 0; i < large.Length; i++) large[i] -= small[i];
        int left = Add(nodes, leaves, leaf.From, middle, leftIsSmall ? small : large);
        int right = Add(nodes, leaves, middle, leaf.To, leftIsSmall ? large : small);
        nodes[leaf.Node] = new GradientBoosting.Node(input, bins.Edges[input][bin], left, right, 0);
    }

    private int Add(List<GradientBoosting.Node> nodes, List<Leaf> leaves, int from, int to, double[] histogram)
    {
        double g = 0, h = 0;
        // Every input's histogram holds all rows: the first one's sums are the leaf's.
        for (int b = 0; b < InputBins.Most; b++)
        {
            g += histogram[b * Cell];
            h += histogram[b * Cell + 1];
        }

        nodes.Add(new GradientBoosting.Node(-1, 0, 0, 0, -options.LearningRate * g / (h + options.L2)));
        leaves.Add(new Leaf(nodes.Count - 1, from, to, histogram, BestSplit(histogram, g, h, to - from)));
        return nodes.Count - 1;
    }

    private (int Input, int Bin, double Gain) BestSplit(double[] histogram, double g, double h, int rows)
    {
        (int Input, int Bin, double Gain) best = (-1, 0, 0);
        double whole = g * g / (h + options.L2);
        for (int f = 0; f < bins.Inputs; f++)
        {
            double leftG = 0, leftH = 0, left = 0;
            int at = f * InputBins.Most * Cell;
            for (int b = 0; b < bins.Edges[f].Length; b++, at += Cell)
            {
                leftG += histogram[at];
                leftH += histogram[at + 1];
                left += histogram[at + 2];
                if (left < options.LeastRowsPerLeaf) continue;
                if (rows - left < options.LeastRowsPerLeaf) break;
                double gain = leftG * leftG / (leftH + options.L2) + (g - leftG) * (g - leftG) / (h - leftH + options.L2) - whole;
                if (gain > best.Gain + 1e-9) best = (f, b, gain);
            }
        }

        return best;
    }

    private double[] Histogram(int from, int to)
    {
        double[] histogram = _free.TryPop(out double[]? used) ? used : new double[bins.Inputs * InputBins.Most * Cell];
        Array.Clear(histogram);
        for (int f = 0; f < bins.Inputs; f++)
        {
            byte[] column = bins.Column[f];
            Span<double> cells = histogram.AsSpan(f * InputBins.Most * Cell, InputBins.Most * Cell);
            for (int i = from; i < to; i++)
            {
                int row = _order[i], cell = column[row] * Cell;
                cells[cell] += _gradient[row];
                cells[cell + 1] += _hessian[row];
                cells[cell + 2]++;
            }
        }

        return histogram;
    }

    /// <summary>Rows up to the bin first, each part in its old order.</summary>
    private int Partition(int from, int to, byte[] column, int bin)
    {
        int left = from, right = 0;
        for (int i = from; i < to; i++)
        {
            int row = _order[i];
            if (column[row] <= bin) _order[left++] = row;
            else _scratch[right++] = row;
        }

        _scratch.AsSpan(0, right).CopyTo(_order.AsSpan(left));
        return left;
    }

    private sealed record Leaf(int Node, int From, int To, double[] Histogram, (int Input, int Bin, double Gain) Split);
}
