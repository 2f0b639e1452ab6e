using BenchmarkDotNet.Running;

// dotnet run -c Release --project bench/FastIot.Bench -- --filter '*'            all
// dotnet run -c Release --project bench/FastIot.Bench -- --filter '*Decode*' -j short
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
