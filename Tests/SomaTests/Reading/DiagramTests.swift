import Foundation
import Testing

@testable import Soma

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Pictures of graphs: well-formed SVG that shows the layers, the shapes and every wire.
@Suite struct DiagramTests {
  /// What a parser sees in an SVG file.
  private final class Reader: NSObject, XMLParserDelegate {
    var elements: [(name: String, attributes: [String: String])] = []
    var texts: [String] = []
    private var text = ""

    static func read(_ svg: String) -> Reader? {
      let reader = Reader()
      let parser = XMLParser(data: Data(svg.utf8))
      parser.delegate = reader
      return parser.parse() ? reader : nil
    }

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      elements.append((name, attributes))
      text = ""
    }
    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
      if name == "text" { texts.append(text) }
    }
    func count(_ name: String, _ kind: String) -> Int {
      elements.filter { $0.name == name && $0.attributes["class"] == kind }.count
    }
  }

  /// Two layers, a residual path around the second, and a head.
  private static var network: Graph {
    Graph(tracing: [[32, 64], [64, 48], [48, 48], [48, 10]].map { TensorType(shape: $0) }) { x in
      let hidden = scoped("stem") { x[0].matmul(x[1]).maximum(0) }
      let inner = scoped("block") { scoped("block/body") { hidden.matmul(x[2]).tanh() } }
      let sum = scoped("block") { hidden + inner }
      return [scoped("head") { sum.matmul(x[3]) }]
    }
  }

  @Test func layersAndShapesAreShown() throws {
    let diagram = Diagram(Self.network, depth: 1)
    #expect(diagram.boxes.map(\.title) == ["input", "stem", "block", "head", "output"])
    #expect(diagram.boxes.map(\.detail)[1...3] == ["dot · maximum", "dot · tanh · add", "dot"])
    let picture = try #require(Reader.read(diagram.svg()))
    #expect(picture.elements.first?.name == "svg")
    for text in ["input", "stem", "block", "head", "output", "[32, 64]", "[32, 48]", "[32, 10]", "float32[32, 64]"] {
      #expect(picture.texts.contains(text), "\(text) is missing")
    }
    #expect(picture.count("rect", "box") == 5 && picture.count("path", "wire") == 4)
  }

  @Test func dotNamesBoxesAndWires() {
    let diagram = Diagram(Self.network, depth: 1)
    let lines = diagram.dot().split(separator: "\n")
    #expect(lines.first == "digraph network {" && lines.last == "}")
    #expect(lines.count { $0.contains(" -> ") } == diagram.boxes.reduce(0) { $0 + $1.sources.count })
    #expect(lines.count { $0.hasPrefix("  b") && !$0.contains(" -> ") } == diagram.boxes.count)
    #expect(lines.contains { $0.contains(" -> ") && $0.contains("float32") })
    // Every line but the braces ends, and quotes come in pairs.
    #expect(lines.dropFirst().dropLast().allSatisfy { $0.hasSuffix(";") && $0.count { $0 == "\"" } % 2 == 0 })
  }

  @Test func deeperScopesShowMoreBoxes() {
    let titles = Diagram(Self.network, depth: 2).boxes.map(\.title)
    #expect(titles.contains("block/body") && titles.contains("block"))
    let operations = Diagram(Self.network, depth: nil).boxes.map(\.title)
    #expect(operations == ["input", "dot", "maximum", "dot", "tanh", "add", "dot", "output"])
  }

  /// Every wire leads downwards, and no box covers another.
  @Test(arguments: [nil, 1, 2])
  func boxesDoNotOverlap(_ depth: Int?) throws {
    let graph = Graph(tracing: [[4, 4], [4, 4]].map { TensorType(shape: $0) }) { x in
      let parts = (0..<4).map { i in scoped("branch \(i)") { (x[0] * Double(i + 2)).sin().matmul(x[1]) } }
      let joined = scoped("join") { Tensor.concatenate(parts, axis: 1) }
      return [scoped("out") { joined.sum([1]) + x[0].sum([1]) }, parts[2]]
    }
    let picture = try #require(Reader.read(Diagram(graph, depth: depth, inputs: [0: "x", 1: "w"]).svg()))
    let boxes = picture.elements.filter { $0.name == "rect" }.map { element in
      ["x", "y", "width", "height"].map { Double(element.attributes[$0] ?? "") ?? .nan }
    }
    #expect(boxes.count > 5)
    let size = try #require(picture.elements[0].attributes["viewBox"]).split(separator: " ").compactMap { Double($0) }
    for (i, a) in boxes.enumerated() {
      #expect(a[0] >= 0 && a[1] >= 0 && a[0] + a[2] <= size[2] && a[1] + a[3] <= size[3])
      for b in boxes[..<i] {
        let apart = a[0] + a[2] <= b[0] || b[0] + b[2] <= a[0] || a[1] + a[3] <= b[1] || b[1] + b[3] <= a[1]
        #expect(apart, "\(a) covers \(b)")
      }
    }
  }

  @Test func namesThatAreMarkupAreEscaped() throws {
    let graph = Graph(tracing: [TensorType(shape: [2])]) { x in
      [scoped("a<b>&\"c\"") { x[0].sin() }]
    }
    let picture = try #require(Reader.read(Diagram(graph, inputs: [0: "<in> & out"]).svg()))
    #expect(picture.texts.contains("a<b>&\"c\"") && picture.texts.contains("<in> & out"))
  }

  @Test func inputsWithoutNamesAreLeftOut() {
    let all = Diagram(Self.network, depth: 1, inputs: [0: "image", 3: "weights"])
    #expect(all.boxes.map(\.title) == ["image", "weights", "stem", "block", "head", "output"])
    #expect(all.boxes[4].sources.map(\.box) == [3, 1])
  }
}
