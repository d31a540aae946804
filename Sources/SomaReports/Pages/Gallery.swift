import Foundation

/// Many small pictures of functions to browse: a search box, a choice of the group, boxes for properties. Without scripts
/// all are shown.
public struct Gallery: Sendable {
  public struct Item: Sendable {
    public var name: String
    public var title: String
    /// Shown in small print below the picture, such as a formula.
    public var text: String
    public var group: String
    /// Properties to filter by.
    public var tags: [String]
    /// The curve: values at the gallery's places; nil for what is no curve.
    public var curve: [Double]?
    /// Terms and what they stand for, folded away.
    public var facts: [(term: String, value: String)]
    /// What the picture is coloured by, 0 to 1.
    public var shade: Double?
    /// The address that the name leads to.
    public var link: String?

    public init(
      name: String, title: String, text: String, group: String, tags: [String], curve: [Double]?,
      facts: [(term: String, value: String)] = [], shade: Double? = nil, link: String? = nil
    ) {
      self.name = name
      self.title = title
      self.text = text
      self.group = group
      self.tags = tags
      self.curve = curve
      self.facts = facts
      self.shade = shade
      self.link = link
    }
  }

  /// The places of the curves, ascending.
  public var places: [Double]
  public var items: [Item]
  /// What groups are called.
  public var groupTitle: String

  public init(places: [Double], items: [Item], groupTitle: String) {
    self.places = places
    self.items = items
    self.groupTitle = groupTitle
  }

  private static let size = (width: 150.0, height: 90.0)

  var html: String {
    var (groups, tags): ([String], [String]) = ([], [])
    for item in items {
      if !groups.contains(item.group) { groups.append(item.group) }
      for tag in item.tags where !tags.contains(tag) { tags.append(tag) }
    }
    var result = "<div class=\"gallery\">\n<div class=\"controls\">\n"
    result += "<input type=\"search\" placeholder=\"name or formula\" aria-label=\"search\">\n"
    result +=
      "<select aria-label=\"\(groupTitle.markupEscaped)\"><option value=\"\">every \(groupTitle.markupEscaped)</option>"
    for group in groups { result += "<option>\(group.markupEscaped)</option>" }
    result += "</select>\n"
    for tag in tags.sorted() {
      let text = tag.markupEscaped
      result += "<label><input type=\"checkbox\" value=\"\(text)\">\(text)</label>\n"
    }
    result += "<output>\(items.count) of \(items.count)</output>\n</div>\n<div class=\"cards\">\n"
    for item in items { result += card(item) }
    return result + "</div>\n</div>\n"
  }

  private func card(_ item: Item) -> String {
    let search = "\(item.name) \(item.title) \(item.text)".lowercased()
    var result =
      "<article data-group=\"\(item.group.markupEscaped)\" data-tags=\"|\(item.tags.joined(separator: "|").markupEscaped)|\" data-text=\"\(search.markupEscaped)\">\n"
    let name = item.name.markupEscaped
    let heading = item.link.map { "<a href=\"\($0.markupEscaped)\">\(name)</a>" } ?? name
    result += "<h3 title=\"\(item.title.markupEscaped)\">\(heading)</h3>\n"
    if let curve = item.curve { result += picture(curve, label: item.name, shade: item.shade) }
    result += "<p><code>\(item.text.markupEscaped)</code></p>\n"
    if !item.facts.isEmpty {
      result += "<details><summary>\(item.title.markupEscaped)</summary><dl>"
      for fact in item.facts {
        result += "<div><dt>\(fact.term.markupEscaped)</dt><dd>\(fact.value.markupEscaped)</dd></div>"
      }
      result += "</dl></details>\n"
    }
    return result + "</article>\n"
  }

