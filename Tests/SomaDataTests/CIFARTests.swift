import Foundation
import Soma
import SomaData
import Testing

@Suite struct CIFARTests {
  static func record(_ labels: [UInt8], _ shade: Int) -> [UInt8] {
    labels + (0..<3072).map { UInt8(($0 * 7 + shade) % 256) }
  }

  @Test func readsRecordsOfBothVariants() throws {
    try withTemporaryDirectory { directory in
      for i in 1...5 {
        try write(Self.record([UInt8(i)], i) + Self.record([0], 0), "\(directory)/data_batch_\(i).bin")
      }
      try write(Gzip.compress(Self.record([9], 3)), "\(directory)/test_batch.bin.gz")
      let train = try CIFAR.load(directory: directory, variant: .ten, part: .train)
      #expect(train.labels == [1, 0, 2, 0, 3, 0, 4, 0, 5, 0] && train.sampleShape == [3, 32, 32])
      #expect(train.values[2 * 3072 + 1] == Float(9) / 255)
      try write("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n".utf8, "\(directory)/batches.meta.txt")
      #expect(try CIFAR.load(directory: directory, variant: .ten, part: .test).classNames.last == "j")
      try write("a\nb\n".utf8, "\(directory)/batches.meta.txt")
      #expect(throws: DataError.self) { try CIFAR.load(directory: directory, variant: .ten, part: .test) }
      try write(Self.record([19, 99], 1) + Self.record([0, 5], 1), "\(directory)/train.bin")
      #expect(try CIFAR.load(directory: directory, variant: .hundred, part: .train).labels == [99, 5])
      #expect(try CIFAR.load(directory: directory, variant: .hundredCoarse, part: .train).labels == [19, 0])
      #expect(throws: DataError.self) { try CIFAR.load(directory: directory, variant: .hundred, part: .test) }
    }
  }

  @Test func refusesDamage() throws {
    let ten = Self.record([3], 1) + Self.record([4], 2)
    let hundred = Self.record([1, 2], 1) + Self.record([3, 4], 2)
    let gz = Gzip.compress(ten)
    // Half the file is a whole record: it is not damaged.
    let cuts = truncations(ten, "are not a whole number of records of 3073 bytes").filter { $0.bytes.count != 3073 }
    let damages =
      cuts + [
        Damage("label 10", ten.patched(0, [10]), "byte 0: label 10 is not below 10"),
        Damage("second label", ten.patched(3073, [255]), "byte 3073: label 255"),
        Damage("one byte more", ten + [0], "6147 bytes are not a whole number"),
        Damage("records of the other variant", hundred, "not a whole number"),
        Damage("shifted by one", [200] + ten.dropLast(), "label 200"),
        Damage("text", "no pictures", "11 bytes are not"),
        Damage("gz checksum", gz.patched(gz.count - 6, [0, 0]), "damaged"),
        Damage("gz of a cut file", Gzip.compress(ten.dropLast()), "6145 bytes"),
        Damage("gz bomb", Gzip.compress([UInt8](repeating: 0, count: 3073 * 2 - 1)), "not a whole number"),
        Damage("gz and rest", gz + [1], "something else follows"),
      ] + truncations(gz).dropFirst(2)
    try withTemporaryDirectory { directory in
      let path = "\(directory)/f.bin"
      expectRefused(damages, as: path) { bytes in
        try write(bytes, path)
        return try CIFAR.read([path], variant: .ten)
      }
      let damages100 =
        truncations(hundred, "records of 3074 bytes").filter { $0.bytes.count != 3074 } + [
          Damage("fine label", hundred.patched(1, [100]), "labels 1 and 100 are not below 20 and 100"),
          Damage("coarse label", hundred.patched(3074, [20]), "byte 3074: labels 20 and 4"),
          Damage("one byte more", hundred + [0], "not a whole number"),
        ]
      expectRefused(damages100, as: path) { bytes in
        try write(bytes, path)
        return try CIFAR.read([path], variant: .hundred)
      }
      #expect(throws: DataError.self) { try CIFAR.read(["\(directory)/none.bin"], variant: .ten) }
    }
  }
}
