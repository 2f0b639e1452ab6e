namespace FastIot.Scoring;

/// <summary>What the thresholds say of one window.</summary>
/// <param name="AnomalyScore">1 at the alarm threshold, doubled for each tenth of false alarms; NaN where the model's outputs are no numbers.</param>
/// <param name="FalseAlarmsPerDay">How often a healthy sensor shows as much, in episodes a day.</param>
/// <param name="ByHead">The scoring head decided, not the reconstruction error.</param>
public readonly record struct Verdict(float AnomalyScore, float FalseAlarmsPerDay, bool IsAnomaly, bool ByHead);