  /// A curve between -1 … 1, or as far as it goes within ±4.
  private func picture(_ curve: [Double], label: String, shade: Double?) -> String {
    let (width, height) = Self.size
    let finite = curve.filter(\.isFinite)
    let low = max(-4, min(-1, finite.min() ?? -1)) - 0.15
    let high = min(4, max(1, finite.max() ?? 1)) + 0.15
    let (first, last) = (places.first ?? 0, places.last ?? 1)
    func x(_ value: Double) -> Double { (value - first) / (last - first) * width }
    func y(_ value: Double) -> Double { (high - value) / (high - low) * height }
    func text(_ value: Double) -> String { formattedNumber(value, decimals: 1).replacing("−", with: "-") }
    var path = ""
    var before: Double?
    for (place, value) in zip(places, curve) {
      let isInside = value.isFinite && value >= low - (high - low) && value <= high + (high - low)
      // A step of more than half the picture is a jump, not a line.
      let continues = before.map { abs($0 - value) < (high - low) / 2 } ?? false
      if isInside { path += "\(continues ? "L" : "M")\(text(x(place))) \(text(y(value)))" }
      before = isInside ? value : nil
    }
    let colour = shade.map { " style=\"stroke:hsl(\(Int(120 * min(max($0, 0), 1))) 70% 42%)\"" } ?? ""
    return
      "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" aria-label=\"\(label.markupEscaped)\"><path class=\"axes\" d=\"M0 \(text(y(0)))H\(Int(width))M\(text(x(0))) 0V\(Int(height))\"/><path class=\"curve\"\(colour) d=\"\(path)\"/></svg>\n"
  }

  static let style = """
    .controls{display:flex;flex-wrap:wrap;gap:.4em .9em;align-items:center;position:sticky;top:0;background:var(--paper);padding:.6em 0;z-index:1;border-bottom:1px solid var(--rule)}
    .controls input[type=search]{flex:1 1 14em;font:inherit;padding:.3em .5em;color:inherit;background:var(--tint);border:1px solid var(--rule);border-radius:4px}
    .controls select{font:inherit;color:inherit;background:var(--tint);border:1px solid var(--rule);border-radius:4px;padding:.3em}
    .controls label{white-space:nowrap;font-size:.9rem}
    .controls output{color:var(--faint);margin-left:auto;font-size:.9rem}
    .cards{display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(160px,1fr));margin:1em 0}
    .cards article{border:1px solid var(--rule);border-radius:6px;padding:8px;min-width:0;overflow:hidden}
    .cards article[hidden]{display:none}
    .cards h3{font-size:.92rem;margin:0 0 4px;overflow-wrap:anywhere}
    .cards svg{display:block;width:100%;height:auto;overflow:hidden}
    .cards p{margin:4px 0 0;font-size:.72rem;line-height:1.3;color:var(--faint);overflow-wrap:anywhere;max-height:4em;overflow:hidden}
    .cards details summary{font-size:.75rem;margin:4px 0 0;font-weight:400}
    .cards dl{display:block;font-size:.75rem;margin:4px 0 0}
    .cards dt{font-size:.7rem}
    .axes{stroke:var(--rule);fill:none}
    .curve{stroke:var(--link);fill:none;stroke-width:1.8;stroke-linejoin:round}
    """

  static let script = """
    document.querySelectorAll('.gallery').forEach(gallery => {
      const search = gallery.querySelector('input[type=search]');
      const group = gallery.querySelector('select');
      const boxes = [...gallery.querySelectorAll('input[type=checkbox]')];
      const cards = [...gallery.querySelectorAll('article')];
      const show = () => {
        const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
        const tags = boxes.filter(box => box.checked).map(box => '|' + box.value + '|');
        let count = 0;
        cards.forEach(card => {
          const fits = words.every(word => card.dataset.text.includes(word))
            && (!group.value || card.dataset.group === group.value)
            && tags.every(tag => card.dataset.tags.includes(tag));
          card.hidden = !fits;
          if (fits) count += 1;
        });
        gallery.querySelector('output').textContent = count + ' of ' + cards.length;
      };
      [search, group, ...boxes].forEach(control => control.addEventListener('input', show));
    });
    """
}
