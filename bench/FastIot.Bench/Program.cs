using System.Globalization;
using BenchmarkDotNet.Running;
using FastIot.Bench;

// dotnet run -c Release --project bench/FastIot.Bench -- --filter '*'            all
// dotnet run -c Release --project bench/FastIot.Bench -- --filter '*Decode*' -j short
// dotnet run -c Release --project bench/FastIot.Bench -- naive BROKER TOPIC COUNT     the usual C# on a real topic (perf/ingest runs it)
// dotnet run -c Release --project bench/FastIot.Bench -- raw-model SECONDS            ONNX Runtime alone (perf/serve runs it)
if (args is ["naive", string bootstrap, string topic, string count]) return NaiveConsumer.Run(bootstrap, topic, long.Parse(count, CultureInfo.InvariantCulture));
if (args is ["raw-model", string seconds])
{
    RawModel.Run(int.Parse(seconds, CultureInfo.InvariantCulture));
    return 0;
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
