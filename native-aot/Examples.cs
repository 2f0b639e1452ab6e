using System.CommandLine;

namespace FastIot.Cli;

/// <summary>Examples shown below each command's help.</summary>
internal static class Examples
{
    /// <returns>Null for a command that needs none.</returns>
    public static string? Of(Command command) => command is RootCommand ? Of("fastiot") : Of(command.Name);

    private static string? Of(string name) => name switch
    {
        "fastiot" => """
              fastiot demo                                    everything in one process, for a minute
              fastiot run --kafka localhost:9092 --out windows
              fastiot config                                  what is configured, and why
            """,
        "demo" => """
              fastiot demo --duration 0                       until Ctrl-C
              fastiot demo --rate 10 --speed 1                100,000 readings a second in real time
              fastiot demo --duration 30s --json > summary.json
            """,
        "run" => """
              fastiot run --kafka broker:9092 --out /data
              fastiot run --config fastiot.json --minio https://minio:9000 --alarm-budget 0.1
              fastiot run --kafka broker:9093 --kafka-property security.protocol=SSL
              fastiot run --kafka broker:9092 --alarms-url http://alertmanager:9093 --alarms-labels severity=page --alarms-silences silences.json
            """,
        "simulate" => """
              fastiot simulate --to - --sensors 10 --duration 1m
              fastiot simulate --to kafka://localhost:9092 --sensors 100000 --truth truth.ndjson
              fastiot simulate --to readings.ndjson.gz --duration 1h --late-share 0.01
            """,
        "replay" => """
              fastiot replay readings.ndjson.gz --out windows
              fastiot replay valve.csv --csv-timestamp datetime --csv-separator ';' --out windows
              fastiot replay readings.ndjson.gz --kafka localhost:9092 --speed 10
            """,
        "evaluate" => """
              fastiot evaluate --html report.html             the shipped model on a simulated fleet, some minutes
              fastiot evaluate --sensors 50 --hours 3         the same, rougher, in seconds
              fastiot evaluate --model anomaly_detector --model mine:3 --no-baselines
              fastiot evaluate readings.ndjson.gz --truth truth.ndjson
              fastiot evaluate valve.csv --csv-label anomaly
              fastiot evaluate --features windows --truth truth.ndjson --json
            """,
        "serve" => """
              fastiot serve                                   the shipped model at http://127.0.0.1:8501
              fastiot serve --models /models --serve-models '*' --policy latest:2
              fastiot serve --listen 0.0.0.0:8501 --token-list tokens --certificate tls.crt --certificate-key tls.key
            """,
        "list" => """
              fastiot models list
              fastiot models list --minio minio:9000 --models-bucket models
            """,
        "pull" => """
              fastiot models pull anomaly_detector latest --minio minio:9000 --models-bucket models --to models
            """,
        "rollback" => """
              fastiot models rollback anomaly_detector
            """,
        "push" => """
              fastiot models push resnet.onnx --name resnet --models /models
              fastiot models push models/anomaly_detector/2 --minio minio:9000 --models-bucket models
            """,
        "promote" => """
              fastiot models promote anomaly_detector 4                   label stable
              fastiot models promote anomaly_detector 5 --label canary
            """,
        "verify" => """
              fastiot verify --kafka localhost:9092 --out windows      all that the group has committed
              fastiot verify --from 2026-11-01T00:00:00Z --to 2026-11-01T01:00:00Z
              fastiot verify --config fastiot.json --json > audit.json || alert
            """,
        "create" => """
              fastiot topics create --kafka localhost:9092
              fastiot topics create --kafka localhost:9092 --partitions 32 --replication 3
            """,
        "config" => """
              fastiot config --slide 5s                       what would be in force, and why
              fastiot config --json --config fastiot.json
            """,
        _ => null,
    };
}
