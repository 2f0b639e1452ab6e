namespace FastIot.Serving;

/// <summary>Memory that the bodies of all requests in progress may take together.</summary>
internal sealed class BodyBudget(long bytes)
{
    private long _left = bytes;

    public bool TryTake(long wanted)
    {
        if (Interlocked.Add(ref _left, -wanted) >= 0) return true;
        Interlocked.Add(ref _left, wanted);
        return false;
    }

    public void Return(long taken) => Interlocked.Add(ref _left, taken);
}
