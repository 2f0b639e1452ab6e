using Prometheus;

namespace FastIot.Observe;

/// <summary>Memory, processor time and garbage collections of the process, under the names that exporters use.</summary>
internal sealed class ProcessMetrics(MetricFactory factory)
{
    private readonly Gauge _resident = factory.CreateGauge("process_resident_memory_bytes", "Physical memory in use");
    private readonly Gauge _peak = factory.CreateGauge("fastiot_process_peak_memory_bytes", "The most physical memory since the start");
    private readonly Counter _processor = factory.CreateCounter("process_cpu_seconds_total", "Processor time, user and kernel");
    private readonly Counter _allocated = factory.CreateCounter("fastiot_managed_allocated_bytes_total", "Managed memory allocated");
    private readonly Counter _collections = factory.CreateCounter("fastiot_gc_collections_total", "Garbage collections", ["generation"]);

    public void Update()
    {
        var figures = ProcessFigures.Now();
        _resident.Set(figures.ResidentBytes);
        _peak.Set(figures.PeakBytes);
        _processor.IncTo(figures.Processor.TotalSeconds);
        _allocated.IncTo(figures.AllocatedBytes);
        _collections.WithLabels("0").IncTo(figures.Gen0);
        _collections.WithLabels("1").IncTo(figures.Gen1);
        _collections.WithLabels("2").IncTo(figures.Gen2);
    }
}
