import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaInterchange

struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed",
    abstract: "Turn texts into vectors with a pretrained sentence encoder.",
    discussion: """
      The folder has the Hugging Face layout: config.json, model.safetensors, tokenizer.json (such as all-MiniLM-L6-v2).

      EXAMPLES
        soma embed all-MiniLM-L6-v2 "a cat" "a kitten" "a car"      the texts' similarities
        soma embed all-MiniLM-L6-v2 --file lines.txt --out vectors.npy
      """)

  @Argument(help: "The model's folder.") var model: String
  @Argument(help: "Texts.") var texts: [String] = []
  @Option(
    help: ArgumentHelp(
      "A file with one text a line; with one JSON string a line if it ends in .jsonl.", valueName: "file")) var file:
    String?
  @Option(help: ArgumentHelp("Where to write the vectors, [texts, width].", valueName: "file.npy")) var out: String?
  @Option(help: "Texts that go through the network together.") var batch = 32
  @Option(help: "Embed this many times and print texts a second.") var repeats: Int?
  @OptionGroup(title: "Output") var output: OutputChoice

  func validate() throws {
    guard batch > 0 else { throw ValidationError("--batch must be at least 1, not \(batch).") }
    guard repeats ?? 1 > 0 else { throw ValidationError("--repeats must be at least 1.") }
    guard file != nil || !texts.isEmpty else { throw ValidationError("Give texts, or --file FILE.") }
  }

  func run() throws {
    var lines = texts
    if let file { lines += try textLines(file) }
    guard !lines.isEmpty else { throw DataError(file ?? "", "holds no text") }
    let embedder = try SentenceEmbedder.read(model)
    let vectors = embedder.embed(lines, batchSize: batch)
    if let out { try NPY.write(vectors, to: out) }
    if let repeats {
      let start = ContinuousClock.now
      for _ in 0..<repeats { _ = embedder.embed(lines, batchSize: batch) }
      let rate = Double(lines.count * repeats) / (ContinuousClock.now - start).inSeconds
      return print(output.json ? try jsonText(["textsPerSecond": rate]) : String(format: "%.1f texts a second", rate))
    }
    if output.json {
      let width = vectors.shape[1]
      let numbers = vectors.floats
      return print(try jsonText(lines.indices.map { Array(numbers[$0 * width..<($0 + 1) * width]) }))
    }
    guard out == nil else {
      if !output.quiet { Terminal.note("\(lines.count) vectors of \(vectors.shape[1]) numbers: \(out ?? "")") }
      return
    }
    let unit = vectors / vectors.norm([-1], keepsAxes: true)
    let likeness = unit.matmul(unit.T).floats
    var table = TextColumns(headings: ["text"] + lines.indices.map { "\($0 + 1)" }, alignedRight: Set(1...lines.count))
    table.rows = lines.indices.map { i in
      ["\(i + 1) \(oneLine(String(lines[i].prefix(40))))"]
        + lines.indices.map { String(format: "%.3f", likeness[i * lines.count + $0]) }
    }
    for line in table.lines { print(line) }
  }
}
