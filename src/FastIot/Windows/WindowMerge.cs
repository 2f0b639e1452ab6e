using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastIot.Windows;

/// <summary>
/// Merges the panes of a window into one row per series that has readings. Sums are merged in the shifted domain of the series' oldest
/// pane with readings: differences of shifts are exact or nearly so, absolute means never meet.
/// </summary>
/// <remarks>
/// The vector path does, lane by lane, exactly the operations of the scalar path, in the same order and without fused multiply-adds, so
/// both give the same bits (tested). It wins by having four series in flight, not by a shorter formula.
/// </remarks>
internal static unsafe class WindowMerge
{
    private const int Lanes = 4;

    /// <param name="panes">Slabs of the window's panes, oldest first; zeros where a pane has no reading.</param>
    /// <param name="paneCount">Panes in the window.</param>
    /// <param name="slots">Series there are.</param>
    /// <param name="batch">Receives the rows; must have room for all slots.</param>
    /// <param name="betweenReadings">Whether to merge differences and Hampel residuals.</param>
    /// <param name="vectors">Whether to take four series at a time.</param>
    public static void Merge(Pane** panes, int paneCount, int slots, WindowBatch batch, bool betweenReadings, bool vectors)
    {
        int row = 0;
        int slot = 0;
        if (vectors)
        {
            for (; slot + Lanes <= slots; slot += Lanes) row = MergeFour(panes, paneCount, slot, batch, row);
        }

        for (; slot < slots; slot++) row = MergeOne(panes, paneCount, slot, batch, row);
        batch.Count = row;
        if (betweenReadings) MergeBetween(panes, paneCount, batch);
    }

    private static int MergeOne(Pane** panes, int paneCount, int slot, WindowBatch batch, int row)
    {
        double shift = 0, sum = 0, sumSq = 0, min = double.PositiveInfinity, max = double.NegativeInfinity;
        double count = 0;
        for (int i = 0; i < paneCount; i++)
        {
            Pane* pane = panes[i] + slot;
            if (pane->Count == 0) continue;
            double n = pane->Count;
            if (count == 0) shift = pane->Shift;
            double apart = pane->Shift - shift;
            sum += pane->Sum + n * apart;
            sumSq += (pane->SumSq + (apart + apart) * pane->Sum) + (n * apart) * apart;
            min = pane->Min < min ? pane->Min : min;
            max = pane->Max > max ? pane->Max : max;
            count += n;
        }

        if (count == 0) return row;
        double shiftedMean = sum / count;
        double variance = (sumSq - sum * shiftedMean) / (count - 1);
        batch.Slot[row] = slot;
        batch.ReadingCount[row] = (int)count;
        batch.Mean[row] = shift + shiftedMean;
        batch.StdDev[row] = StdDev(variance, count);
        batch.Min[row] = min;
        batch.Max[row] = max;
        batch.Range[row] = max - min;
        return row + 1;
    }

    /// <summary>NaN for one reading (0 / 0) and for sums beyond a double; a variance that rounding made negative is zero.</summary>
    private static double StdDev(double variance, double count) =>
        count > 1 && double.IsFinite(variance) ? Math.Sqrt(variance > 0 ? variance : 0) : double.NaN;

    private static int MergeFour(Pane** panes, int paneCount, int slot, WindowBatch batch, int row)
    {
        Vector256<double> zero = Vector256<double>.Zero;
        Vector256<double> shift = zero, sum = zero, sumSq = zero, count = zero;
        Vector256<double> min = Vector256.Create(double.PositiveInfinity);
        Vector256<double> max = Vector256.Create(double.NegativeInfinity);
        for (int i = 0; i < paneCount; i++)
        {
            Pane* pane = panes[i] + slot;
            Vector256<double> n = Vector256.Create((double)pane[0].Count, pane[1].Count, pane[2].Count, pane[3].Count);
            Vector256<double> has = Vector256.GreaterThan(n, zero);
            if (has.Equals(zero)) continue;
            (Vector256<double> paneShift, Vector256<double> paneSum, Vector256<double> paneSumSq, Vector256<double> paneMin) = Transpose(pane);
            Vector256<double> paneMax = Vector256.Create(pane[0].Max, pane[1].Max, pane[2].Max, pane[3].Max);
            shift = Vector256.ConditionalSelect(has & Vector256.Equals(count, zero), paneShift, shift);
            Vector256<double> apart = (paneShift - shift) & has;
            sum += (paneSum + n * apart) & has;
            sumSq += ((paneSumSq + (apart + apart) * paneSum) + (n * apart) * apart) & has;
            min = Vector256.ConditionalSelect(has & Vector256.LessThan(paneMin, min), paneMin, min);
            max = Vector256.ConditionalSelect(has & Vector256.GreaterThan(paneMax, max), paneMax, max);
            count += n;
        }

        return Vector256.EqualsAny(count, zero)
            ? StoreSome(batch, row, slot, shift, sum, sumSq, min, max, count)
            : StoreFour(batch, row, slot, shift, sum, sumSq, min, max, count);
    }

