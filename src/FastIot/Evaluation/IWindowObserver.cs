using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Evaluation;

/// <summary>Sees every closed window after it has been scored and before its baselines learn from it; on the worker's thread.</summary>
internal interface IWindowObserver
{
    void Window(WindowBatch batch, SeriesTable series);
}

/// <summary>Scores rows one by one, for comparison with the model.</summary>
internal interface IRowScorer
{
    /// <summary>One per score.</summary>
    IReadOnlyList<(string Name, DetectorRole Role)> Columns { get; }

    /// <summary>Before the rows of a window.</summary>
    void Begin(WindowBatch batch, SeriesTable series);

    /// <summary>NaN while it has none.</summary>
    void Score(WindowBatch batch, int row, SeriesTable series, Span<float> scores);

    /// <summary>After them.</summary>
    void End();
}
