import Foundation
import Soma
import SomaData

/// The file of llama.cpp: settings, then tensors, many of them quantized in blocks. Reading gives `float32` for quantized
/// ones. (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md)
public struct GGUF: Sendable {
  /// A setting.
  public indirect enum Value: Sendable, Equatable {
    case int(Int64)
    case double(Double)
    case bool(Bool)
    case text(String)
    case list([Value])
  }

  struct Entry: Sendable {
    var kind: GGUFBlock
    var shape: Shape
    var offset: Int
    var byteCount: Int
  }

  public let version: Int
  public let settings: [String: Value]
  /// The tensors' names in the file's order.
  public let names: [String]
  private let entries: [String: Entry]
  private let content: Data
  private let file: String

  /// - Throws: `DataError` if the file is unreadable or damaged.
  public static func read(_ path: String) throws -> GGUF {
    guard try fileSize(path) > 0 else { throw DataError(path, "is empty") }
    do {
      return try GGUF(try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped), file: path)
    } catch let error as DataError {
      throw error
    } catch {
      throw DataError(path, "cannot be read (\(error.localizedDescription))")
    }
  }

  public static func decode(_ bytes: [UInt8], file: String) throws -> GGUF { try GGUF(Data(bytes), file: file) }

  private init(_ content: Data, file: String) throws {
    var reader = MappedReader(content, file: file)
    guard try Array(reader.take(4, "the magic number")) == Array("GGUF".utf8) else {
      throw DataError(file, at: .byte(0), "is not a GGUF file: it does not start with GGUF")
    }
    version = Int(try reader.number(UInt32.self, "the version"))
    guard version == 2 || version == 3 else {
      throw DataError(file, at: .byte(4), "version \(version) is neither 2 nor 3 (or the byte order is another)")
    }
    let tensorCount = try reader.count("the number of tensors", each: 24)
    let settingCount = try reader.count("the number of settings", each: 12)
    var settings = [String: Value]()
    for _ in 0..<settingCount {
      let key = try reader.text("a setting's name")
      let kind = try reader.number(UInt32.self, "a setting's type")
      guard settings.updateValue(try reader.value(kind, depth: 0), forKey: key) == nil else {
        throw DataError(file, at: .byte(reader.offset), "two settings are named \(quoted(key))")
      }
    }
    var alignment = 32
    if case .int(let given)? = settings["general.alignment"] {
      guard given > 0, given <= 1 << 20 else { throw DataError(file, "an alignment of \(given) bytes") }
      alignment = Int(given)
    }
    var list: [(String, Entry)] = []
    for _ in 0..<tensorCount {
      let name = try reader.text("a tensor's name")
      list.append((name, try Self.entry(&reader, name)))
    }
    let start = (reader.offset + alignment - 1) / alignment * alignment
    var entries = [String: Entry]()
    for (name, entry) in list {
      guard entry.offset % alignment == 0, entry.offset <= content.count, start <= content.count - entry.offset,
        entry.byteCount <= content.count - entry.offset - start
      else {
        throw DataError(file, at: .entry(name, byte: nil), "its \(entry.byteCount) bytes lie outside the file")
      }
      var moved = entry
      moved.offset += start
      guard entries.updateValue(moved, forKey: name) == nil else {
        throw DataError(file, at: .entry(name, byte: nil), "two tensors have this name")
      }
    }
    self.settings = settings
    self.entries = entries
    names = list.map(\.0)
    self.content = content
    self.file = file
  }

  private static func entry(_ reader: inout MappedReader, _ name: String) throws -> Entry {
    let rank = Int(try reader.number(UInt32.self, "a tensor's rank"))
    guard rank <= 8 else { throw DataError(reader.file, at: .byte(reader.offset), "a tensor with \(rank) axes") }
    var lengths = [Int]()
    for _ in 0..<rank {
      let length = try reader.number(UInt64.self, "a tensor's shape")
      guard length < 1 << 40 else { throw DataError(reader.file, at: .byte(reader.offset), "an axis of \(length)") }
      lengths.append(Int(length))
    }
    let code = try reader.number(UInt32.self, "a tensor's type")
    let offset = try reader.number(UInt64.self, "a tensor's place")
    let place = DataError.Place.entry(name, byte: nil)
    guard let kind = GGUFBlock(code: code) else {
      throw DataError(reader.file, at: place, "blocks of type \(code) are not read")
    }
    guard checkedProduct(lengths.map { Swift.max($0, 1) } + [8]) != nil, offset < 1 << 60,
      (lengths.first ?? 1) % kind.elements == 0
    else { throw DataError(reader.file, at: place, "a shape of \(lengths) is impossible for its type") }
    // The file counts the innermost axis first.
    let shape = Shape(Array(lengths.reversed()))
    return Entry(
      kind: kind, shape: shape, offset: Int(offset), byteCount: shape.elementCount / kind.elements * kind.bytes)
  }

  public func shape(of name: String) -> Shape? { entries[name]?.shape }

  /// A tensor, row-major with the file's innermost axis last.
  /// - Throws: `DataError` if there is none of that name.
  public func tensor(_ name: String) throws -> Tensor {
    guard let entry = entries[name] else { throw DataError(file, "has no tensor named \(quoted(name))") }
    let start = content.startIndex + entry.offset
    let bytes = content[start..<start + entry.byteCount]
    if let format = entry.kind.format {
      do {
        return try format.decode(bytes, entry.shape)
      } catch {
        throw DataError(file, at: .entry(name, byte: nil), "\(error)")
      }
    }
    return Tensor(entry.kind.values(Array(bytes)), shape: entry.shape)
  }
}

