/// The style sheet and the script of every page.
enum PageStyle {
  static let sheet: String = {
    let swatches = Palette.light.enumerated().map { ".w\($0.offset){background:\($0.element)}" }.joined()
    let dark = Palette.dark.enumerated().map { ".w\($0.offset){background:\($0.element)}" }.joined()
    return """
      :root{--paper:#fff;--ink:#1d2127;--faint:#5c6570;--rule:#dfe3e8;--tint:#f5f7f9;--note:#fff6e0;--edge:#e69f00;--link:#0072b2}
      @media screen and (prefers-color-scheme:dark){
      :root{--paper:#16181c;--ink:#e9ebee;--faint:#a3adb8;--rule:#363c44;--tint:#1f2329;--note:#2b2618;--edge:#e69f00;--link:#56b4e9}
      }
      *{box-sizing:border-box}
      html{-webkit-text-size-adjust:100%}
      body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 \(Drawing.fonts)}
      main{max-width:1160px;margin:0 auto;padding:20px 16px 48px}
      h1{font-size:1.6rem;line-height:1.2;margin:.4em 0 .2em;overflow-wrap:anywhere}
      h2{font-size:1.15rem;margin:2em 0 .6em}
      p,li{max-width:46em;overflow-wrap:anywhere}
      .subtitle{color:var(--faint);margin:.2em 0 1.2em}
      .note{background:var(--note);border-left:3px solid var(--edge);padding:.6em .9em;border-radius:0 4px 4px 0}
      figure{margin:1em 0}
      figcaption{color:var(--faint);font-size:.88rem;max-width:52em;margin-top:.5em}
      .plots{display:grid;gap:20px;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr))}
      .plot{min-width:0;max-width:620px}
      .soma-plot{display:block;width:100%;height:auto}
      .scroll{overflow-x:auto;margin:1em 0;border:1px solid var(--rule);border-radius:6px}
      table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
      caption{caption-side:bottom;text-align:left;color:var(--faint);font-size:.88rem;padding:.5em .7em}
      th,td{padding:.45em .7em;text-align:left;white-space:nowrap;border-bottom:1px solid var(--rule)}
      tbody tr:last-child>*{border-bottom:0}
      .n{text-align:right}
      thead th{background:var(--tint);font-weight:600;vertical-align:bottom}
      thead button{all:unset;cursor:pointer;white-space:normal}
      thead button:focus-visible{outline:2px solid var(--link);outline-offset:2px}
      th[aria-sort=ascending] button::after{content:" ▲";font-size:.7em}
      th[aria-sort=descending] button::after{content:" ▼";font-size:.7em}
      tbody th{font-weight:500;position:sticky;left:0;background:var(--paper)}
      .swatch{display:inline-block;width:.7em;height:.7em;border-radius:2px;margin-right:.5em;print-color-adjust:exact;-webkit-print-color-adjust:exact}
      \(swatches)
      @media screen and (prefers-color-scheme:dark){\(dark)}
      dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,250px),1fr));gap:.6em 1.6em;margin:1em 0}
      dt{color:var(--faint);font-size:.85rem}
      dd{margin:0;overflow-wrap:anywhere}
      pre{background:var(--tint);padding:.8em 1em;border-radius:6px;overflow-x:auto;font-size:.88rem}
      summary{cursor:pointer;font-weight:600;margin:1em 0 .4em}
      footer{margin-top:3em;padding-top:1em;border-top:1px solid var(--rule);color:var(--faint);font-size:.85rem;overflow-wrap:anywhere}
      @media (max-width:600px){main{padding:12px 12px 32px}h1{font-size:1.35rem}th,td{padding:.4em .55em}}
      @media print{
      body{font-size:10.5pt}main{max-width:none;padding:0}
      .plots{grid-template-columns:1fr 1fr}.plot,tr{break-inside:avoid}h2{break-after:avoid}
      .scroll{overflow:visible;border:0}table{font-size:8pt}th,td{padding:.3em .4em;white-space:normal}
      th[aria-sort] button::after{content:none!important}pre{white-space:pre-wrap}
      }
      """
  }()

  static let script = """
    document.addEventListener('click', event => {
      const heading = event.target.closest('table.sortable thead th');
      if (!heading) return;
      const body = heading.closest('table').tBodies[0];
      const column = heading.cellIndex;
      const down = heading.getAttribute('aria-sort') === 'ascending';
      heading.parentElement.querySelectorAll('th').forEach(other => other.removeAttribute('aria-sort'));
      heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const key = row => {
        const cell = row.cells[column];
        return 'sort' in cell.dataset ? Number(cell.dataset.sort) : cell.textContent;
      };
      const compare = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (typeof x === 'number' && typeof y === 'number') return x - y;
        return String(x).localeCompare(String(y), undefined, {numeric: true});
      };
      const rows = [...body.rows].sort((a, b) => down ? compare(b, a) : compare(a, b));
      body.append(...rows);
    });
    window.addEventListener('beforeprint', () => {
      document.querySelectorAll('details').forEach(part => { part.open = true; });
    });
    """
}
