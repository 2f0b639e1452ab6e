namespace FastIot;

/// <summary>Tracks what a worker's thread allocates, in all and since the steady state was marked.</summary>
internal sealed class SteadyState(WorkerStatistics statistics)
{
    private long _mark = -1;

    public void Update(bool markSteady)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        statistics.AllocatedBytes = allocated;
        if (markSteady && _mark < 0) _mark = allocated;
        if (_mark >= 0) statistics.SteadyAllocatedBytes = allocated - _mark;
    }
}
