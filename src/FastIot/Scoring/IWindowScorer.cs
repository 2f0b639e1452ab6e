using FastIot.Features;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Scoring;

/// <summary>
/// Gives the rows of a closed window their scores and verdicts: columns AnomalyScore to KindScores of the batch. A function of the rows, of
/// the series' slow state and of its own construction; one thread.
/// </summary>
internal interface IWindowScorer : IDisposable
{
    void Score(WindowBatch batch, FeatureState features, SeriesTable series);
}
