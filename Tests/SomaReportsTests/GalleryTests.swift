import Foundation
import Testing

@testable import SomaReports

@Suite struct GalleryTests {
  private let gallery = Gallery(
    places: [-1, 0, 1],
    items: [
      .init(
        name: "step<1>", title: "Step & co", text: "where(x>=0, 1, 0)", group: "steps", tags: ["jumps", "bounded"],
        curve: [0, 1, 1]),
      .init(
        name: "line", title: "Line", text: "x", group: "lines", tags: [], curve: [-1, 0, 1],
        facts: [("source", "classical")]),
      .init(name: "layer", title: "Layer", text: "W*x", group: "lines", tags: ["trained"], curve: nil),
    ], groupTitle: "class")

  @Test func showsEachItemWithWhatItIsFoundBy() {
    var page = Page(title: "All")
    page.add(.gallery(gallery))
    let html = page.html
    #expect(html.components(separatedBy: "<article").count == 4)
    #expect(html.contains("data-group=\"steps\" data-tags=\"|jumps|bounded|\""))
    #expect(html.contains("step&lt;1&gt; step &amp; co where(x&gt;=0, 1, 0)"))
    #expect(html.contains("<option>lines</option>") && html.contains("value=\"trained\""))
    #expect(html.contains("3 of 3") && html.contains("querySelectorAll('.gallery')"))
    // Nothing is fetched, and pages without galleries carry none of it.
    #expect(!html.contains("src=\"http") && !html.contains("href=\"http"))
    #expect(!Page(title: "None").html.contains("gallery"))
  }

  @Test func jumpsAreNotDrawnAsLines() {
    var tall = gallery
    tall.items = [.init(name: "jump", title: "", text: "", group: "", tags: [], curve: [-1, 1, .nan])]
    let path = tall.html.split(separator: "class=\"curve\"")[1].prefix { $0 != "/" }
    #expect(path.filter { $0 == "M" }.count == 2 && !path.contains("L"))
    tall.items = [.init(name: "line", title: "", text: "", group: "", tags: [], curve: [0, 0.2, 0.4])]
    let line = tall.html.split(separator: "class=\"curve\"")[1].prefix { $0 != "/" }
    #expect(line.filter { $0 == "L" }.count == 2)
  }
}
