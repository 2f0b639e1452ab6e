using FastIot.Features;

namespace FastIot.Tests.Features;

public sealed class ReasonsTests
{
    [Fact]
    public void The_three_largest_in_order()
    {
        Span<Reason> reasons = stackalloc Reason[Reasons.Most];
        float[] z = [1, -7, 2.5f, 0, 9, -3, 8, 0, 0, 0, 0, 1.9f];
        Assert.Equal(3, Reasons.Of(z, reasons));
        Assert.Equal([new Reason(4, 9), new Reason(6, 8), new Reason(1, -7)], reasons.ToArray());
    }

    [Fact]
    public void Nothing_stands_out_of_a_quiet_row()
    {
        Span<Reason> reasons = stackalloc Reason[Reasons.Most];
        Assert.Equal(0, Reasons.Of([1, -1, 0, float.NaN], reasons));
    }
}
