namespace FastIot.Tests.Faults;

public sealed class FaultPointTests
{
    [Fact]
    public void Points_are_named_counted_and_listed()
    {
        FaultPoint.Armed[] armed = FaultPoint.Parse("file-after-put:3,transaction-before-commit:stop,replay");
        Assert.Equal(["file-after-put 3 False", "transaction-before-commit 1 True", "replay 1 False"], armed.Select(a => $"{a.Name} {a.Left} {a.Stop}"));
        Assert.Empty(FaultPoint.Parse(null));
        Assert.Equal(FaultPoint.Names.Length, FaultPoint.Names.Distinct().Count());
    }

    [Theory]
    [InlineData("nowhere", "there is no point \"nowhere\"")]
    [InlineData("replay:0", "is not of the form")]
    [InlineData("replay:1:2", "is not of the form")]
    public void What_names_no_point_is_an_error(string text, string message) => Assert.Contains(message, Assert.Throws<FormatException>(() => FaultPoint.Parse(text)).Message);
}
