namespace FastIot.Simulation;

/// <summary>U: how far a sensor's true level moves by itself within half an hour, in closed form.</summary>
internal static unsafe class SensorMovement
{
    private const double LagS = 1800;

    /// <summary>
    /// Root of the mean square of level(t + 30 min) − level(t) over the law of the sensor's level: cycles, wander, set-point moves and
    /// switching added as independent parts, a switching load's own cycles weighted by its mean square.
    /// </summary>
    public static double Rms(in SensorParameters p)
    {
        double gain = !p.Multiplicative ? 1 : p.Switches ? p.OnShare * p.High * p.High + (1 - p.OnShare) * p.Low * p.Low : p.High * p.High;
        double modulation = 2 * p.WanderSigma * p.WanderSigma * (1 - Math.Exp(-LagS / p.WanderS));
        for (int i = 0; i < SensorParameters.Cycles; i++)
        {
            double half = Math.Sin(Math.PI * LagS / p.PeriodS[i]);
            modulation += 2 * p.Amplitude[i] * p.Amplitude[i] * half * half;
        }

        double moves = p.MoveEveryS > 0 ? 2 * p.MoveSigma * p.MoveSigma * (1 - Math.Exp(-LagS / p.MoveEveryS)) : 0;
        return Math.Sqrt(gain * modulation + moves + (p.Switches ? Switching(p) : 0));
    }

    // Fourier series of the on-off wave; each harmonic k loses phase memory as exp(−2π²k²·var), var being the variance of the time that the
    // cycles within the lag take, in periods². Eight harmonics hold 97 % of a square wave's power; the rest counts as uncorrelated.
    private static double Switching(in SensorParameters p)
    {
        double swing = p.High - p.Low, on = p.OnShare, off = 1 - on;
        double cycles = LagS / p.SwitchPeriodS;
        double variance = cycles * p.SwitchSpread * p.SwitchSpread / 3 * (on * on + off * off);
        double rest = on * off, moved = 0;
        for (int k = 1; k <= 8; k++)
        {
            double power = 2 * Math.Pow(Math.Sin(Math.PI * k * on) / (Math.PI * k), 2);
            rest -= power;
            moved += power * (1 - Math.Cos(2 * Math.PI * k * cycles) * Math.Exp(-2 * Math.PI * Math.PI * k * k * variance));
        }

        return 2 * swing * swing * (moved + rest);
    }
}