/// A cursor over mapped bytes that cannot leave them.
private struct MappedReader {
  let content: Data
  let file: String
  private(set) var offset = 0

  init(_ content: Data, file: String) {
    self.content = content
    self.file = file
  }

  mutating func take(_ count: Int, _ what: String) throws -> Data {
    guard count >= 0, count <= content.count - offset else {
      throw DataError(file, at: .byte(offset), "the file ends in \(what)")
    }
    defer { offset += count }
    return content[content.startIndex + offset..<content.startIndex + offset + count]
  }

  mutating func number<Number: FixedWidthInteger>(_ type: Number.Type, _ what: String) throws -> Number {
    try take(MemoryLayout<Number>.size, what).reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }

  /// How many of something follow, each of which takes some bytes at least.
  mutating func count(_ what: String, each: Int) throws -> Int {
    let count = try number(UInt64.self, what)
    guard count <= UInt64((content.count - offset) / each) else {
      throw DataError(file, at: .byte(offset), "\(what), \(count), is too large for the file")
    }
    return Int(count)
  }

  mutating func text(_ what: String) throws -> String {
    let length = try count("the length of \(what)", each: 1)
    guard let text = String(validating: try take(length, what), as: UTF8.self) else {
      throw DataError(file, at: .byte(offset), "\(what) is no UTF-8")
    }
    return text
  }

  mutating func value(_ kind: UInt32, depth: Int) throws -> GGUF.Value {
    let what = "a setting"
    switch kind {
    case 0: return .int(Int64(try number(UInt8.self, what)))
    case 1: return .int(Int64(try number(Int8.self, what)))
    case 2: return .int(Int64(try number(UInt16.self, what)))
    case 3: return .int(Int64(try number(Int16.self, what)))
    case 4: return .int(Int64(try number(UInt32.self, what)))
    case 5: return .int(Int64(try number(Int32.self, what)))
    case 6: return .double(Double(Float(bitPattern: try number(UInt32.self, what))))
    case 7: return .bool(try number(UInt8.self, what) != 0)
    case 8: return .text(try text("a setting's text"))
    case 9:
      guard depth < 4 else { throw DataError(file, at: .byte(offset), "lists nested too deep") }
      let inner = try number(UInt32.self, what)
      let length = try count("a list's length", each: 1)
      var values = [GGUF.Value]()
      for _ in 0..<length { values.append(try value(inner, depth: depth + 1)) }
      return .list(values)
    case 10:
      let number = try number(UInt64.self, what)
      guard let fitting = Int64(exactly: number) else {
        throw DataError(file, at: .byte(offset), "a number of \(number)")
      }
      return .int(fitting)
    case 11: return .int(try number(Int64.self, what))
    case 12: return .double(Double(bitPattern: try number(UInt64.self, what)))
    default: throw DataError(file, at: .byte(offset), "a setting of type \(kind)")
    }
  }
}
