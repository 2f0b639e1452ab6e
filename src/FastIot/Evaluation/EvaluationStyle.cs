namespace FastIot.Evaluation;

internal static class EvaluationStyle
{
    /// <summary>Colours of the lines are Okabe and Ito's, told apart by the colour-blind, and lighter ones of them; strong lines are models.</summary>
    public const string Css = """
        :root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--quiet:#5b6570;--rule:#d9dee3;--card:#f4f6f8;--heat:0,114,178}
        @media(prefers-color-scheme:dark){:root{--bg:#12161b;--fg:#e6e9ec;--quiet:#98a2ad;--rule:#2b333c;--card:#1b2129;--heat:86,180,233}}
        *{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,"DejaVu Sans",sans-serif}
        main{max-width:1000px;margin:0 auto;padding:16px}h1{font-size:1.6em;margin:.2em 0}h2{font-size:1.15em;margin:1.6em 0 .3em}
        p{margin:.3em 0}.quiet{color:var(--quiet);font-size:.92em}ul{padding-left:1.2em}section{margin-bottom:8px}
        .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px}.card{background:var(--card);border-radius:8px;padding:10px 12px;display:flex;flex-direction:column}
        .card b{font-size:1.7em;line-height:1.2}.card.main b{color:rgb(var(--heat))}.card span{font-size:.9em}.card small{color:var(--quiet)}
        .scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9em;font-variant-numeric:tabular-nums}th,td{padding:5px 10px;text-align:left;border-bottom:1px solid var(--rule);white-space:nowrap}
        tbody th{font-weight:400;position:sticky;left:0;background:var(--bg);white-space:normal;min-width:9.5em;max-width:16em}tr.model th,tr.model td{font-weight:600}td small,th small{color:var(--quiet);font-weight:400}
        .heat{background:rgba(var(--heat),calc(var(--h)*.55))}.heat small{color:inherit;opacity:.75}
        svg{width:100%;height:auto;max-width:760px;display:block}svg text{fill:var(--quiet);font-size:11px}svg .label{fill:var(--fg);font-size:12px}
        .grid{stroke:var(--rule);fill:none}.line{fill:none;stroke-width:1.4;stroke-linejoin:round;opacity:.9}.line.strong{stroke-width:3;opacity:1}.reference{stroke:var(--quiet);stroke-dasharray:2 4}
        .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:16px}figure{margin:0}figcaption{color:var(--quiet);font-size:.9em}
        .legend{list-style:none;padding:0;margin:6px 0;display:flex;flex-wrap:wrap;gap:4px 16px;font-size:.88em}.legend i{display:inline-block;width:18px;height:0;border-top-width:2px;border-top-style:solid;margin-right:6px;vertical-align:middle}.legend i.strong{border-top-width:4px}
        .s0{stroke:#0072b2;border-color:#0072b2}.s1{stroke:#d55e00;border-color:#d55e00}.s2{stroke:#009e73;border-color:#009e73}.s3{stroke:#cc79a7;border-color:#cc79a7}
        .s4{stroke:#e69f00;border-color:#e69f00}.s5{stroke:#56b4e9;border-color:#56b4e9}.s6{stroke:#8c8c8c;border-color:#8c8c8c}.s7{stroke:#a6761d;border-color:#a6761d}
        .s8{stroke:#7570b3;border-color:#7570b3}.s9{stroke:#e7298a;border-color:#e7298a}.s10{stroke:#66a61e;border-color:#66a61e}.s11{stroke:#c8b400;border-color:#c8b400}
        """;
}
