namespace FastIot.Features;

/// <summary>A feature that stands out, and how far, in scales of the series' own baseline (the sign tells the direction).</summary>
public readonly record struct Reason(int Feature, float Deviation);

internal static class Reasons
{
    public const int Most = 3;

    /// <summary>A deviation below this is not worth a mention.</summary>
    private const float Least = 2;

    /// <summary>The features that stand out most, largest first.</summary>
    /// <returns>How many there are.</returns>
    public static int Of(ReadOnlySpan<float> z, Span<Reason> reasons)
    {
        int count = 0;
        for (int feature = 0; feature < z.Length; feature++)
        {
            float size = Math.Abs(z[feature]);
            if (!(size >= Least)) continue;
            int place = count;
            while (place > 0 && Math.Abs(reasons[place - 1].Deviation) < size) place--;
            if (place == Most) continue;
            if (count < Most) count++;
            for (int i = count - 1; i > place; i--) reasons[i] = reasons[i - 1];
            reasons[place] = new Reason(feature, z[feature]);
        }

        return count;
    }
}
