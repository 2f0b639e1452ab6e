using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastIot.Ingest;

namespace FastIot.Tests;

public sealed class LayoutTests
{
    [Fact]
    public void Reading_is_40_bytes()
    {
        Assert.Equal(40, Unsafe.SizeOf<Reading>());
        Assert.Equal(16, (int)Marshal.OffsetOf<Reading>(nameof(Reading.TimeUs)));
        Assert.Equal(24, (int)Marshal.OffsetOf<Reading>(nameof(Reading.Value)));
    }

    [Fact]
    public void Record_is_48_bytes() => Assert.Equal(48, Unsafe.SizeOf<Record>());

    [Fact]
    public void Every_rejection_has_its_own_name() =>
        Assert.Equal(Rejections.Count, Enumerable.Range(0, Rejections.Count).Select(r => Rejections.Name((Rejection)r)).Distinct().Count());
}
