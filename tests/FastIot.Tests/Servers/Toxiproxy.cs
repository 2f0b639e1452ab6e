using System.Text;
using System.Text.Json.Nodes;

namespace FastIot.Tests.Servers;

/// <summary>Toxiproxy's HTTP API: links between a port and a server that can be cut, slowed and silenced.</summary>
internal sealed class Toxiproxy(string api) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(api) };

    /// <summary>A link from <paramref name="listen"/> to <paramref name="upstream"/>, both host:port.</summary>
    public void Link(string name, string listen, string upstream) =>
        Send(HttpMethod.Post, "proxies", new JsonObject { ["name"] = name, ["listen"] = listen, ["upstream"] = upstream });

    /// <summary>Hurts a link by one of Toxiproxy's toxics, such as latency, timeout, reset_peer, limit_data.</summary>
    /// <param name="stream">upstream or downstream.</param>
    public void Hurt(string link, string type, string stream, params (string Name, int Value)[] attributes)
    {
        var values = new JsonObject();
        foreach ((string name, int value) in attributes) values[name] = value;
        Send(HttpMethod.Post, $"proxies/{link}/toxics", new JsonObject { ["name"] = type, ["type"] = type, ["stream"] = stream, ["attributes"] = values });
    }

    public void Heal(string link, string type) => Send(HttpMethod.Delete, $"proxies/{link}/toxics/{type}", null);

    /// <summary>Cuts a link, with all its connections, or mends it.</summary>
    public void SetUp(string link, bool up) => Send(HttpMethod.Post, $"proxies/{link}", new JsonObject { ["enabled"] = up });

    public void Dispose() => _http.Dispose();

    private void Send(HttpMethod method, string path, JsonObject? body)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body != null) request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using HttpResponseMessage response = _http.Send(request);
        using var text = new StreamReader(response.Content.ReadAsStream());
        Assert.True(response.IsSuccessStatusCode, $"{method} {path}: {response.StatusCode} {text.ReadToEnd()}");
    }
}
