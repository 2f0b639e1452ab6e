using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace FastIot.Serving;

/// <summary>
/// The server's certificate from two PEM files, read again when they change: a renewed one is used for the next connection. One that cannot be
/// read is said, and the old one stays.
/// </summary>
internal sealed partial class ServingCertificate : IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(5);

    private readonly string _certificatePath;
    private readonly string _keyPath;
    private readonly ILogger _log;
    private readonly Timer _timer;
    private volatile X509Certificate2 _certificate;
    private (DateTime, DateTime) _written;

    /// <exception cref="IOException">The files cannot be read, or are no certificate and its key.</exception>
    public ServingCertificate(string certificatePath, string keyPath, ILogger log, TimeSpan? look = null)
    {
        (_certificatePath, _keyPath, _log) = (certificatePath, keyPath, log);
        _written = Written();
        _certificate = Load();
        _timer = new Timer(_ => Reload(), null, look ?? s_look, look ?? s_look);
    }

    /// <summary>Serves TLS 1.2 and 1.3 with it, HTTP/1.1 and HTTP/2.</summary>
    public void Use(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.UseHttps(new HttpsConnectionAdapterOptions
        {
            ServerCertificateSelector = (_, _) => _certificate,
            SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            HandshakeTimeout = TimeSpan.FromSeconds(10),
        });
    }

    public void Dispose()
    {
        _timer.Dispose();
        _certificate.Dispose();
    }

    private void Reload()
    {
        try
        {
            (DateTime, DateTime) written = Written();
            if (written == _written) return;
            _written = written;
            // Not disposed of: a handshake may still use the old one.
            _certificate = Load();
            Reloaded(_log, _certificate.Subject, _certificate.NotAfter);
        }
        catch (IOException e)
        {
            NotReloaded(_log, e.Message);
        }
    }

    private (DateTime, DateTime) Written() => (File.GetLastWriteTimeUtc(_certificatePath), File.GetLastWriteTimeUtc(_keyPath));

    private X509Certificate2 Load()
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPemFile(_certificatePath, _keyPath);
            // Through PKCS#12: keys read from PEM are not usable by every TLS stack as they are.
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{_certificatePath} and {_keyPath} are no certificate and its key in PEM: {e.Message}", e);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "certificate of {subject}, good until {until}, is in use from now on")]
    private static partial void Reloaded(ILogger log, string subject, DateTime until);

    [LoggerMessage(Level = LogLevel.Error, Message = "the certificate stays as it was: {why}")]
    private static partial void NotReloaded(ILogger log, string why);
}
