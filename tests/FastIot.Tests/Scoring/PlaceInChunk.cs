using FastIot.Features;
using FastIot.Scoring;

namespace FastIot.Tests.Scoring;

/// <summary>After a restart series come in another order, and a replay must find the same scores.</summary>
internal static unsafe class PlaceInChunk
{
    public static void DoesNotMatter(Model model)
    {
        int row = model.Manifest.Lags.Count * FeatureNames.Count;
        var random = new Random(TestSeed.Or(11));
        float[] series = [.. Enumerable.Range(0, row).Select(_ => random.NextSingle() * 8 - 4)];
        using ModelSession session = model.CreateSession(), fresh = model.CreateSession();
        uint[] expected = Outputs(fresh, series, 0);
        Assert.Contains(expected, bits => bits != 0);
        for (int place = 0; place < Limits.ScoringChunk; place++)
        {
            // Neighbours: ordinary ones, and such as nobody should ever see.
            for (int i = 0; i < Limits.ScoringChunk * row; i++) session.Features[i] = random.NextSingle() * 20 - 10;
            session.Features[(place + 1) % Limits.ScoringChunk * row] = float.NaN;
            session.Features[(place + 2) % Limits.ScoringChunk * row] = float.PositiveInfinity;
            Assert.Equal(expected, Outputs(session, series, place));
        }
    }

    private static uint[] Outputs(ModelSession session, float[] series, int place)
    {
        series.CopyTo(new Span<float>(session.Features + place * series.Length, series.Length));
        var types = new Span<float>(session.SensorType + place * SensorTypes.Count, SensorTypes.Count);
        types.Clear();
        types[3] = 1;
        session.Run();
        float[] outputs =
        [
            session.Score[place], session.ReconstructionError[place],
            .. new ReadOnlySpan<float>(session.KindLogits + place * AnomalyKinds.Modelled, AnomalyKinds.Modelled),
        ];
        return [.. outputs.Select(BitConverter.SingleToUInt32Bits)];
    }
}
