import Foundation
import Soma
import SomaData

/// A number that the tensors of Soma cannot hold.
struct UnfitNumber: Error, CustomStringConvertible {
  let description: String
}

extension ElementFormat {
  /// Elements as files keep them: little-endian, narrow ones packed from the lowest bits.
  /// - Parameter bytes: as many as the shape wants.
  /// - Throws: `UnfitNumber` for `uint64` numbers from 2⁶³ on.
  func decode(_ bytes: some RandomAccessCollection<UInt8>, _ shape: Shape) throws -> Tensor {
    let count = shape.elementCount
    switch self {
    case .float32, .float64, .int32, .int64, .int8, .uint8, .bfloat16:
      return Tensor(copying: bytes, shape: shape, dtype: storage)
    default: break
    }
    let bytes = Array(bytes)
    func code(_ i: Int) -> Int { Int(bytes[i * bits / 8]) >> (i * bits % 8) & (1 << bits - 1) }
    func words<W: FixedWidthInteger>(_ type: W.Type) -> [W] {
      let width = MemoryLayout<W>.size
      return (0..<count).map { i in
        var word: W = 0
        for j in 0..<width { word |= W(truncatingIfNeeded: bytes[i * width + j]) << W(8 * j) }
        return word
      }
    }
    switch self {
    case .float32, .float64, .int32, .int64, .int8, .uint8, .bfloat16:
      return Tensor(copying: bytes, shape: shape, dtype: storage)
    case .bool: return Tensor(bytes.map { $0 != 0 }, shape: shape)
    case .float16: return Tensor(words(UInt16.self).map { Float(half: $0) }, shape: shape)
    case .uint16: return Tensor(words(UInt16.self).map { Int32($0) }, shape: shape)
    case .int16: return Tensor(words(UInt16.self).map { Int32(Int16(bitPattern: $0)) }, shape: shape)
    case .uint32: return Tensor(words(UInt32.self).map { Int64($0) }, shape: shape)
    case .uint64:
      let values = words(UInt64.self)
      guard values.allSatisfy({ $0 <= UInt64(Int64.max) }) else {
        throw UnfitNumber(description: "uint64 numbers from 2^63 on")
      }
      return Tensor(values.map { Int64($0) }, shape: shape)
    case .uint4, .uint2: return Tensor((0..<count).map { UInt8(code($0)) }, shape: shape)
    case .int4, .int2:
      let half = 1 << (bits - 1)
      return Tensor((0..<count).map { Int8(code($0) >= half ? code($0) - 2 * half : code($0)) }, shape: shape)
    case .float8E4M3, .float8E4M3Z, .float8E5M2, .float8E5M2Z, .float4E2M1, .float8E8M0:
      let values = smallFloat?.values ?? []
      return Tensor((0..<count).map { values[code($0)] }, shape: shape)
    }
  }
}

func littleEndianBytes<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
  (0..<MemoryLayout<Word>.size).map { UInt8(truncatingIfNeeded: word >> Word(8 * $0)) }
}

extension Float {
  /// The number with the given bits in IEEE half precision.
  init(half bits: UInt16) {
    let exponent = Int(bits >> 10 & 31)
    let mantissa = Float(bits & 0x3FF)
    let size: Float
    switch exponent {
    case 0: size = scalbn(mantissa, -24)
    case 31: size = mantissa == 0 ? .infinity : .nan
    default: size = scalbn(1024 + mantissa, exponent - 25)
    }
    self = bits >> 15 == 1 ? -size : size
  }

  /// The bits of the nearest number in IEEE half precision, halves to even.
  var halfBits: UInt16 {
    let sign: UInt16 = self.sign == .minus ? 0x8000 : 0
    if isNaN { return sign | 0x7E00 }
    let size = magnitude
    if size >= 65520 { return sign | 0x7C00 }
    if size < 0x1p-14 { return sign | UInt16(scalbn(size, 24).rounded(.toNearestOrEven)) }
    let exponent = Int(size.exponent)
    // A mantissa that rounds up to the next power of two carries into the exponent by itself.
    let mantissa = UInt16(scalbn(size, 10 - exponent).rounded(.toNearestOrEven)) - 1024
    return sign | (UInt16(exponent + 15) << 10 + mantissa)
  }
}
