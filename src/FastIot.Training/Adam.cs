using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FastIot.Training;

/// <summary>Adam (Kingma and Ba, 2015) whose whole state can be saved, the weights included.</summary>
internal sealed class Adam
{
    private const double Beta1 = .9, Beta2 = .999, Epsilon = 1e-8;

    private readonly Parameter[] _parameters;
    private readonly Tensor[] _mean;
    private readonly Tensor[] _square;
    private int _steps;

    public Adam(IEnumerable<Parameter> parameters)
    {
        _parameters = [.. parameters];
        _mean = [.. _parameters.Select(p => zeros(p.shape).DetachFromDisposeScope())];
        _square = [.. _parameters.Select(p => zeros(p.shape).DetachFromDisposeScope())];
    }

    public void ZeroGradients()
    {
        foreach (Parameter p in _parameters) p.grad?.zero_();
    }

    public void Step(double rate)
    {
        using var noGradient = no_grad();
        _steps++;
        double correction = Math.Sqrt(1 - Math.Pow(Beta2, _steps));
        double size = rate * correction / (1 - Math.Pow(Beta1, _steps));
        for (int i = 0; i < _parameters.Length; i++)
        {
            Tensor gradient = _parameters[i].grad!;
            _mean[i].mul_(Beta1).add_(gradient, alpha: 1 - Beta1);
            _square[i].mul_(Beta2).addcmul_(gradient, gradient, value: 1 - Beta2);
            _parameters[i].addcdiv_(_mean[i], _square[i].sqrt().add_(Epsilon * correction), value: -size);
        }
    }

    public void Save(BinaryWriter file)
    {
        file.Write(_steps);
        foreach (Tensor tensor in State())
        {
            foreach (float value in tensor.detach().data<float>()) file.Write(value);
        }
    }

    public void Load(BinaryReader file)
    {
        using var noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _steps = file.ReadInt32();
        foreach (Tensor target in State())
        {
            float[] values = new float[target.numel()];
            for (int i = 0; i < values.Length; i++) values[i] = file.ReadSingle();
            target.copy_(tensor(values).view(target.shape));
        }
    }

    private IEnumerable<Tensor> State() => _parameters.Concat(_mean).Concat(_square);
}
