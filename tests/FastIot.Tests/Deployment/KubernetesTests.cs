using FastIot.Configuration;
using FastIot.Tests.Cli;
using k8s;
using k8s.Models;

namespace FastIot.Tests.Deployment;

/// <summary>The Kubernetes manifests: no field that Kubernetes does not know, names that fit together, settings that the binary takes.</summary>
public sealed class KubernetesTests : IDisposable
{
    private static readonly string s_manifests = Path.Combine(TestEnvironment.Root, "compose", "k8s");

    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-k8s-").FullName;
    private readonly List<object> _objects = KubernetesYaml.LoadAllFromString(File.ReadAllText(Path.Combine(s_manifests, "fastiot.yaml")), strict: true);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_object_is_one_and_belongs_to_the_same_pods()
    {
        V1StatefulSet set = Only<V1StatefulSet>();
        IDictionary<string, string> pods = set.Spec.Template.Metadata.Labels;
        Assert.Equal(pods, set.Spec.Selector.MatchLabels);
        Assert.Equal(pods, Only<V1Service>().Spec.Selector);
        Assert.Equal(pods, Only<V1PodDisruptionBudget>().Spec.Selector.MatchLabels);
        Assert.Equal(pods, Only<V1NetworkPolicy>().Spec.PodSelector.MatchLabels);
        Assert.Equal(Only<V1Service>().Metadata.Name, set.Spec.ServiceName);
        Assert.Equal(Only<V1ServiceAccount>().Metadata.Name, set.Spec.Template.Spec.ServiceAccountName);
        Assert.Contains(set.Spec.Template.Spec.Volumes, v => v.ConfigMap?.Name == Only<V1ConfigMap>().Metadata.Name);
        Assert.Equal(6, _objects.Count);
    }

    [Fact]
    public void The_pods_have_no_rights_and_time_to_end_in_order()
    {
        V1PodSpec pod = Only<V1StatefulSet>().Spec.Template.Spec;
        V1Container container = Assert.Single(pod.Containers);
        Assert.True(pod.SecurityContext.RunAsNonRoot);
        Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
        Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
        Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
        Assert.True(pod.TerminationGracePeriodSeconds > Durations.Parse(Settings.All.Single(s => s.Key == "pipeline.drain-timeout").Default).TotalSeconds);
        int port = Assert.Single(container.Ports).ContainerPort;
        Assert.Equal(["/healthz", "/healthz", "/readyz"], new[] { container.StartupProbe, container.LivenessProbe, container.ReadinessProbe }.Select(p => p.HttpGet.Path));
        Assert.Equal(port, Assert.Single(Only<V1Service>().Spec.Ports).Port);
        Assert.Contains(Only<V1NetworkPolicy>().Spec.Ingress, rule => rule.Ports.Any(p => p.Port == $"{port}"));
    }

    [Fact]
    public void The_binary_takes_the_configuration_and_the_environment()
    {
        V1Container container = Only<V1StatefulSet>().Spec.Template.Spec.Containers[0];
        string secrets = container.VolumeMounts.Single(m => m.Name == "store").MountPath;
        foreach (string name in (string[])["access-key", "secret-key"]) File.WriteAllText(Path.Combine(_folder, name), name);
        string file = Path.Combine(_folder, "fastiot.json"), text = Only<V1ConfigMap>().Data["fastiot.json"];
        Assert.Contains($"{secrets}/access-key", text);
        File.WriteAllText(file, text.Replace(secrets, _folder, StringComparison.Ordinal));
        Assert.Equal(["run", "--config", $"{container.VolumeMounts.Single(m => m.Name == "configuration").MountPath}/fastiot.json"], container.Args);
        var gpu = KubernetesYaml.Deserialize<V1StatefulSet>(File.ReadAllText(Path.Combine(s_manifests, "gpu.yaml")), strict: true);
        (string, string)[] environment = [.. container.Env.Concat(gpu.Spec.Template.Spec.Containers[0].Env).Select(e => (e.Name, e.Value ?? "fastiot-0"))];
        ProcessResult result = CommandLineRun.Run(environment, ["config", "--config", file, "--json"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("fastiot-0", result.Out);
        Assert.Contains("http://minio:9000", result.Out);
    }

    [Fact]
    public void What_is_scaled_and_scraped_by_is_there()
    {
        string scaling = File.ReadAllText(Path.Combine(s_manifests, "scaling.yaml")), reference = File.ReadAllText(Path.Combine(TestEnvironment.Root, "src/FastIot/Observe/README.md"));
        var scaled = KubernetesYaml.Deserialize<Dictionary<string, object>>(scaling, strict: true);
        Assert.Equal("ScaledObject", scaled["kind"]);
        Assert.Contains("query: sum(fastiot_consumer_lag_records)", scaling);
        Assert.Contains("fastiot_consumer_lag_records", reference);
        Assert.Contains($"kind: StatefulSet, name: {Only<V1StatefulSet>().Metadata.Name}", scaling);
        Assert.Contains("path: /metrics", File.ReadAllText(Path.Combine(s_manifests, "monitoring.yaml")));
        string kustomization = File.ReadAllText(Path.Combine(s_manifests, "kustomization.yaml"));
        foreach (string name in (string[])["fastiot.yaml", "monitoring.yaml", "scaling.yaml"]) Assert.Contains(name, kustomization);
    }

    [Fact]
    public void A_field_that_kubernetes_does_not_know_would_be_noticed()
    {
        string wrong = File.ReadAllText(Path.Combine(s_manifests, "fastiot.yaml")).Replace("podManagementPolicy", "podManagmentPolicy", StringComparison.Ordinal);
        Assert.ThrowsAny<Exception>(() => KubernetesYaml.LoadAllFromString(wrong, strict: true));
    }

    private T Only<T>() => Assert.Single(_objects.OfType<T>());
}
