using FastIot.Emit;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Faults;

/// <summary>Objects that are put once: conditions, hashes and error answers, on a real MinIO and in a folder.</summary>
public sealed class StoreTests(RealServers servers) : IClassFixture<RealServers>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-store-").FullName;

    public static TheoryData<bool, int> Objects => new() { { false, 1000 }, { true, 1000 }, { true, 12 << 20 } };

    [Theory]
    [MemberData(nameof(Objects))]
    public async Task What_is_there_stays_and_says_its_hash(bool minio, int bytes)
    {
        using IObjectStore store = await OpenAsync(minio, null);
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string name = $"features/x-{Guid.NewGuid():N}.parquet";
        byte[] first = Content(bytes, 1), second = Content(bytes, 2);
        Assert.Null(await store.HeadAsync(name, cancellation));
        Assert.Null(await store.PutIfAbsentAsync(name, first, Hash(first), cancellation));
        Assert.Equal(new StoredObject(bytes, Hash(first)), await store.HeadAsync(name, cancellation));
        Assert.Equal(new StoredObject(bytes, Hash(first)), await store.PutIfAbsentAsync(name, second, Hash(second), cancellation));
        Assert.Equal(first, await store.GetAsync(name, cancellation));
        await store.PutAsync(name, second, cancellation);
        Assert.Equal(second, await store.GetAsync(name, cancellation));
    }

    [Fact]
    public async Task Of_two_that_write_at_once_one_wins_whole()
    {
        using IObjectStore store = await OpenAsync(minio: true, null);
        string name = $"features/race-{Guid.NewGuid():N}.parquet";
        byte[][] contents = [.. Enumerable.Range(0, 8).Select(i => Content(2000, i))];
        StoredObject?[] found = await Task.WhenAll(contents.Select((c, i) => store.PutIfAbsentAsync(name, c, Hash(c), TestContext.Current.CancellationToken)));
        int winner = Array.FindIndex(found, f => f == null);
        Assert.Equal(1, found.Count(f => f == null));
        Assert.Equal(contents[winner], await store.GetAsync(name, TestContext.Current.CancellationToken));
        Assert.All(found.OfType<StoredObject>(), f => Assert.Equal(Hash(contents[winner]), f.Sha256));
    }

    [Theory]
    [InlineData(ProxyFault.Unavailable)]
    [InlineData(ProxyFault.Forbidden)]
    public async Task A_put_that_the_server_does_not_confirm_is_an_error(ProxyFault fault)
    {
        using var proxy = new FaultyProxy(servers.Minio());
        using IObjectStore store = await OpenAsync(minio: true, proxy.Url);
        string name = $"features/y-{Guid.NewGuid():N}.parquet";
        byte[] content = Content(1000, 1);
        proxy.Fault = fault;
        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutIfAbsentAsync(name, content, Hash(content), TestContext.Current.CancellationToken));
        Assert.Contains(name, error.Message);
        await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync(name, content, TestContext.Current.CancellationToken));
        proxy.Fault = ProxyFault.None;
        StoredObject? there = await store.PutIfAbsentAsync(name, content, Hash(content), TestContext.Current.CancellationToken);
        Assert.Null(there);
        Assert.Equal(content, await store.GetAsync(name, TestContext.Current.CancellationToken));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<IObjectStore> OpenAsync(bool minio, string? url)
    {
        IObjectStore store = minio
            ? new MinioStore(new MinioOptions { Endpoint = url ?? servers.Minio(), Bucket = "store-tests", AccessKey = "minioadmin", SecretKey = "minioadmin", Timeout = TimeSpan.FromSeconds(20) })
            : new LocalFolderStore(_folder);
        await store.PrepareAsync(TestContext.Current.CancellationToken);
        return store;
    }

    private static string Hash(byte[] content) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content));

    private static byte[] Content(int bytes, int seed)
    {
        byte[] content = new byte[bytes];
        new Random(seed).NextBytes(content);
        return content;
    }
}
