namespace FastIot.Simulation;

/// <summary>Event time of steps.</summary>
internal static class FleetClock
{
    /// <summary>Start of a step, µs since the epoch. A sensor's readings of the step lie in the step behind the sensor's own phase.</summary>
    public static long StepStartUs(FleetOptions options, long step) => options.StartUs + (long)(step * options.StepUs);
}
