using FastIot.Features;
using FastIot.Scoring;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FastIot.Training;

/// <summary>
/// LSTM autoencoder with a scoring head: encoder LSTM over the squashed features and the sensor type, a narrow latent, decoder LSTM back to
/// the features. The head sees the encoder's state, the input itself, and what could not be reconstructed.
/// </summary>
internal sealed class Autoencoder : nn.Module
{
    public const int Latent = 8;
    public const int Inputs = FeatureNames.Count + SensorTypes.Count;

    /// <summary>Windows at the sequence's end whose errors are averaged for the head.</summary>
    public const int LastWindows = 6;

    /// <summary>Errors that the reconstruction channel judges: of the newest window, and the mean of the last ones.</summary>
    public const int JudgedErrors = 2 * FeatureNames.Count;

    /// <summary>Added before the logarithm of an error.</summary>
    public const float ErrorFloor = 1e-3f;

    /// <summary>Beyond this a feature is squashed logarithmically, and never exceeds <see cref="SquashCap"/>.</summary>
    public const float SquashFrom = 3;

    public const float SquashCap = 9;

    /// <summary>The number of readings says little beyond this.</summary>
    public const float CountCap = 3;

    private readonly Tensor _cap = tensor(Caps());

    public Autoencoder(int hidden, int headHidden, int lags) : base("autoencoder")
    {
        Hidden = hidden;
        Lags = lags;
        Encoder = nn.LSTM(Inputs, hidden, batchFirst: true);
        ToLatent = nn.Linear(hidden, Latent);
        Decoder = nn.LSTM(Latent, hidden, batchFirst: true);
        ToFeatures = nn.Linear(hidden, FeatureNames.Count);
        Head1 = nn.Linear(HeadInputs(hidden, lags), headHidden);
        Head2 = nn.Linear(headHidden, AnomalyKinds.Modelled);
        RegisterComponents();
    }

    public int Hidden { get; }

    public int Lags { get; }

    public LSTM Encoder { get; }

    public Linear ToLatent { get; }

    public LSTM Decoder { get; }

    public Linear ToFeatures { get; }

    public Linear Head1 { get; }

    public Linear Head2 { get; }

    public static int HeadInputs(int hidden, int lags) => hidden + (lags + 3) * FeatureNames.Count + SensorTypes.Count;

    /// <summary>Bound of each squashed feature.</summary>
    public static float[] Caps() => [.. FeatureNames.All.Select(name => name == "count" ? CountCap : SquashCap)];

    /// <param name="z">[N, T, 12].</param>
    /// <param name="type">[N, 5].</param>
    /// <returns>Squashed features and their reconstruction [N, T, 12], judged errors [N, 24], and kind logits [N, 4].</returns>
    public (Tensor X, Tensor Reconstruction, Tensor Judged, Tensor Logits) Forward(Tensor z, Tensor type)
    {
        Tensor x = Squash(z);
        Tensor types = type.unsqueeze(1).expand(-1, Lags, -1);
        (_, Tensor state, _) = Encoder.call(cat([x, types], 2));
        Tensor h = state.squeeze(0);
        Tensor latent = ToLatent.call(h).unsqueeze(1).expand(-1, Lags, -1);
        (Tensor decoded, _, _) = Decoder.call(latent.contiguous());
        Tensor reconstruction = ToFeatures.call(decoded);
        Tensor e = x - reconstruction;
        Tensor judged = cat([e.select(1, Lags - 1), e.narrow(1, Lags - LastWindows, LastWindows).mean([1])], 1);
        Tensor input = cat([h, x.flatten(1), judged, (e.square().mean([1]) + ErrorFloor).log(), type], 1);
        return (x, reconstruction, judged, Head2.call(Head1.call(input).relu()));
    }

    private Tensor Squash(Tensor z)
    {
        Tensor size = z.abs();
        Tensor squashed = size.clamp_max(SquashFrom) + (((size - SquashFrom).clamp_min(0) / 2) + 1).log() * 2;
        return (z.sign() * squashed).minimum(_cap).maximum(-_cap);
    }
}
