import Soma

/// A self-contained HTML page: no file and no address outside of it is ever asked for.
///
/// ```swift
/// var page = Page(title: "Digits")
/// page.add(.heading("Result"), .paragraph("All are above 95 %."), .figures([chart]))
/// try page.html.write(toFile: "page.html", atomically: true, encoding: .utf8)
/// ```
public struct Page: Sendable {
  /// A part of a page. Texts are plain: all their characters are shown as they are.
  public enum Block: Sendable {
    case heading(String)
    case paragraph(String)
    /// A remark to be noticed.
    case note(String)
    case list([String])
    case table(PageTable)
    /// Plots side by side where there is room.
    case figures([any Plot], caption: String? = nil)
    /// A graph as boxes and wires.
    case diagram(Diagram, caption: String? = nil)
    /// Small pictures of functions, to search and to filter.
    case gallery(Gallery)
    /// Terms and what they stand for.
    case facts([(term: String, value: String)])
    case code(String)
    /// A part that is folded away until wanted; shown in print.
    case details(summary: String, [Block])
  }

  public var title: String
  public var subtitle: String?
  public var blocks: [Block] = []
  /// The last line.
  public var footer: String?

  public init(title: String, subtitle: String? = nil) {
    self.title = title
    self.subtitle = subtitle
  }

  public mutating func add(_ blocks: Block...) { self.blocks += blocks }

  /// What a page of another kind needs beside `content`: the style sheet.
  public static let styleSheet = [PageStyle.sheet, Gallery.style, Palette.darkRules].joined(separator: "\n")

  /// And the script that sorts tables and filters galleries.
  public static let script = [PageStyle.script, Gallery.script].joined(separator: "\n")

  /// Title (if there is one), blocks and last line, without the document around them.
  public var content: String {
    var plots = 0
    var result = title.isEmpty ? "" : "<h1>\(title.markupEscaped)</h1>\n"
    if let subtitle { result += "<p class=\"subtitle\">\(subtitle.markupEscaped)</p>\n" }
    for block in blocks { result += Self.render(block, &plots) }
    if let footer { result += "<footer>\(footer.markupEscaped)</footer>\n" }
    return result
  }

  /// The document.
  public var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta http-equiv="Content-Security-Policy" \
    content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
    <link rel="icon" href="data:,">
    <title>\(title.markupEscaped)</title>
    <style>
    \(PageStyle.sheet)
    \(hasGallery ? Gallery.style : "")
    \(Palette.darkRules)
    </style>
    </head>
    <body>
    <main>
    \(content)</main>
    <script>
    \(PageStyle.script)
    \(hasGallery ? Gallery.script : "")
    </script>
    </body>
    </html>

    """
  }

  private var hasGallery: Bool { blocks.contains { if case .gallery = $0 { true } else { false } } }

  private static func render(_ block: Block, _ plots: inout Int) -> String {
    switch block {
    case .heading(let text): return "<h2>\(text.markupEscaped)</h2>\n"
    case .paragraph(let text): return "<p>\(text.markupEscaped)</p>\n"
    case .note(let text): return "<p class=\"note\">\(text.markupEscaped)</p>\n"
    case .list(let items):
      return "<ul>\n" + items.map { "<li>\($0.markupEscaped)</li>\n" }.joined() + "</ul>\n"
    case .table(let table): return table.html
    case .figures(let figures, let caption):
      var result = "<figure>\n<div class=\"plots\">\n"
      for plot in figures {
        plots += 1
        result += "<div class=\"plot\">\(plot.element(id: "p\(plots)"))</div>\n"
      }
      result += "</div>\n"
      if let caption { result += "<figcaption>\(caption.markupEscaped)</figcaption>\n" }
      return result + "</figure>\n"
    case .diagram(let diagram, let caption):
      let text = caption.map { "<figcaption>\($0.markupEscaped)</figcaption>\n" } ?? ""
      return
        "<figure>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"diagram\">\(diagram.svg())</div>\n\(text)</figure>\n"
    case .gallery(let gallery): return gallery.html
    case .facts(let facts):
      let rows = facts.map { "<div><dt>\($0.term.markupEscaped)</dt><dd>\($0.value.markupEscaped)</dd></div>\n" }
      return "<dl>\n" + rows.joined() + "</dl>\n"
    case .code(let text): return "<pre><code>\(text.markupEscaped)</code></pre>\n"
    case .details(let summary, let blocks):
      let inner = blocks.map { render($0, &plots) }.joined()
      return "<details>\n<summary>\(summary.markupEscaped)</summary>\n\(inner)</details>\n"
    }
  }
}
