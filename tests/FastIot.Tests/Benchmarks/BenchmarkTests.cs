using System.Reflection;
using BenchmarkDotNet.Attributes;
using FastIot.Bench;

namespace FastIot.Tests.Benchmarks;

/// <summary>Each benchmark once, with the first of its parameters, untimed: so that none rots.</summary>
public sealed class BenchmarkTests
{
    public static TheoryData<string> Benchmarks => [.. typeof(DecodeBench).Assembly.GetTypes().Where(t => Methods<BenchmarkAttribute>(t).Any()).Select(t => t.Name).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Benchmarks))]
    public void Runs(string name)
    {
        Type type = typeof(DecodeBench).Assembly.GetTypes().Single(t => t.Name == name && Methods<BenchmarkAttribute>(t).Any());
        object bench = Activator.CreateInstance(type)!;
        foreach (PropertyInfo property in type.GetProperties())
        {
            if (property.GetCustomAttribute<ParamsAttribute>() is { } parameters) property.SetValue(bench, parameters.Values[0]);
        }

        foreach (MethodInfo method in Methods<GlobalSetupAttribute>(type)) method.Invoke(bench, null);
        foreach (MethodInfo method in Methods<BenchmarkAttribute>(type)) method.Invoke(bench, null);
        foreach (MethodInfo method in Methods<GlobalCleanupAttribute>(type)) method.Invoke(bench, null);
    }

    private static IEnumerable<MethodInfo> Methods<T>(Type type) where T : Attribute => type.GetMethods().Where(m => m.GetCustomAttribute<T>() != null);
}
