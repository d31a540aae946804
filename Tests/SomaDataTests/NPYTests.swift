import Foundation
import Soma
import SomaData
import Testing

@Suite struct NPYTests {
  static let names: [(file: String, dtype: DType)] = [
    ("c-le-f4", .float32), ("c-le-f8", .float64), ("c-le-i4", .int32), ("c-le-i8", .int64), ("c-na-i1", .int8),
    ("c-le-f2", .float32), ("c-le-i2", .int32), ("c-be-f4", .float32), ("c-be-i8", .int64), ("c-be-f2", .float32),
    ("c-na-u1", .uint8), ("c-le-u2", .int32), ("c-le-u4", .int64), ("c-le-u8", .int64), ("fortran-f4", .float32),
  ]

  @Test(arguments: names) func readsWhatNumPyWrote(_ name: String, _ dtype: DType) throws {
    let tensor = try NPY.read(Golden.path("\(name).npy"))
    #expect(tensor.dtype == dtype && tensor.shape == [2, 3, 4])
    let unsigned = name.contains("-u")
    let floating = name.contains("f2") || name.contains("f4") || name.contains("f8")
    let expected = (0..<24).map { i -> Double in
      let value = Double(unsigned ? i : i - 5)
      return floating ? value / 2 : value
    }
    #expect(tensor.doubles == expected)
  }

  @Test func readsTheOtherForms() throws {
    #expect(try NPY.read(Golden.path("c-na-b1.npy")).bools == (0..<24).map { $0 % 3 == 0 })
    let half = try NPY.read(Golden.path("c-bfloat16.npy"))
    #expect(half.dtype == .bfloat16 && half.shape == [2, 3, 4])
    let values: [Float] = Array(stride(from: -2.5, to: 9.5, by: 0.5))
    #expect(half.bytes == values.flatMap { littleEndian(UInt16($0.bitPattern >> 16)) })
    let bigFortran = try NPY.read(Golden.path("fortran-be-i4.npy"))
    #expect(bigFortran.ints == Array(-5...9) && bigFortran.shape == [3, 5])
    let scalar = try NPY.read(Golden.path("scalar.npy"))
    #expect(scalar.shape == [] && scalar.doubles == [2.5])
    #expect(try NPY.read(Golden.path("empty.npy")).shape == [0, 3])
    for version in [2, 3] {
      #expect(try NPY.read(Golden.path("version-\(version).npy")).doubles == [-2.5, -2, -1.5, -1, -0.5])
    }
    let special = try NPY.read(Golden.path("half-specials.npy")).floats
    #expect(special[0] == .infinity && special[1] == -.infinity && special[2].isNaN && special[3] == 65504)
    #expect(special[4] == 0x1p-24 && special[5] == 0 && special[5].sign == .minus && special[6] == 0.333251953125)
  }

  @Test func writesTheSameBytesAsNumPy() throws {
    for name in ["c-le-f4", "c-le-f8", "c-le-i4", "c-le-i8", "c-na-b1", "c-na-i1", "c-na-u1", "c-bfloat16", "scalar"] {
      let bytes = try Golden.bytes("\(name).npy")
      let own = NPY.encode(try NPY.decode(bytes, file: name))
      // NumPy leaves room in the header for the first axis to grow; the length may differ, the dictionary may not.
      #expect(own.count % 64 == bytes.count % 64)
      let text = String(decoding: bytes[10...].prefix { $0 != UInt8(ascii: "}") }, as: UTF8.self)
      #expect(String(decoding: own[10...].prefix { $0 != UInt8(ascii: "}") }, as: UTF8.self) == text)
      #expect(own.suffix(20) == bytes.suffix(20))
    }
  }

