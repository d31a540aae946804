import ArgumentParser
import Foundation
import SomaData
import SomaReports

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "List the data sets, or look into one.", subcommands: [List.self, Show.self],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the data sets that have a name.")
    @OptionGroup(title: "Output") var output: OutputChoice

    private struct Row: Encodable {
      var name: String
      var summary: String
      var embedded: Bool
      var folders: [String]
    }

    func run() throws {
      let rows = DataSet.all.map {
        Row(name: $0.name, summary: $0.summary, embedded: $0.isEmbedded, folders: $0.directories)
      }
      if output.json {
        print(try jsonText(rows))
        return
      }
      var table = TextColumns(headings: ["name", "what", "where"])
      table.rows = rows.map { [$0.name, $0.summary, $0.embedded ? "embedded" : $0.folders.first ?? "$SOMA_DATA"] }
      for line in table.lines { print(line) }
      if !output.quiet {
        Terminal.note("Any .csv, .tsv or .npz file and any folder of images works too: soma data show PATH")
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what a data set holds: columns, kinds, missing values, classes.",
      discussion: """
        EXAMPLES
          soma data show iris
          soma data show prices.csv --target price
        """)
    @Argument(help: "A data set's name, a file or a folder.") var name: String
    @Option(help: ArgumentHelp("The column to predict, for tables.", valueName: "column")) var target: String?
    @OptionGroup(title: "Output") var output: OutputChoice

    private struct Column: Encodable {
      var name: String
      var kind: String
      var missing: Int
      var smallest: Double?
      var largest: Double?
      var mean: Double?
      var categories: [String]?
    }

    private struct Whole: Encodable {
      var name: String
      var description: String
      var samples: Int
      var testSamples: Int?
      var sampleShape: [Int]
      var classes: [String: Int]?
      var targets: [String]?
      var columns: [Column]?
    }

    func run() throws {
      var columns: [Column]?
      let lower = (name.hasSuffix(".gz") ? String(name.dropLast(3)) : name).lowercased()
      if [".csv", ".tsv", ".tab", ".data"].contains(where: lower.hasSuffix) {
        columns = try CSV.read(name).columns.map(describe)
      }
      let parts = try DataSet.open(name, target: target)
      let data = parts.train
      var classes: [String: Int]?
      var targets: [String]?
      switch data.target {
      case .classes(let labels, let names):
        classes = Dictionary(labels.map { (names[Int($0)], 1) }, uniquingKeysWith: +)
      case .values(_, let names): targets = names
      }
      let whole = Whole(
        name: data.name, description: data.description, samples: data.count, testSamples: parts.test?.count,
        sampleShape: data.sampleShape.dimensions, classes: classes, targets: targets, columns: columns)
      if output.json {
        print(try jsonText(whole))
        return
      }
      print(Terminal.bold(whole.name) + (whole.description.isEmpty ? "" : ": \(whole.description)"))
      print(
        "\(whole.samples) samples" + (whole.testSamples.map { " and \($0) for testing" } ?? "")
          + ", each of shape \(whole.sampleShape)")
      if let targets { print("predicts numbers: \(targets.joined(separator: ", "))") }
      if let classes {
        print(
          "classes: " + classes.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }.joined(separator: ", "))
      }
      if let columns {
        var table = TextColumns(
          headings: ["column", "kind", "missing", "smallest", "mean", "largest", "categories"],
          alignedRight: [2, 3, 4, 5])
        table.rows = columns.map { column in
          [
            column.name, column.kind, String(column.missing), column.smallest.map(short) ?? "",
            column.mean.map(short) ?? "",
            column.largest.map(short) ?? "",
            column.categories.map { $0.prefix(6).joined(separator: ", ") + ($0.count > 6 ? " … (\($0.count))" : "") }
              ?? "",
          ]
        }
        print("")
        for line in table.lines { print(line) }
      }
    }

    private func describe(_ column: TabularData.Column) -> Column {
      let known = column.values.filter { !$0.isNaN }
      let isNumeric = column.kind == .number || column.kind == .integer
      return Column(
        name: column.name, kind: column.kind.rawValue, missing: column.missingCount,
        smallest: isNumeric ? known.min() : nil,
        largest: isNumeric ? known.max() : nil,
        mean: isNumeric && !known.isEmpty ? known.reduce(0, +) / Double(known.count) : nil,
        categories: column.categories.isEmpty ? nil : column.categories)
    }
  }
}
