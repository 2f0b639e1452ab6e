using TorchSharp.Modules;

namespace FastIot.Training;

/// <summary>Takes an <see cref="Autoencoder"/>'s weights out of torch.</summary>
internal static class TorchWeights
{
    /// <param name="whitening">Null while nobody asks for the reconstruction error.</param>
    public static AutoencoderWeights Of(Autoencoder net, LinearWeights? whitening = null) =>
        new(net.Lags, Of(net.Encoder), Of(net.ToLatent), Of(net.Decoder), Of(net.ToFeatures), Of(net.Head1), Of(net.Head2), whitening ?? Whitening.None());

    private static LinearWeights Of(Linear layer) =>
        new((int)layer.weight.shape[1], (int)layer.weight.shape[0], [.. layer.weight.detach().data<float>()], [.. layer.bias!.detach().data<float>()]);

    private static LstmWeights Of(LSTM layer)
    {
        float[] Get(string name) => [.. layer.get_parameter(name)!.detach().data<float>()];
        long[] shape = layer.get_parameter("weight_ih_l0")!.shape;
        return new LstmWeights((int)shape[1], (int)shape[0] / 4, Get("weight_ih_l0"), Get("weight_hh_l0"), Get("bias_ih_l0"), Get("bias_hh_l0"));
    }
}