  @Test func roundTripsEveryTypeAndRank() throws {
    for dtype in DType.allCases {
      for shape: Shape in [[], [0], [1], [7], [2, 0, 3], [2, 3], [2, 3, 1, 2, 2]] {
        let bytes = (0..<shape.elementCount * dtype.size).map { UInt8(dtype == .bool ? $0 % 2 : $0 * 7 % 256) }
        let tensor = Tensor(bytes: bytes, shape: shape, dtype: dtype)
        let back = try NPY.decode(NPY.encode(tensor), file: "f")
        #expect(back.dtype == dtype && back.shape == shape && back.bytes == bytes)
      }
    }
    try withTemporaryDirectory { directory in
      let path = "\(directory)/a.npy"
      try NPY.write(Tensor([Float(1), 2]), to: path)
      try NPY.write(Tensor([Float(3)]), to: path)
      #expect(try NPY.read(path).floats == [3])
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["a.npy"])
      #expect(throws: DataError.self) { try NPY.write(Tensor([Float(1)]), to: "\(directory)/none/a.npy") }
      #expect(throws: DataError.self) { try NPY.read(directory) }
      #expect(throws: DataError.self) { try NPY.read("\(directory)/none.npy") }
    }
  }

  /// A file of version 1.0 with the given header, and bytes after it.
  static func npy(_ header: String, _ content: [UInt8] = []) -> [UInt8] {
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    bytes += littleEndian(UInt16(header.utf8.count))
    return bytes + Array(header.utf8) + content
  }

  static func header(_ descriptor: String = "<f4", _ order: String = "False", _ shape: String = "(1,)") -> String {
    "{'descr': '\(descriptor)', 'fortran_order': \(order), 'shape': \(shape), }\n"
  }

  static let damages: [Damage] = {
    let good = npy(header(), [0, 0, 128, 63])
    let four: [UInt8] = [0, 0, 0, 0]
    return truncations(good) + [
      Damage("wrong magic", good.patched(0, [0x92]), "byte 0: is not a .npy file"),
      Damage("zip instead", [0x50, 0x4B, 3, 4, 0, 0], "is not a .npy file"),
      Damage("version 4", good.patched(6, [4]), "byte 6: version 4.0"),
      Damage("version 0", good.patched(6, [0]), "version 0.0"),
      Damage("version 1.1", good.patched(7, [1]), "version 1.1"),
      Damage("header too long", good.patched(8, [255, 255]), "the file ends in the header: 65535 bytes wanted"),
      Damage("4 GiB header", good.patched(6, [2, 0, 255, 255, 255, 255]), "ends in the header"),
      Damage("one byte more", good + [0], "5 bytes follow the header; shape [1] means 4 bytes"),
      Damage("one byte less", good.dropLast(), "3 bytes follow the header"),
      Damage("no dictionary", npy("hello", four), "malformed header: \"{\" expected"),
      Damage("empty header", npy("", four), "\"{\" expected"),
      Damage("dictionary open", npy("{'descr': '<f4'", four), "\"}\" expected"),
      Damage("string open", npy("{'descr: <f4", four), "a string does not end"),
      Damage("key without colon", npy("{'descr' '<f4'}", four), "\":\" expected"),
      Damage("missing keys", npy("{'descr': '<f4'}", four), "lacks one of"),
      Damage("unknown key", npy("{'evil': 1}", four), "unknown or repeated key \"evil\""),
      Damage("repeated key", npy("{'descr': '<f4', 'descr': '<f4'}", four), "repeated key \"descr\""),
      Damage("rest after it", npy(header() + "x", four), "something follows the dictionary"),
      Damage("objects", npy(header("|O"), four), "elements of type \"|O\" cannot be read"),
      Damage("unicode", npy(header("<U4"), four), "\"<U4\" cannot be read"),
      Damage("complex", npy(header("<c8"), four), "\"<c8\" cannot be read"),
      Damage("long double", npy(header("<f16"), four), "\"<f16\" cannot be read"),
      Damage("no byte order", npy(header("|f4"), four), "lack a byte order"),
      Damage("fields", npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", four), "several fields"),
      Damage("order maybe", npy(header("<f4", "Maybe"), four), "True or False expected"),
      Damage("order 1", npy(header("<f4", "1"), four), "True or False expected"),
      Damage("negative axis", npy(header("<f4", "False", "(-1,)"), four), "not negative"),
      Damage("axis of text", npy(header("<f4", "False", "(a,)"), four), "the length of an axis expected"),
      Damage("fraction", npy(header("<f4", "False", "(1.5,)"), four), "a tuple expected"),
      Damage("no tuple", npy(header("<f4", "False", "1"), four), "\"(\" expected"),
      Damage("comma missing", npy(header("<f4", "False", "(1)"), four), "lacks its comma"),
      Damage("axis over 2^63", npy(header("<f4", "False", "(9223372036854775808,)"), four), "below 2^63"),
      Damage("overflow", npy(header("<f4", "False", "(4294967296, 4294967296, 16)"), four), "means too many bytes"),
      Damage(
        "overflow with an empty axis", npy(header("<f4", "False", "(0, 4294967296, 4294967296)")), "too many bytes"),
      Damage("bytes overflow", npy(header("<f8", "False", "(4611686018427387904,)"), four), "means too many bytes"),
      Damage("64 GiB", npy(header("<f4", "False", "(17179869184,)"), four), "means 68719476736 bytes"),
      Damage("33 axes", npy(header("<f4", "False", "(" + String(repeating: "1, ", count: 33) + ")"), four), "32 axes"),
      Damage("truth value 2", npy(header("|b1", "False", "(4,)"), [1, 0, 2, 1]), "2 is not a truth value"),
      Damage("beyond Int64", npy(header("<u8"), [0, 0, 0, 0, 0, 0, 0, 255]), "does not fit a 64-bit"),
      Damage("line break in a type", npy(header("a\nb"), four), "\\n"),
    ]
  }()

  @Test func refusesDamage() throws {
    expectRefused(Self.damages, as: "f.npy") { try NPY.decode($0, file: "f.npy") }
    fuzz(Self.npy(Self.header("<i2", "True", "(3, 2)"), Array(0..<12)), rounds: 2000) {
      try NPY.decode($0, file: "f.npy")
    }
  }
}
