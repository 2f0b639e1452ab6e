using System.Globalization;
using System.Net;
using System.Text;

namespace FastIot.Evaluation;

/// <summary>A line of a plot.</summary>
/// <param name="Style">Number of the colour; −1 = a reference line.</param>
internal sealed record PlotLine(string Name, int Style, bool IsStrong, IReadOnlyList<CurvePoint> Points);

/// <summary>A line plot as SVG without a script: axes, a grid, lines; colours come from the page's style sheet.</summary>
internal sealed class SvgPlot(string title, string xLabel, string yLabel)
{
    private const int Width = 560, Height = 360, Left = 52, Right = 12, Top = 12, Bottom = 44;

    /// <summary>Ends of the axes; a logarithmic x axis must begin above 0.</summary>
    public (double Low, double High) X { get; init; } = (0, 1);

    public (double Low, double High) Y { get; init; } = (0, 1);

    public bool LogX { get; init; }

    public IReadOnlyList<double> XTicks { get; init; } = [0, .2, .4, .6, .8, 1];

    public IReadOnlyList<double> YTicks { get; init; } = [0, .2, .4, .6, .8, 1];

    public string Write(IReadOnlyList<PlotLine> lines)
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(title)}\">");
        foreach (double x in XTicks)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"grid\" d=\"M{Px(x):0.#} {Top}V{Height - Bottom}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Px(x):0.#}\" y=\"{Height - Bottom + 16}\" text-anchor=\"middle\">{x:0.###}</text>");
        }

        foreach (double y in YTicks)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"grid\" d=\"M{Left} {Py(y):0.#}H{Width - Right}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 6}\" y=\"{Py(y) + 4:0.#}\" text-anchor=\"end\">{y:0.##}</text>");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"label\" x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 6}\" text-anchor=\"middle\">{WebUtility.HtmlEncode(xLabel)}</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"label\" transform=\"rotate(-90)\" x=\"{-(Top + Height - Bottom) / 2}\" y=\"13\" text-anchor=\"middle\">{WebUtility.HtmlEncode(yLabel)}</text>");
        // The important ones last, so that they lie on top.
        foreach (PlotLine line in lines.OrderBy(l => l.IsStrong)) Line(svg, line);
        return svg.Append("</svg>").ToString();
    }

    private void Line(StringBuilder svg, PlotLine line)
    {
        var path = new StringBuilder();
        foreach (CurvePoint point in line.Points)
        {
            if (!double.IsFinite(point.X) || !double.IsFinite(point.Y) || point.X < X.Low || point.X > X.High) continue;
            path.Append(CultureInfo.InvariantCulture, $"{(path.Length == 0 ? 'M' : 'L')}{Px(point.X):0.#} {Py(Math.Clamp(point.Y, Y.Low, Y.High)):0.#}");
        }

        if (path.Length == 0) return;
        string style = line.Style < 0 ? "reference" : $"s{line.Style % 12}{(line.IsStrong ? " strong" : "")}";
        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"line {style}\" d=\"{path}\"><title>{WebUtility.HtmlEncode(line.Name)}</title></path>");
    }

    private double Px(double x)
    {
        double share = LogX ? Math.Log(Math.Max(x, X.Low) / X.Low) / Math.Log(X.High / X.Low) : (x - X.Low) / (X.High - X.Low);
        return Left + share * (Width - Left - Right);
    }

    private double Py(double y) => Height - Bottom - (y - Y.Low) / (Y.High - Y.Low) * (Height - Top - Bottom);
}
