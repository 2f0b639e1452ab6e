using System.Globalization;
using System.Text.Json;

namespace FastIot.Scoring;

/// <summary>A value of a model.json that knows where it stands, so that every complaint names file and place.</summary>
internal readonly struct ManifestElement(JsonElement json, string file, string where)
{
    private readonly JsonElement _json = json;

    /// <summary>This value, an object that holds all of <paramref name="members"/>, perhaps some <paramref name="optional"/> ones, and no others.</summary>
    public ManifestElement Object(ReadOnlySpan<string> members, params ReadOnlySpan<string> optional)
    {
        Require(JsonValueKind.Object, "an object");
        foreach (JsonProperty property in _json.EnumerateObject())
        {
            if (!members.Contains(property.Name) && !optional.Contains(property.Name))
                throw Fault($"has the unknown member \"{property.Name}\"; known are {string.Join(", ", [.. members, .. optional])}");
        }

        foreach (string member in members)
        {
            if (!_json.TryGetProperty(member, out _)) throw Fault($"lacks the member \"{member}\"");
        }

        return this;
    }

    public ManifestElement this[string member] =>
        new(_json.GetProperty(member), file, where.Length == 0 ? member : $"{where}.{member}");

    public bool Has(string member) => _json.TryGetProperty(member, out _);

    /// <summary>Text of a member that is an object, its content left alone; an empty object where it is missing.</summary>
    public string FreeForm(string member)
    {
        if (!_json.TryGetProperty(member, out _)) return "{}";
        ManifestElement value = this[member];
        value.Require(JsonValueKind.Object, "an object");
        return value._json.GetRawText();
    }

    public string Text()
    {
        Require(JsonValueKind.String, "a string");
        return _json.GetString()!;
    }

    public int Int()
    {
        Require(JsonValueKind.Number, "a whole number");
        return _json.TryGetInt32(out int value) ? value : throw Fault("is not a whole number of 32 bits");
    }

    public int Int(int least)
    {
        int value = Int();
        return value >= least ? value : throw Fault($"is {value}; the least is {least}");
    }

    public double Number()
    {
        Require(JsonValueKind.Number, "a number");
        return _json.TryGetDouble(out double value) && double.IsFinite(value) ? value : throw Fault("is not a finite number");
    }

    public T[] Array<T>(Func<ManifestElement, T> element)
    {
        Require(JsonValueKind.Array, "an array");
        var values = new T[_json.GetArrayLength()];
        for (int i = 0; i < values.Length; i++)
            values[i] = element(new ManifestElement(_json[i], file, string.Create(CultureInfo.InvariantCulture, $"{where}[{i}]")));
        return values;
    }

    public ModelException Fault(string what) => new($"{file} cannot be used: {(where.Length == 0 ? "the document" : where)} {what}");

    private void Require(JsonValueKind kind, string name)
    {
        if (_json.ValueKind != kind) throw Fault($"is not {name}");
    }
}
