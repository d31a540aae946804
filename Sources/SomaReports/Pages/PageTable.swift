/// A table of a page; a click on a heading sorts by that column.
public struct PageTable: Sendable {
  public struct Column: Sendable {
    public var title: String
    /// Whether it holds numbers, aligned at the right.
    public var isNumeric: Bool
    /// What the heading means, shown when it is pointed at.
    public var explanation: String?

    public init(_ title: String, isNumeric: Bool = true, explanation: String? = nil) {
      self.title = title
      self.isNumeric = isNumeric
      self.explanation = explanation
    }
  }

  public struct Cell: Sendable, ExpressibleByStringLiteral {
    public var text: String
    /// What the cell is sorted by; nil for its text.
    public var value: Double?
    /// The colour of the plots' series of this number, shown before the text.
    public var series: Int?
    public var isStrong: Bool

    public init(_ text: String, value: Double? = nil, series: Int? = nil, isStrong: Bool = false) {
      self.text = text
      self.value = value
      self.series = series
      self.isStrong = isStrong
    }

    public init(stringLiteral text: String) { self.init(text) }
  }

  public var columns: [Column]
  public var rows: [[Cell]]
  public var caption: String?

  public init(_ columns: [Column], rows: [[Cell]], caption: String? = nil) {
    self.columns = columns
    self.rows = rows
    self.caption = caption
  }

  var html: String {
    var result =
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"table\">\n<table class=\"sortable\">\n"
    if let caption { result += "<caption>\(caption.markupEscaped)</caption>\n" }
    result += "<thead><tr>"
    for column in columns {
      let explanation = column.explanation.map { " title=\"\($0.markupEscaped)\"" } ?? ""
      result += "<th scope=\"col\"\(column.isNumeric ? " class=\"n\"" : "")\(explanation)>"
      result += "<button type=\"button\">\(column.title.markupEscaped)</button></th>"
    }
    result += "</tr></thead>\n<tbody>\n"
    for row in rows {
      result += "<tr>"
      for (i, cell) in row.enumerated() {
        let tag = i == 0 ? "th" : "td"
        result += "<\(tag)\(i == 0 ? " scope=\"row\"" : "")"
        if i < columns.count, columns[i].isNumeric { result += " class=\"n\"" }
        if let value = cell.value, value.isFinite { result += " data-sort=\"\(value)\"" }
        result += ">"
        if let series = cell.series {
          result += "<span class=\"swatch w\(series % Palette.count)\"></span>"
        }
        let text = cell.text.markupEscaped
        result += (cell.isStrong ? "<strong>\(text)</strong>" : text) + "</\(tag)>"
      }
      result += "</tr>\n"
    }
    return result + "</tbody>\n</table>\n</div>\n"
  }
}
