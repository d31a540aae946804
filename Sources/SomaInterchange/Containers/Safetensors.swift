import Foundation
import Soma
import SomaData

/// Hugging Face's file of named tensors: a length, a JSON header, then the elements. The file is mapped: a tensor's bytes are
/// read when it is asked for. (https://huggingface.co/docs/safetensors)
public struct Safetensors: Sendable {
  struct Entry: Sendable {
    var format: ElementFormat
    var shape: Shape
    var range: Range<Int>
  }

  public let metadata: [String: String]
  /// The tensors' names, sorted.
  public let names: [String]
  private let entries: [String: Entry]
  private let content: Data
  private let file: String

  /// - Throws: `DataError` if the file is unreadable, its header is malformed, or tensors overlap or leave gaps.
  public static func read(_ path: String) throws -> Safetensors {
    let size = try fileSize(path)
    guard size > 0 else { throw DataError(path, "is empty") }
    do {
      return try Safetensors(try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped), file: path)
    } catch let error as DataError {
      throw error
    } catch {
      throw DataError(path, "cannot be read (\(error.localizedDescription))")
    }
  }

  public static func decode(_ bytes: [UInt8], file: String) throws -> Safetensors {
    try Safetensors(Data(bytes), file: file)
  }

  /// The largest header that the format allows, in bytes.
  private static let headerLimit = 100_000_000

  private init(_ content: Data, file: String) throws {
    guard content.count >= 8 else { throw DataError(file, at: .byte(0), "the file ends in the header's length") }
    let length = content.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(Self.headerLimit), Int(length) <= content.count - 8 else {
      throw DataError(file, at: .byte(0), "a header of \(length) bytes does not fit a file of \(content.count)")
    }
    let start = 8 + Int(length)
    let header = content[content.startIndex + 8..<content.startIndex + start]
    guard header.first == UInt8(ascii: "{"), let object = try? JSONSerialization.jsonObject(with: header),
      let table = object as? [String: Any]
    else { throw DataError(file, at: .byte(8), "the header is no JSON object") }
    var metadata = [String: String]()
    var entries = [String: Entry]()
    for (name, value) in table {
      if name == "__metadata__" {
        guard let texts = value as? [String: String] else {
          throw DataError(file, at: .byte(8), "__metadata__ does not map text to text")
        }
        metadata = texts
        continue
      }
      entries[name] = try Self.entry(name, value, room: content.count - start, file: file)
    }
    let ordered = entries.sorted {
      ($0.value.range.lowerBound, $0.value.range.upperBound) < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }
    var end = 0
    for (name, entry) in ordered {
      guard entry.range.lowerBound == end else {
        throw DataError(
          file, at: .entry(name, byte: nil),
          "begins at byte \(entry.range.lowerBound) of the data, but the tensor before it ends at \(end)")
      }
      end = entry.range.upperBound
    }
    guard end == content.count - start else {
      throw DataError(file, at: .byte(start + end), "\(content.count - start - end) bytes belong to no tensor")
    }
    self.metadata = metadata
    self.entries = entries.mapValues {
      Entry(format: $0.format, shape: $0.shape, range: $0.range.lowerBound + start..<$0.range.upperBound + start)
    }
    names = entries.keys.sorted()
    self.content = content
    self.file = file
  }

  private static func entry(_ name: String, _ value: Any, room: Int, file: String) throws -> Entry {
    let place = DataError.Place.entry(name, byte: nil)
    guard let fields = value as? [String: Any], let type = fields["dtype"] as? String,
      let lengths = integers(fields["shape"]), let offsets = integers(fields["data_offsets"]), offsets.count == 2
    else { throw DataError(file, at: place, "its header lacks dtype, shape or data_offsets") }
    guard let format = formats[type] else { throw DataError(file, at: place, "elements of type \(quoted(type))") }
    guard lengths.count <= 64, lengths.allSatisfy({ $0 >= 0 }),
      let count = checkedProduct(lengths.map { Swift.max($0, 1) }), count < 1 << 50
    else { throw DataError(file, at: place, "a shape of \(lengths.prefix(8)) is impossible") }
    let shape = Shape(lengths)
    guard offsets[0] >= 0, offsets[1] >= offsets[0], offsets[1] <= room else {
      throw DataError(file, at: place, "lies at bytes \(offsets[0]) to \(offsets[1]) of \(room)")
    }
    let wanted = (shape.elementCount * format.bits + 7) / 8
    guard offsets[1] - offsets[0] == wanted else {
      throw DataError(
        file, at: place, "\(type) of shape \(shape) takes \(wanted) bytes, not \(offsets[1] - offsets[0])")
    }
    return Entry(format: format, shape: shape, range: offsets[0]..<offsets[1])
  }

  private static func integers(_ value: Any?) -> [Int]? {
    guard let list = value as? [Any] else { return nil }
    let numbers = list.compactMap { element -> Int? in
      guard let number = element as? NSNumber, let exact = Int(exactly: number.doubleValue) else { return nil }
      return exact
    }
    return numbers.count == list.count ? numbers : nil
  }

  private static let formats: [String: ElementFormat] = [
    "F64": .float64, "F32": .float32, "F16": .float16, "BF16": .bfloat16, "I64": .int64, "I32": .int32, "I16": .int16,
    "I8": .int8, "U8": .uint8, "U16": .uint16, "U32": .uint32, "U64": .uint64, "BOOL": .bool, "F8_E4M3": .float8E4M3,
    "F8_E5M2": .float8E5M2, "F8_E8M0": .float8E8M0, "F4": .float4E2M1,
  ]

  /// The shape of a tensor; nil if there is none of that name.
  public func shape(of name: String) -> Shape? { entries[name]?.shape }

  /// A tensor, its elements in the type of Soma that holds them: half precision becomes `float32`, `int16` and `uint16`
  /// become `int32`, `uint32` and `uint64` become `int64`.
  /// - Throws: `DataError` if there is none of that name, or a number does not fit.
  public func tensor(_ name: String) throws -> Tensor {
    guard let entry = entries[name] else { throw DataError(file, "has no tensor named \(quoted(name))") }
    let bytes = content[content.startIndex + entry.range.lowerBound..<content.startIndex + entry.range.upperBound]
    do {
      return try entry.format.decode(bytes, entry.shape)
    } catch {
      throw DataError(file, at: .entry(name, byte: nil), "\(error)")
    }
  }

  /// All tensors.
  public func tensors() throws -> [String: Tensor] {
    try Dictionary(uniqueKeysWithValues: names.map { ($0, try tensor($0)) })
  }

  /// Writes tensors so that readers see the old file or the whole new one.
  /// - Throws: `DataError` if the file cannot be written.
  public static func write(_ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String) throws {
    guard tensors["__metadata__"] == nil else { throw DataError(path, "no tensor can be named __metadata__") }
    // Wide elements first, so that all are aligned.
    let ordered = tensors.sorted { ($1.value.dtype.size, $0.key) < ($0.value.dtype.size, $1.key) }
    var table = [String: Any]()
    if !metadata.isEmpty { table["__metadata__"] = metadata }
    var offset = 0
    for (name, tensor) in ordered {
      let bytes = tensor.count * tensor.dtype.size
      table[name] = [
        "dtype": typeName(tensor.dtype), "shape": tensor.shape.dimensions, "data_offsets": [offset, offset + bytes],
      ]
      offset += bytes
    }
    do {
      var header = try JSONSerialization.data(withJSONObject: table, options: [.sortedKeys, .withoutEscapingSlashes])
      while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
      try writeParts(to: path) { write in
        try write(littleEndianBytes(UInt64(header.count)))
        try write([UInt8](header))
        for (_, tensor) in ordered { try write(tensor.bytes) }
      }
    } catch let error as DataError {
      throw error
    } catch {
      throw DataError(path, "cannot be written (\(error.localizedDescription))")
    }
  }

  private static func typeName(_ dtype: DType) -> String {
    switch dtype {
    case .float32: "F32"
    case .float64: "F64"
    case .int32: "I32"
    case .int64: "I64"
    case .bool: "BOOL"
    case .int8: "I8"
    case .uint8: "U8"
    case .bfloat16: "BF16"
    }
  }
}

/// Writes a file piece by piece under another name, then gives it its own.
func writeParts(to path: String, _ body: ((([UInt8]) throws -> Void)) throws -> Void) throws {
  let partial = path + ".partial-\(UUID().uuidString)"
  guard FileManager.default.createFile(atPath: partial, contents: nil),
    let handle = FileHandle(forWritingAtPath: partial)
  else { throw DataError(path, "cannot be written") }
  do {
    try body { try handle.write(contentsOf: Data($0)) }
    try handle.synchronize()
    try handle.close()
    guard rename(partial, path) == 0 else { throw DataError(path, "cannot be written") }
  } catch {
    try? handle.close()
    try? FileManager.default.removeItem(atPath: partial)
    throw error
  }
}
