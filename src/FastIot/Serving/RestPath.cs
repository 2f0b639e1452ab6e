using System.Globalization;

namespace FastIot.Serving;

/// <summary>What a path below /v1 asks for.</summary>
internal enum RestVerb
{
    Status,
    Metadata,
    Predict,
    Classify,
    Regress,
    /// <summary>Ours: raw readings of series in, scores out.</summary>
    Score,
}

/// <summary>A path of TensorFlow Serving's REST API, taken apart. Words are matched without case.</summary>
internal sealed record RestPath(string Name, long? Version, string? Label, RestVerb Verb)
{
    /// <param name="method">HTTP method.</param>
    /// <param name="path">As it came, still encoded, without the query.</param>
    /// <exception cref="ServingException">None of the API's paths.</exception>
    public static RestPath Parse(string method, string path)
    {
        ReadOnlySpan<char> rest = path;
        if (!Skip(ref rest, "/v1/models")) throw Malformed(method, path);
        bool get = method == "GET", post = method == "POST";
        if (rest.IsEmpty && get) throw ServingException.Invalid("Missing model name in request.");
        if (!Skip(ref rest, "/") || Word(ref rest) is not { Length: > 0 } name) throw Malformed(method, path);
        string? digits = null, label = null;
        if (Skip(ref rest, "/versions/"))
        {
            digits = Word(ref rest);
            if (digits.Length == 0 || !digits.All(char.IsAsciiDigit)) throw Malformed(method, path);
        }
        else if (Skip(ref rest, "/labels/"))
        {
            label = Word(ref rest);
            if (label.Length == 0) throw Malformed(method, path);
        }

        RestVerb verb = get ? GetVerb(rest) : post ? PostVerb(rest) : None;
        if (verb == None) throw Malformed(method, path);
        long? version = null;
        if (digits != null)
        {
            if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number)) throw ServingException.Invalid($"Failed to convert version: {digits} to numeric.");
            version = number;
        }

        return new RestPath(Decode(name), version, label == null ? null : Decode(label), verb);
    }

    private const RestVerb None = (RestVerb)(-1);

    private static RestVerb GetVerb(ReadOnlySpan<char> rest) =>
        rest.IsEmpty ? RestVerb.Status : rest.Equals("/metadata", StringComparison.OrdinalIgnoreCase) ? RestVerb.Metadata : None;

    private static RestVerb PostVerb(ReadOnlySpan<char> rest) => rest switch
    {
        _ when rest.Equals(":predict", StringComparison.OrdinalIgnoreCase) => RestVerb.Predict,
        _ when rest.Equals(":classify", StringComparison.OrdinalIgnoreCase) => RestVerb.Classify,
        _ when rest.Equals(":regress", StringComparison.OrdinalIgnoreCase) => RestVerb.Regress,
        _ when rest.Equals(":score", StringComparison.OrdinalIgnoreCase) => RestVerb.Score,
        _ => None,
    };

    private static bool Skip(ref ReadOnlySpan<char> rest, string word)
    {
        if (!rest.StartsWith(word, StringComparison.OrdinalIgnoreCase)) return false;
        rest = rest[word.Length..];
        return true;
    }

    /// <summary>Up to the next slash or colon.</summary>
    private static string Word(ref ReadOnlySpan<char> rest)
    {
        int length = rest.IndexOfAny('/', ':');
        if (length < 0) length = rest.Length;
        string word = rest[..length].ToString();
        rest = rest[length..];
        return word;
    }

    private static string Decode(string word) => word.Contains('%') ? Uri.UnescapeDataString(word) : word;

    private static ServingException Malformed(string method, string path) => ServingException.Invalid($"Malformed request: {method} {path}");
}
