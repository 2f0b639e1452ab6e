using BenchmarkDotNet.Running;

// dotnet run -c Release --project bench/FastIot.Bench -- --filter '*'            all
// dotnet run -c Release --project bench/FastIot.Bench -- --filter '*Decode*' -j short
// dotnet run -c Release --project bench/FastIot.Bench -- raw-model 10            ONNX Runtime alone, for perf/serve
if (args is ["raw-model", .. string[] seconds]) FastIot.Bench.RawModel.Run(seconds.Length > 0 ? int.Parse(seconds[0]) : 10);
else BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
