namespace FastIot.Training;

/// <summary>An LSTM's weights in torch's layout: gates i, f, g, o in blocks of the hidden size, rows first.</summary>
internal sealed record LstmWeights(int Inputs, int Hidden, float[] InputHidden, float[] HiddenHidden, float[] InputBias, float[] HiddenBias);

/// <summary>A linear layer, [outputs, inputs] row by row, and its bias.</summary>
internal sealed record LinearWeights(int Inputs, int Outputs, float[] Weight, float[] Bias);

/// <summary>
/// All weights of an <see cref="Autoencoder"/>, free of torch. <paramref name="Whitening"/> turns the judged errors into uncorrelated ones
/// of unit variance, [6 · 24, 24]: one block for each sensor type and one for others.
/// </summary>
internal sealed record AutoencoderWeights(
    int Lags, LstmWeights Encoder, LinearWeights ToLatent, LstmWeights Decoder, LinearWeights ToFeatures, LinearWeights Head1, LinearWeights Head2, LinearWeights Whitening);