    /// <summary>First four doubles of four panes, one vector a field: Shift, Sum, SumSq, Min.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<double>, Vector256<double>, Vector256<double>, Vector256<double>) Transpose(Pane* pane)
    {
        Vector256<double> a = Vector256.Load((double*)pane);
        Vector256<double> b = Vector256.Load((double*)(pane + 1));
        Vector256<double> c = Vector256.Load((double*)(pane + 2));
        Vector256<double> d = Vector256.Load((double*)(pane + 3));
        return (Vector256.Create(Vector128.Create(a[0], b[0]), Vector128.Create(c[0], d[0])),
            Vector256.Create(Vector128.Create(a[1], b[1]), Vector128.Create(c[1], d[1])),
            Vector256.Create(Vector128.Create(a[2], b[2]), Vector128.Create(c[2], d[2])),
            Vector256.Create(Vector128.Create(a[3], b[3]), Vector128.Create(c[3], d[3])));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int StoreFour(WindowBatch batch, int row, int slot, Vector256<double> shift, Vector256<double> sum, Vector256<double> sumSq,
        Vector256<double> min, Vector256<double> max, Vector256<double> count)
    {
        Vector256<double> shiftedMean = sum / count;
        Vector256<double> variance = (sumSq - sum * shiftedMean) / (count - Vector256<double>.One);
        Vector256<double> positive = Vector256.ConditionalSelect(Vector256.GreaterThan(variance, Vector256<double>.Zero), variance, Vector256<double>.Zero);
        Vector256<double> valid = Vector256.GreaterThan(count, Vector256<double>.One) & Vector256.LessThanOrEqual(Vector256.Abs(variance), Vector256.Create(double.MaxValue));
        Vector256.ConditionalSelect(valid, Vector256.Sqrt(positive), Vector256.Create(double.NaN)).Store(batch.StdDev.Pointer + row);
        (shift + shiftedMean).Store(batch.Mean.Pointer + row);
        min.Store(batch.Min.Pointer + row);
        max.Store(batch.Max.Pointer + row);
        (max - min).Store(batch.Range.Pointer + row);
        Vector256<long> counts = Vector256.ConvertToInt64(count);
        Vector128.Narrow(counts.GetLower(), counts.GetUpper()).Store(batch.ReadingCount.Pointer + row);
        (Vector128<int>.Indices + Vector128.Create(slot)).Store(batch.Slot.Pointer + row);
        return row + Lanes;
    }

    /// <summary>Where a series has no reading in the window its row is left out; the others close up.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int StoreSome(WindowBatch batch, int row, int slot, Vector256<double> shift, Vector256<double> sum, Vector256<double> sumSq,
        Vector256<double> min, Vector256<double> max, Vector256<double> count)
    {
        for (int lane = 0; lane < Lanes; lane++)
        {
            if (count[lane] == 0) continue;
            double shiftedMean = sum[lane] / count[lane];
            double variance = (sumSq[lane] - sum[lane] * shiftedMean) / (count[lane] - 1);
            batch.Slot[row] = slot + lane;
            batch.ReadingCount[row] = (int)count[lane];
            batch.Mean[row] = shift[lane] + shiftedMean;
            batch.StdDev[row] = StdDev(variance, count[lane]);
            batch.Min[row] = min[lane];
            batch.Max[row] = max[lane];
            batch.Range[row] = max[lane] - min[lane];
            row++;
        }

        return row;
    }

    private static void MergeBetween(Pane** panes, int paneCount, WindowBatch batch)
    {
        for (int row = 0; row < batch.Count; row++)
        {
            int slot = batch.Slot[row];
            float sumSq = 0, maxDiff = 0, maxHampel = 0;
            int zeros = 0;
            for (int i = 0; i < paneCount; i++)
            {
                Pane* pane = panes[i] + slot;
                sumSq += pane->SumSqDiff;
                maxDiff = pane->MaxDiff > maxDiff ? pane->MaxDiff : maxDiff;
                maxHampel = pane->MaxHampel > maxHampel ? pane->MaxHampel : maxHampel;
                zeros += pane->ZeroDiffs;
            }

            batch.SumSqDiff[row] = sumSq;
            batch.MaxDiff[row] = maxDiff;
            batch.MaxHampel[row] = maxHampel;
            batch.ZeroDiffs[row] = zeros;
        }
    }
}
