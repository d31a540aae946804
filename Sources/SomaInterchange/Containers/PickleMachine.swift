import SomaData

/// Reads the pickle of a PyTorch checkpoint without executing anything: a closed list of constructors is known, each as
/// data; any other is refused by its name. Values lie in one list and name each other by place, so that no nesting, however
/// deep, nests calls.
struct PickleMachine {
  enum Value {
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case text(String)
    case list(Int)
    case tuple(Int)
    case dictionary(Int)
    case constructor(Constructor)
    case storage(Storage)
    case tensor(View)
  }

  enum Constructor: Equatable {
    case orderedDictionary, tensor, parameter, size
    case storageType(ElementFormat)
  }

  struct Storage {
    var key: String
    var format: ElementFormat
    var count: Int
  }

  /// A strided view of a storage.
  struct View {
    var storage: Storage
    var offset: Int
    var lengths: [Int]
    var strides: [Int]
  }

  private(set) var lists: [[Value]] = []
  private(set) var dictionaries: [[(key: Value, value: Value)]] = []
  private var stack: [Value] = []
  private var marks: [Int] = []
  private var memo: [Int: Value] = [:]
  private var reader: ByteReader

  init(_ bytes: [UInt8], file: String) { reader = ByteReader(bytes, file: file) }

  private func fault(_ problem: String) -> DataError {
    DataError(reader.file, at: .entry("data.pkl", byte: reader.offset), problem)
  }

