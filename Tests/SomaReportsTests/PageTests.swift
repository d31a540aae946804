import Foundation
import Testing

@testable import SomaReports

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct PageTests {
  private func page() -> Page {
    var page = Page(title: "A < B & \"C\"", subtitle: "sub</p><script>x()</script>")
    page.add(
      .heading("h<i>"), .paragraph("p & q"), .note("n"), .list(["one", "<b>two</b>"]), .code("let x = a < b"),
      .facts([("term", "value & more")]),
      .table(
        PageTable(
          [.init("name", isNumeric: false), .init("value", explanation: "an \"explanation\"")],
          rows: [[.init("<a>", series: 0), .init("1", value: 1)], ["b", .init("2", value: .nan)]])),
      .figures(
        [
          LineChart("one", xTitle: "x", yTitle: "y", [.init("s", x: [0, 1], y: [0, 1])]),
          LineChart("two", xTitle: "x", yTitle: "y", [.init("s", x: [0, 1], y: [0, 1])]),
        ], caption: "c"),
      .details(summary: "more", [.paragraph("inside")]))
    page.footer = "foot"
    return page
  }

  /// All of the page but its doctype and its void elements is XML.
  @Test func theBodyIsWellFormed() throws {
    let html = page().html
    let start = try #require(html.range(of: "<main>"))
    let end = try #require(html.range(of: "</main>"))
    let parser = XMLParser(data: Data(html[start.lowerBound..<end.upperBound].utf8))
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
  }

  @Test func textsCannotBecomeMarkup() {
    let html = page().html
    #expect(!html.contains("<script>x()"))
    #expect(!html.contains("<b>two"))
    #expect(html.contains("A &lt; B &amp; &quot;C&quot;"))
  }

  @Test func nothingIsAskedForFromOutside() {
    let html = page().html.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
    for word in ["http:", "https:", "//cdn", "@import", "url(http", "src="] { #expect(!html.contains(word), "\(word)") }
    #expect(html.contains("default-src 'none'"))
  }

  @Test func clippingAreasHaveDifferentNames() {
    let html = page().html
    #expect(html.contains("clipPath id=\"p1\"") && html.contains("clipPath id=\"p2\""))
  }

  @Test func cellsCarryWhatTheyAreSortedBy() {
    let html = page().html
    #expect(html.contains("data-sort=\"1.0\""))
    #expect(!html.contains("data-sort=\"nan\""))
  }
}
