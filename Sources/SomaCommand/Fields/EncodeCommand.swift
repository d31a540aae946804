import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaNetworks

struct EncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "Encode samples of a function as one vector, and read the function back.",
    discussion: """
      The vector has the same length whatever the number and the places of the samples, and is hardly changed by where they are dense \
      (hyper-dimensional function encoding, arXiv 2311.00187). Columns are scaled to 0…1, the target to -1…1.

      EXAMPLES
        soma encode samples.csv --decode 11           the function at 11 places of each column
        soma encode samples.csv --against others.csv  how alike two sampled functions are
        soma encode samples.csv --out vector.npz
      """)
  @Argument(help: "A table of numbers: places, and what is there.") var table: String
  @Option(help: ArgumentHelp("The column of values. Default: the last.", valueName: "column")) var target: String?
  @Option(help: "Components of the vector.") var size = 4096
  @Option(help: "How finely places are told apart: features narrower than 1/α of the range blur.") var alpha = 15.0
  @Option(help: "How finely values are told apart.") var beta = 2.5
  @Option(help: "Steps that make the vector forget where samples are dense; 0: the plain sum.") var refine = 200
  @Option(help: ArgumentHelp("Read it back at so many places of each column.", valueName: "count")) var decode: Int?
  @Option(help: ArgumentHelp("Compare with the samples of another table.", valueName: "table")) var against: String?
  @Option(help: ArgumentHelp("Write the vector.", valueName: "file.npz")) var out: String?
  @Option(help: "The seed of the random projections.") var seed = 0
  @OptionGroup(title: "Output") var output: OutputChoice

  func validate() throws {
    func check(_ isRight: Bool, _ message: String) throws { if !isRight { throw ValidationError(message) } }
    try check((64...1 << 20).contains(size), "--size must be 64 to 1048576, not \(size).")
    try check(alpha > 0 && alpha.isFinite && beta > 0 && beta.isFinite, "--alpha and --beta must be above 0.")
    try check((0...100_000).contains(refine), "--refine must be 0 to 100000, not \(refine).")
    try check((2...1_000_000).contains(decode ?? 2), "--decode must be 2 to 1000000.")
  }

  private struct Samples {
    var names: [String]
    var value: String
    var places: [[Double]]
    var values: [Double]
  }

  private func read(_ path: String) throws -> Samples {
    let table = try CSV.read(path)
    let value = try target.map { try table.column($0) } ?? table.columns.last
    guard let value, table.columns.count >= 2, table.rowCount > 0 else {
      throw DataError(path, "has no rows of places and values")
    }
    let others = table.columns.filter { $0.name != value.name }
    let all = others + [value]
    guard all.allSatisfy({ ($0.kind == .number || $0.kind == .integer) && $0.values.allSatisfy(\.isFinite) }) else {
      throw DataError(path, "a function's samples are numbers, none missing")
    }
    // All samples' vectors are in memory at once.
    guard table.rowCount * size <= 1 << 28 else {
      throw DataError(path, "\(table.rowCount) rows times \(size) components are too many; try a smaller --size")
    }
    return Samples(
      names: others.map(\.name), value: value.name,
      places: (0..<table.rowCount).map { i in others.map { $0.values[i] } }, values: value.values)
  }

  private struct Report: Encodable {
    var samples: Int
    var size: Int
    var worstFit: Double
    var similarity: Double?
  }

  func run() throws {
    let own = try read(table)
    let other = try against.map { try read($0) }
    if let other, other.names != own.names || other.value != own.value {
      throw DataError(against!, "its columns are not those of \(table)")
    }
    let everything = own.places + (other?.places ?? [])
    let low = own.names.indices.map { j in everything.map { $0[j] }.min()! }
    let high = own.names.indices.map { j in everything.map { $0[j] }.max()! }
    let values = own.values + (other?.values ?? [])
    let (least, largest) = (values.min()!, values.max()!)
    let spread = largest > least ? largest - least : 1
    let encoder = FunctionEncoder(
      inputDimension: own.names.count, size: size, alpha: alpha, beta: beta, key: Key(seed))
    func tensors(_ samples: Samples) -> (x: Tensor, y: Tensor) {
      let x = samples.places.flatMap { row in
        row.indices.map { Float(high[$0] > low[$0] ? (row[$0] - low[$0]) / (high[$0] - low[$0]) : 0) }
      }
      let y = samples.values.map { Float(2 * ($0 - least) / spread - 1) }
      return (Tensor(x, shape: [samples.values.count, own.names.count]), Tensor(y, shape: [y.count, 1]))
    }
    let refinement = refine == 0 ? FunctionEncoder.Refinement.none : .smallestBall(steps: refine)
    let (x, y) = tensors(own)
    let encoding = encoder.encode(x, y, refine: refinement)
    if let out { try NPZ.write(["real": encoding.real, "imaginary": encoding.imaginary], to: out) }
    let similarity = other.map { other in
      let (x, y) = tensors(other)
      // Both have norm 1.
      return encoding.inner(encoder.encode(x, y, refine: refinement)).scalar
    }
    if let decode {
      let axes = own.names.indices.map { _ in Tensor.linspace(0, 1, count: decode) }
      guard pow(Double(decode), Double(axes.count)) <= 1e6 else {
        throw DataError(table, "\(decode) places of each of \(axes.count) columns are more than a million")
      }
      let grid = Tensor.stack(Tensor.meshgrid(axes).map { $0.flattened() }, axis: 1)
      let n = grid.shape[0]
      print((own.names + [own.value, "confidence"]).joined(separator: ","))
      for begin in stride(from: 0, to: n, by: 1024) {
        let part = grid[begin..<min(begin + 1024, n)]
        let (found, sure) = encoder.decode(encoding, at: part)
        let (places, values, confidence) = (part.doubles, found.doubles, sure.doubles)
        for i in values.indices {
          let row = own.names.indices.map { j in low[j] + places[i * own.names.count + j] * (high[j] - low[j]) }
          let numbers = row + [least + (values[i] + 1) / 2 * spread]
          print(
            (numbers.map { String(format: "%.6g", $0) } + [String(format: "%.3f", confidence[i])]).joined(
              separator: ","))
        }
      }
      return
    }
    let report = Report(
      samples: own.values.count, size: size, worstFit: encoder.worstFit(encoding, x, y).scalar, similarity: similarity)
    if output.json { return print(try jsonText(report)) }
    print(
      "\(report.samples) samples in \(size) components; the sample that fits least: "
        + String(format: "%.3f", report.worstFit))
    if let similarity, let against { print(String(format: "similarity to %@: %.4f", against, similarity)) }
    if let out { print("written: \(out)") }
  }
}
