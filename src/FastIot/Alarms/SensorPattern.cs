using System.Globalization;

namespace FastIot.Alarms;

/// <summary>A pattern of sensor ids: <c>*</c> stands for any run of characters, <c>?</c> for one; everything else for itself.</summary>
internal sealed class SensorPattern
{
    private const int MaxStars = 8;

    private readonly string _pattern;

    /// <exception cref="FormatException"/>
    public SensorPattern(string pattern)
    {
        if (pattern.Length == 0) throw new FormatException("a pattern of sensors is empty; * stands for all");
        if (pattern.Count(c => c == '*') > MaxStars) throw new FormatException($"\"{pattern}\" has more than {MaxStars} stars");
        _pattern = pattern;
    }

    public bool Matches(string text) => Match(text, stackalloc (int, int)[MaxStars]) >= 0;

    /// <summary>Fills in what the stars stand for: <c>{1}</c> for the first, and so on.</summary>
    /// <returns>Null where the pattern does not match.</returns>
    public string? Fill(string text, string template)
    {
        Span<(int Start, int End)> found = stackalloc (int, int)[MaxStars];
        int stars = Match(text, found);
        if (stars < 0) return null;
        string filled = template;
        for (int i = 0; i < stars; i++) filled = filled.Replace("{" + (i + 1).ToString(CultureInfo.InvariantCulture) + "}", text[found[i].Start..found[i].End], StringComparison.Ordinal);
        return filled;
    }

    /// <summary>Every star takes as little as it can; only the last one met is ever widened, so that the work is bounded by the product of the lengths.</summary>
    /// <returns>Stars whose places are known; −1 for no match.</returns>
    private int Match(string text, Span<(int Start, int End)> found)
    {
        int at = 0, place = 0, star = -1, stars = 0;
        while (place < text.Length)
        {
            if (at < _pattern.Length && _pattern[at] == '*')
            {
                star = at++;
                found[stars++] = (place, place);
            }
            else if (at < _pattern.Length && (_pattern[at] == '?' || _pattern[at] == text[place]))
            {
                at++;
                place++;
            }
            else if (star >= 0)
            {
                at = star + 1;
                place = ++found[stars - 1].End;
            }
            else
            {
                return -1;
            }
        }

        for (; at < _pattern.Length && _pattern[at] == '*'; at++) found[stars++] = (place, place);
        return at == _pattern.Length ? stars : -1;
    }
}
