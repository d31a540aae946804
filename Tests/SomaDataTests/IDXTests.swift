import Soma
import SomaData
import Testing

@Suite struct IDXTests {
  static func idx(_ type: UInt8, _ dimensions: [UInt32], _ content: [UInt8]) -> [UInt8] {
    [0, 0, type, UInt8(dimensions.count)] + dimensions.flatMap(bigEndian) + content
  }

  static let pictures = idx(8, [2, 3, 4], Array(0..<24))

  @Test func readsEveryElementType() throws {
    let bytes = try IDX.decode(Self.pictures, file: "f")
    #expect(bytes.dtype == .uint8 && bytes.shape == [2, 3, 4] && bytes.bytes == Array(0..<24))
    let signed = try IDX.decode(Self.idx(9, [2], [0xFF, 5]), file: "f")
    #expect(signed.dtype == .int8 && signed.array(of: Int8.self) == [-1, 5])
    let short = try IDX.decode(Self.idx(0x0B, [2], [0xFF, 0xFE, 1, 2]), file: "f")
    #expect(short.dtype == .int32 && short.array(of: Int32.self) == [-2, 258])
    let int = try IDX.decode(Self.idx(0x0C, [1], [0, 1, 0, 2]), file: "f")
    #expect(int.array(of: Int32.self) == [65538])
    let float = try IDX.decode(Self.idx(0x0D, [1], [0x3F, 0xC0, 0, 0]), file: "f")
    #expect(float.floats == [1.5])
    let double = try IDX.decode(Self.idx(0x0E, [1], [0xC0, 4, 0, 0, 0, 0, 0, 0]), file: "f")
    #expect(double.doubles == [-2.5])
  }

  @Test func readsGzipped() throws {
    let tensor = try IDX.decode(Gzip.compress(Self.pictures), file: "f")
    #expect(tensor.shape == [2, 3, 4] && tensor.bytes == Array(0..<24))
  }

  @Test func refusesDamage() {
    let good = Self.pictures
    let gz = Gzip.compress(good)
    let damages =
      truncations(good) + [
        Damage("empty", [UInt8](), "the file ends in the magic number"),
        Damage("wrong magic", good.patched(0, [1]), "byte 0: is not an IDX file"),
        Damage("wrong second magic", good.patched(1, [0x42]), "does not start with 00 00"),
        Damage("PNG", [0x89, 0x50, 0x4E, 0x47, 0, 0, 0, 0], "byte 0: is not an IDX file"),
        Damage("type 0", good.patched(2, [0]), "byte 2: 0 is not an element type"),
        Damage("type 10", good.patched(2, [10]), "10 is not an element type"),
        Damage("type 255", good.patched(2, [255]), "255 is not an element type"),
        Damage("wider type", good.patched(2, [0x0E]), "means 208"),
        Damage("no axes", good.patched(3, [0]), "byte 3: 0 axes"),
        Damage("200 axes", good.patched(3, [200]), "byte 3: 200 axes"),
        Damage("fewer axes", good.patched(3, [2]), "[2, 3] means 18"),
        Damage("one element more", good + [0], "has 41 bytes; a header for shape [2, 3, 4] means 40"),
        Damage("one element less", good.dropLast(), "has 39 bytes"),
        Damage("4 G rows", good.patched(4, bigEndian(.max)), "means 51539607556"),
        Damage("overflow", Self.idx(8, [.max, .max, .max], [1]), "more elements than a file can hold"),
        Damage("overflow hidden by an empty axis", Self.idx(8, [0, .max, .max, .max], []), "more elements than"),
        Damage("8 axes of 2^31", Self.idx(8, [UInt32](repeating: 1 << 31, count: 8), []), "more elements than"),
        Damage("gz: wrong magic", Gzip.compress(good.patched(0, [7])), "byte 0: is not an IDX file"),
        Damage("gz: too much", Gzip.compress(good + [0, 0]), "expands to more than the expected 40 bytes"),
        Damage("gz: too little", Gzip.compress(good.dropLast()), "expands to 39 bytes"),
        Damage("gz: absurd", Gzip.compress(good.patched(4, bigEndian(1 << 31))), "more than the file can hold"),
        Damage("gz: checksum", gz.patched(gz.count - 8, [1, 2, 3, 4]), "damaged"),
        Damage("gz: length", gz.patched(gz.count - 4, [9]), "damaged"),
        Damage("gz: trailing", gz + [1, 2, 3], "something else follows"),
      ] + truncations(gz)
    expectRefused(damages, as: "f.idx") { try IDX.decode($0, file: "f.idx") }
    fuzz(good, rounds: 500) { try IDX.decode($0, file: "f.idx") }
    fuzz(gz, rounds: 500) { try IDX.decode($0, file: "f.idx") }
  }

  @Test func loadsPicturesWithLabels() throws {
    try withTemporaryDirectory { directory in
      try write(Self.pictures, "\(directory)/train-images-idx3-ubyte")
      try write(Gzip.compress(Self.idx(8, [2], [3, 9])), "\(directory)/train-labels-idx1-ubyte.gz")
      let data = try MNIST.load(directory: directory, part: .train)
      #expect(data.count == 2 && data.sampleShape == [1, 3, 4])
      #expect(data.labels == [3, 9] && data.values[23] == 23.0 / 255)
      #expect(throws: DataError.self) { try MNIST.load(directory: directory, part: .test) }
      for (labels, message) in [
        (Self.idx(8, [3], [1, 2, 3]), "3 labels for 2 pictures"), (Self.idx(8, [2], [1, 10]), "byte 9: label 10"),
        (Self.idx(8, [2, 1], [1, 1]), "not labels"), (Self.idx(9, [2], [1, 1]), "int8 [2], not labels"),
      ] {
        try write(Gzip.compress(labels), "\(directory)/train-labels-idx1-ubyte.gz")
        let error = #expect(throws: DataError.self) { try MNIST.load(directory: directory, part: .train) }
        #expect(error?.description.contains(message) == true, "\(error!)")
      }
      try write(Self.idx(8, [2], [1, 1]), "\(directory)/train-images-idx3-ubyte")
      #expect(throws: DataError.self) { try MNIST.load(directory: directory, part: .train) }
    }
  }
}

/// Where Fashion-MNIST's files are present (Debian's `dataset-fashion-mnist`).
@Suite(.enabled(if: (try? DataSet.named("fashion-mnist").load(part: .test)) != nil)) struct FashionMNISTTests {
  @Test func hasTheKnownStatistics() throws {
    let test = try #require(try DataSet.named("fashion-mnist").load(part: .test))
    #expect(test.count == 10_000 && test.sampleShape == [1, 28, 28] && test.classNames[9] == "Ankle boot")
    #expect((0..<10).allSatisfy { label in test.labels!.count { $0 == label } == 1000 })
  }
}
