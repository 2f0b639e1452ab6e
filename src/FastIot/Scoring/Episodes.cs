using FastIot.Features;
using FastIot.Windows;

namespace FastIot.Scoring;

/// <summary>Runs of alarms: an alarm within one window of the last one of its series continues that one's episode.</summary>
internal static class Episodes
{
    public static void Update(WindowBatch batch, FeatureState features, long windowUs)
    {
        for (int row = 0; row < batch.Count; row++)
        {
            if (batch.IsAnomaly[row] == 0) continue;
            ref SeriesState state = ref features[batch.Slot[row]];
            if (Begins(state.LastAlarmUs, batch.WindowEndUs, windowUs)) state.EpisodeStartUs = batch.WindowEndUs;
            state.LastAlarmUs = batch.WindowEndUs;
        }
    }

    /// <summary>Whether an alarm begins an episode of its own.</summary>
    /// <param name="lastAlarmUs">Window end of the series' last one; 0 = there was none.</param>
    public static bool Begins(long lastAlarmUs, long endUs, long windowUs) => lastAlarmUs == 0 || endUs - lastAlarmUs > windowUs;
}
