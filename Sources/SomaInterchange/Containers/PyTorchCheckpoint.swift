import Soma
import SomaData

/// The tensors of a PyTorch checkpoint (`torch.save`, the zip form of version 1.6 and newer). Nothing in the file is
/// executed. Names of nested dictionaries and lists are joined by points; values that are no tensors are left out.
public enum PyTorchCheckpoint {
  /// - Parameter limit: the largest content, in bytes.
  /// - Throws: `DataError` if the file is damaged, in the older form, or holds objects other than tensors, numbers, text and
  ///   containers.
  public static func read(_ path: String, limit: Int = 64 << 30) throws -> [String: Tensor] {
    try decode(try readFile(path), file: path, limit: limit)
  }

  public static func decode(_ bytes: [UInt8], file: String, limit: Int = 64 << 30) throws -> [String: Tensor] {
    guard bytes.starts(with: [0x50, 0x4B]) else {
      throw DataError(file, at: .byte(0), "is no zip archive; checkpoints of PyTorch before 1.6 are not read")
    }
    var entries = [String: [UInt8]]()
    for entry in try Zip.read(bytes, file: file, limit: limit) { entries[entry.name] = entry.bytes }
    guard let pickle = entries.keys.sorted().first(where: { $0.hasSuffix("/data.pkl") }), let program = entries[pickle]
    else {
      throw DataError(file, "is no checkpoint: it has no entry data.pkl")
    }
    let root = String(pickle.dropLast("data.pkl".count))
    if let order = entries[root + "byteorder"], !order.elementsEqual("little".utf8) {
      throw DataError(file, "has another byte order than little-endian")
    }
    var machine = PickleMachine(program, file: file)
    let value = try machine.run()
    var found = [String: Tensor]()
    // Views of one storage share it; what they take together stays within a small multiple of the file.
    var budget = 8 * bytes.count + 1 << 20
    var work: [(name: String, value: PickleMachine.Value, depth: Int)] = [("", value, 0)]
    var steps = 0
    while let (name, value, depth) = work.popLast() {
      steps += 1
      guard depth <= 32, steps <= 10_000_000 else { throw DataError(file, "its containers are nested too deep") }
      let prefix = name.isEmpty ? "" : name + "."
      switch value {
      case .tensor(let view):
        found[name] = try tensor(view, name, root, entries, &budget, file: file)
      case .dictionary(let place):
        for (key, item) in machine.dictionaries[place] {
          switch key {
          case .text(let text): work.append((prefix + text, item, depth + 1))
          case .int(let number): work.append((prefix + String(number), item, depth + 1))
          default: continue
          }
        }
      case .list(let place), .tuple(let place):
        for (i, item) in machine.lists[place].enumerated() { work.append((prefix + String(i), item, depth + 1)) }
      case .none, .bool, .int, .double, .text, .constructor, .storage: continue
      }
    }
    return found
  }

  private static func tensor(
    _ view: PickleMachine.View, _ name: String, _ root: String, _ entries: [String: [UInt8]], _ budget: inout Int,
    file: String
  ) throws -> Tensor {
    let place = DataError.Place.entry(name, byte: nil)
    let format = view.storage.format
    guard let bytes = entries[root + "data/" + view.storage.key] else {
      throw DataError(file, at: place, "its storage \(quoted(view.storage.key)) is missing")
    }
    let width = format.bits / 8
    guard view.storage.count <= bytes.count / width else {
      throw DataError(file, at: place, "its storage has \(bytes.count) bytes for \(view.storage.count) elements")
    }
    let lengths = view.lengths
    guard lengths.count == view.strides.count, lengths.count <= 64, lengths.allSatisfy({ $0 >= 0 }),
      view.strides.allSatisfy({ $0 >= 0 && ($0 <= bytes.count || lengths.contains(0)) }),
      view.offset >= 0,
      view.offset <= view.storage.count,
      let count = checkedProduct(lengths.map { Swift.max($0, 1) }), count <= budget / width
    else { throw DataError(file, at: place, "a shape of \(lengths.prefix(8)) is impossible for its storage") }
    let shape = Shape(lengths)
    let size = shape.elementCount
    budget -= size * width
    let last = size == 0 ? 0 : zip(lengths, view.strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
    guard size == 0 || view.offset + last < view.storage.count else {
      throw DataError(file, at: place, "reaches past the end of its storage")
    }
    do {
      if shape.strides == view.strides || size <= 1 || isDense(lengths, view.strides) {
        return try format.decode(bytes[view.offset * width..<(view.offset + size) * width], shape)
      }
      let whole = try format.decode(bytes[..<(view.storage.count * width)], [view.storage.count])
      var places = [Int64](repeating: Int64(view.offset), count: 1)
      for (length, stride) in zip(lengths, view.strides) {
        places = places.flatMap { start in (0..<length).map { start + Int64($0 * stride) } }
      }
      return whole.take(Tensor(places)).reshape(shape)
    } catch let error as UnfitNumber {
      throw DataError(file, at: place, error.description)
    }
  }

  /// Whether the view is row-major where it matters: axes of length 1 may have any stride.
  private static func isDense(_ lengths: [Int], _ strides: [Int]) -> Bool {
    var expected = 1
    for (length, stride) in zip(lengths, strides).reversed() where length != 1 {
      if stride != expected { return false }
      expected *= length
    }
    return true
  }
}
