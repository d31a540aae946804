import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning

struct RenderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render", abstract: "Render a fitted field: a picture of any size, a sound at any rate, a shape.",
    discussion: """
      The end of --out says what is written: .png, .jpg, .wav, .flac, .ogg, .obj.

      EXAMPLES
        soma render cat.soma --size 800x600 --out cat.png
        soma render bell.soma --rate 48000 --out bell.wav
        soma render bunny.soma --size 512 --angle 40 --out bunny.png
        soma render bunny.soma --slice 0.1 --out cut.png
        soma render bunny.soma --size 96 --out bunny.obj
      """)
  @Argument(help: "The fitted field.") var field: String
  @Option(
    help: ArgumentHelp(
      "Pixels: 512, or 800x600; nodes a side of a mesh. Default: as fitted, or 256.", valueName: "size"))
  var size: String?
  @Option(help: ArgumentHelp("Samples a second of a sound. Default: as fitted.", valueName: "hertz")) var rate: Int?
  @Option(help: ArgumentHelp("Cut a solid at this height instead of looking at it.", valueName: "z")) var slice: Double?
  @Option(help: "Degrees around a solid.") var angle = 30.0
  @Option(help: "Degrees above it.") var rise = 25.0
  @Option(help: ArgumentHelp("Where to write.", valueName: "file")) var out: String
  @OptionGroup(title: "Output") var output: OutputChoice

  private func lengths() throws -> [Int]? {
    guard let size else { return nil }
    let parts = try size.split(whereSeparator: { "x×,".contains($0) }).map { part in
      guard let n = Int(part), (2...16384).contains(n) else {
        throw ValidationError("\"\(part)\" is no number of pixels between 2 and 16384.")
      }
      return n
    }
    guard (1...2).contains(parts.count) else { throw ValidationError("--size reads as 512 or 800x600, not \(size).") }
    return parts
  }

  func validate() throws {
    _ = try lengths()
    if let rate, !(1...1_000_000).contains(rate) { throw ValidationError("--rate must be 1 to 1000000, not \(rate).") }
  }

  func run() throws {
    let saved = try SavedField.load(field)
    let lengths = try lengths()
    switch saved.description.signal {
    case .image(let width, let height, _):
      let w = lengths?[0] ?? width
      let h = lengths.map { $0.count == 2 ? $0[1] : max(2, w * height / width) } ?? height
      try write(saved.image(width: w, height: h))
    case .sound(let first, _, _, _): try saved.sound(rate: rate ?? first).write(to: out)
    case .shape(let dimensions, _):
      let side = lengths?[0] ?? 256
      if out.lowercased().hasSuffix(".obj") {
        let mesh = try saved.mesh(nodes: min(side, 256))
        guard !mesh.triangles.isEmpty else { throw FieldError("\(field): the field has no surface in [-1, 1]³") }
        try OBJ.write(mesh, to: out)
      } else if dimensions == 2 || slice != nil {
        try write(saved.slice(side: side, at: slice ?? 0))
      } else {
        try write(saved.traced(side: side, angle: angle, rise: rise))
      }
    }
    if !output.quiet { Terminal.note("Written: \(out)") }
  }

  private func write(_ image: Image) throws {
    let name = out.lowercased()
    if name.hasSuffix(".jpg") || name.hasSuffix(".jpeg") { return try image.writeJPEG(to: out) }
    guard name.hasSuffix(".png") else { throw DataError(out, "pictures are written as .png or .jpg") }
    try image.writePNG(to: out)
  }
}
