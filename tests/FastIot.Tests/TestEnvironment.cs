using System.Runtime.CompilerServices;

namespace FastIot.Tests;

/// <summary>
/// What the tests need from outside, found by environment variables; .ci/run sets them all, so that in CI nothing is skipped.
/// </summary>
public static class TestEnvironment
{
    /// <summary>Root of the checkout.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>FASTIOT_TEST_SHARED: a folder with golden/ and data/ (windows computed by Spark, recordings of real sensors).</summary>
    public static string Shared => Folder("FASTIOT_TEST_SHARED", "golden windows and recordings of real sensors (golden/, data/)");

    /// <summary>FASTIOT_TEST_SERVERS: a folder with the scripts kafka, minio and toxiproxy, which start those servers on the loopback.</summary>
    public static string Servers => Folder("FASTIOT_TEST_SERVERS", "the scripts kafka, minio and toxiproxy that start real servers");

    /// <summary>Full path of a tool, or a skip that says which Debian package has it.</summary>
    public static string Tool(string name, string package)
    {
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        {
            string path = Path.Combine(folder, name);
            if (File.Exists(path)) return path;
        }

        Assert.Skip($"{name} is not on the PATH: apt-get install {package}");
        return "";
    }

    private static string Folder(string variable, string content)
    {
        string? folder = Environment.GetEnvironmentVariable(variable);
        if (string.IsNullOrEmpty(folder)) Assert.Skip($"{variable} is not set: it names a folder with {content}");
        Assert.True(Directory.Exists(folder), $"{variable} names {folder}, which does not exist");
        return folder;
    }

    private static string FindRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../.."));
}