  private mutating func pop() throws -> Value {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      throw fault("takes a value that is not there")
    }
    return value
  }

  private mutating func popMark() throws -> [Value] {
    guard let mark = marks.popLast() else { throw fault("takes a mark that is not there") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func tuple(_ values: [Value]) -> Value {
    lists.append(values)
    return .tuple(lists.count - 1)
  }

  private mutating func text(_ count: Int) throws -> String {
    guard let text = String(validating: try reader.take(count, "a text"), as: UTF8.self) else {
      throw fault("a text is no UTF-8")
    }
    return text
  }

  private mutating func line() throws -> String {
    var bytes = [UInt8]()
    while true {
      let byte = try reader.littleEndian(UInt8.self, "a name")
      if byte == 10 { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
      guard bytes.count <= 1024 else { throw fault("a name has more than 1024 bytes") }
    }
  }

  /// Runs to the end and gives the value that is left.
  /// - Throws: `DataError` if the bytes are no pickle, or use what is not known here.
  mutating func run() throws -> Value {
    while true {
      let code = try reader.littleEndian(UInt8.self, "the pickle")
      switch code {
      case 0x80: _ = try reader.take(1, "the protocol")
      case 0x95: _ = try reader.take(8, "a frame")
      case UInt8(ascii: "."): return try pop()
      case UInt8(ascii: "("): marks.append(stack.count)
      case UInt8(ascii: "0"): _ = try pop()
      case UInt8(ascii: "1"): _ = try popMark()
      case UInt8(ascii: "2"):
        let value = try pop()
        stack += [value, value]
      case UInt8(ascii: "N"): stack.append(.none)
      case 0x88: stack.append(.bool(true))
      case 0x89: stack.append(.bool(false))
      case UInt8(ascii: "J"): stack.append(.int(Int(try reader.littleEndian(Int32.self, "a number"))))
      case UInt8(ascii: "K"): stack.append(.int(Int(try reader.littleEndian(UInt8.self, "a number"))))
      case UInt8(ascii: "M"): stack.append(.int(Int(try reader.littleEndian(UInt16.self, "a number"))))
      case 0x8A: try longNumber()
      case UInt8(ascii: "G"):
        stack.append(.double(Double(bitPattern: try reader.bigEndian(UInt64.self, "a number"))))
      case UInt8(ascii: "X"): stack.append(.text(try text(Int(try reader.littleEndian(UInt32.self, "a text")))))
      case 0x8C: stack.append(.text(try text(Int(try reader.littleEndian(UInt8.self, "a text")))))
      case UInt8(ascii: "B"):
        _ = try reader.take(Int(try reader.littleEndian(UInt32.self, "bytes")), "bytes")
        stack.append(.none)
      case UInt8(ascii: "C"):
        _ = try reader.take(Int(try reader.littleEndian(UInt8.self, "bytes")), "bytes")
        stack.append(.none)
      case UInt8(ascii: "q"): try store(Int(try reader.littleEndian(UInt8.self, "a place")))
      case UInt8(ascii: "r"): try store(Int(try reader.littleEndian(UInt32.self, "a place")))
      case 0x94: try store(memo.count)
      case UInt8(ascii: "h"): try recall(Int(try reader.littleEndian(UInt8.self, "a place")))
      case UInt8(ascii: "j"): try recall(Int(try reader.littleEndian(UInt32.self, "a place")))
      case UInt8(ascii: "]"), 0x8F:
        lists.append([])
        stack.append(.list(lists.count - 1))
      case UInt8(ascii: "l"):
        lists.append(try popMark())
        stack.append(.list(lists.count - 1))
      case UInt8(ascii: "a"): try append([try pop()])
      case UInt8(ascii: "e"), 0x90: try append(try popMark())
      case UInt8(ascii: ")"): stack.append(tuple([]))
      case UInt8(ascii: "t"): stack.append(tuple(try popMark()))
      case 0x85, 0x86, 0x87:
        let values = try (0x85...code).map { _ in try pop() }
        stack.append(tuple(values.reversed()))
      case UInt8(ascii: "}"):
        dictionaries.append([])
        stack.append(.dictionary(dictionaries.count - 1))
      case UInt8(ascii: "s"):
        let (value, key) = (try pop(), try pop())
        try set([key, value])
      case UInt8(ascii: "u"): try set(try popMark())
      case UInt8(ascii: "c"):
        let (module, name) = (try line(), try line())
        stack.append(.constructor(try constructor(module, name)))
      case 0x93:
        guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
          throw fault("a name is no text")
        }
        stack.append(.constructor(try constructor(module, name)))
      case UInt8(ascii: "Q"): stack.append(.storage(try storage(try pop())))
      case UInt8(ascii: "R"):
        let (arguments, function) = (try pop(), try pop())
        stack.append(try reduce(function, arguments))
      case UInt8(ascii: "b"):
        // An ordered dictionary's attributes (PyTorch's _metadata); nothing that tensors need.
        _ = try pop()
        guard case .dictionary? = stack.last else { throw fault("sets the state of an object that is not known here") }
      default:
        throw fault("the instruction 0x\(String(code, radix: 16)) is not one of those that checkpoints of tensors use")
      }
    }
  }

  private mutating func longNumber() throws {
    let count = Int(try reader.littleEndian(UInt8.self, "a number"))
    guard count <= 8 else { throw fault("a number of \(count) bytes") }
    let bytes = try reader.take(count, "a number")
    var value: UInt64 = bytes.last.map { $0 >= 128 ? .max : 0 } ?? 0
    for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
    stack.append(.int(Int(Int64(bitPattern: value))))
  }

  private mutating func store(_ place: Int) throws {
    guard stack.count > (marks.last ?? 0), let value = stack.last else {
      throw fault("keeps a value that is not there")
    }
    memo[place] = value
  }

  private mutating func recall(_ place: Int) throws {
    guard let value = memo[place] else { throw fault("recalls a value that was not kept") }
    stack.append(value)
  }

  private mutating func append(_ values: [Value]) throws {
    guard case .list(let place)? = stack.last else { throw fault("appends to what is no list") }
    lists[place] += values
  }

  private mutating func set(_ values: [Value]) throws {
    guard case .dictionary(let place)? = stack.last, values.count % 2 == 0 else {
      throw fault("sets items of no dictionary")
    }
    for i in stride(from: 0, to: values.count, by: 2) { dictionaries[place].append((values[i], values[i + 1])) }
  }

  private func constructor(_ module: String, _ name: String) throws -> Constructor {
    switch "\(module).\(name)" {
    case "collections.OrderedDict": return .orderedDictionary
    case "torch._utils._rebuild_tensor_v2": return .tensor
    case "torch._utils._rebuild_parameter": return .parameter
    case "torch.Size": return .size
    case "torch.DoubleStorage": return .storageType(.float64)
    case "torch.FloatStorage": return .storageType(.float32)
    case "torch.HalfStorage": return .storageType(.float16)
    case "torch.BFloat16Storage": return .storageType(.bfloat16)
    case "torch.LongStorage": return .storageType(.int64)
    case "torch.IntStorage": return .storageType(.int32)
    case "torch.ShortStorage": return .storageType(.int16)
    case "torch.CharStorage": return .storageType(.int8)
    case "torch.ByteStorage": return .storageType(.uint8)
    case "torch.BoolStorage": return .storageType(.bool)
    default:
      throw fault("asks for \(quoted("\(module).\(name)")): only tensors are read, nothing is executed")
    }
  }

  /// The elements of a list or tuple.
  func elements(_ value: Value) -> [Value]? {
    switch value {
    case .list(let place), .tuple(let place): lists[place]
    default: nil
    }
  }

  private func storage(_ value: Value) throws -> Storage {
    guard let parts = elements(value), parts.count == 5, case .text("storage") = parts[0],
      case .constructor(.storageType(let format)) = parts[1], case .text(let key) = parts[2],
      case .int(let count) = parts[4],
      count >= 0
    else { throw fault("refers to what is no storage") }
    return Storage(key: key, format: format, count: count)
  }

  private mutating func reduce(_ function: Value, _ arguments: Value) throws -> Value {
    guard case .constructor(let constructor) = function, let parts = elements(arguments) else {
      throw fault("calls what is no function")
    }
    switch constructor {
    case .orderedDictionary:
      dictionaries.append([])
      guard let pairs = parts.first.flatMap({ elements($0) }) else { return .dictionary(dictionaries.count - 1) }
      for pair in pairs {
        guard let both = elements(pair), both.count == 2 else { throw fault("a dictionary's item is no pair") }
        dictionaries[dictionaries.count - 1].append((both[0], both[1]))
      }
      return .dictionary(dictionaries.count - 1)
    case .tensor:
      guard parts.count >= 4, case .storage(let storage) = parts[0], case .int(let offset) = parts[1],
        let lengths = integers(parts[2]), let strides = integers(parts[3])
      else { throw fault("a tensor's description is incomplete") }
      return .tensor(View(storage: storage, offset: offset, lengths: lengths, strides: strides))
    case .parameter:
      guard case .tensor(let view)? = parts.first else { throw fault("a parameter is no tensor") }
      return .tensor(view)
    case .size: return parts.first ?? tuple([])
    case .storageType: throw fault("makes a storage by itself")
    }
  }

  private func integers(_ value: Value) -> [Int]? {
    guard let parts = elements(value) else { return nil }
    let numbers = parts.compactMap { if case .int(let number) = $0 { number } else { nil } }
    return numbers.count == parts.count ? numbers : nil
  }
}
