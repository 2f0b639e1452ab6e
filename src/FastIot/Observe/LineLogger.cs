using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace FastIot.Observe;

/// <summary>
/// Logs one line per event, as text or as a JSON object, straight to a writer: what was logged is out, even if the process ends next.
/// Exceptions take further lines in text, a member in JSON.
/// </summary>
public sealed class LineLoggerProvider(TextWriter output, bool json, TimeProvider? time = null) : ILoggerProvider
{
    private readonly bool _json = json;
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _lock = new();

    public ILogger CreateLogger(string categoryName) => new LineLogger(this, categoryName);

    public void Dispose()
    {
    }

    private void Write(string line)
    {
        lock (_lock)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    private sealed class LineLogger(LineLoggerProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            DateTimeOffset now = provider._time.GetUtcNow();
            string message = formatter(state, exception);
            provider.Write(provider._json ? Json(now, logLevel, message, state as IEnumerable, exception) : Text(now, logLevel, message, exception));
        }

        private static string Text(DateTimeOffset now, LogLevel level, string message, Exception? exception)
        {
            string line = string.Create(CultureInfo.InvariantCulture, $"{now:yyyy-MM-ddTHH:mm:ss.fffZ} {Name(level),-5} {message.ReplaceLineEndings(" ")}");
            return exception == null ? line : line + Environment.NewLine + exception;
        }

        private string Json(DateTimeOffset now, LogLevel level, string message, IEnumerable? state, Exception? exception)
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(buffer))
            {
                writer.WriteStartObject();
                writer.WriteString("time", now.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
                writer.WriteString("level", Name(level));
                writer.WriteString("category", category);
                writer.WriteString("message", message);
                if (state is IEnumerable<KeyValuePair<string, object?>> values)
                {
                    foreach ((string key, object? value) in values)
                    {
                        if (key != "{OriginalFormat}") writer.WriteString(key, Convert.ToString(value, CultureInfo.InvariantCulture));
                    }
                }

                if (exception != null) writer.WriteString("exception", exception.ToString());
                writer.WriteEndObject();
            }

            return Encoding.UTF8.GetString(buffer.WrittenSpan);
        }

        private static string Name(LogLevel level) => level switch
        {
            LogLevel.Trace => "trace",
            LogLevel.Debug => "debug",
            LogLevel.Information => "info",
            LogLevel.Warning => "warn",
            LogLevel.Error => "error",
            _ => "fatal",
        };
    }
}
