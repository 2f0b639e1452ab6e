using System.Runtime.Intrinsics;

namespace FastIot;

/// <summary>Widths of vectors the kernels have paths for.</summary>
public enum SimdTier
{
    Scalar,
    Vector128,
    Vector256,
    Vector512,
}

/// <summary>The tier, chosen once at start: the widest this machine has, or what FASTIOT_SIMD (scalar, 128, 256, 512) forces.</summary>
public static class Simd
{
    public static readonly SimdTier Tier = Choose(Environment.GetEnvironmentVariable("FASTIOT_SIMD"));

    public static string Name => Tier switch
    {
        SimdTier.Vector512 => "512",
        SimdTier.Vector256 => "256",
        SimdTier.Vector128 => "128",
        _ => "scalar",
    };

    private static SimdTier Choose(string? forced)
    {
        SimdTier widest = Vector512.IsHardwareAccelerated ? SimdTier.Vector512
            : Vector256.IsHardwareAccelerated ? SimdTier.Vector256
            : Vector128.IsHardwareAccelerated ? SimdTier.Vector128
            : SimdTier.Scalar;
        SimdTier wanted = forced switch
        {
            null or "" or "auto" => widest,
            "scalar" => SimdTier.Scalar,
            "128" => SimdTier.Vector128,
            "256" => SimdTier.Vector256,
            "512" => SimdTier.Vector512,
            _ => throw new ArgumentException($"FASTIOT_SIMD is \"{forced}\"; it must be auto, scalar, 128, 256 or 512"),
        };
        return wanted <= widest ? wanted : throw new ArgumentException($"FASTIOT_SIMD is \"{forced}\", but this machine's widest vectors are {widest}");
    }
}
