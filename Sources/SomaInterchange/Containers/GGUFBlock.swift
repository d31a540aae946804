/// How a GGUF file stores numbers: plainly, or in blocks that share scales. Formulas: ggml's reference
/// quantization (https://github.com/ggml-org/ggml, MIT), verified against PyPI `gguf`.
struct GGUFBlock: Sendable {
  enum Kind: Sendable { case plain(ElementFormat), q4_0, q4_1, q5_0, q5_1, q8_0, q2k, q3k, q4k, q5k, q6k, q8k }

  let kind: Kind
  /// Numbers of a block.
  let elements: Int
  /// Bytes of a block.
  let bytes: Int

  init?(code: UInt32) {
    switch code {
    case 0: (kind, elements, bytes) = (.plain(.float32), 1, 4)
    case 1: (kind, elements, bytes) = (.plain(.float16), 1, 2)
    case 2: (kind, elements, bytes) = (.q4_0, 32, 18)
    case 3: (kind, elements, bytes) = (.q4_1, 32, 20)
    case 6: (kind, elements, bytes) = (.q5_0, 32, 22)
    case 7: (kind, elements, bytes) = (.q5_1, 32, 24)
    case 8: (kind, elements, bytes) = (.q8_0, 32, 34)
    case 10: (kind, elements, bytes) = (.q2k, 256, 84)
    case 11: (kind, elements, bytes) = (.q3k, 256, 110)
    case 12: (kind, elements, bytes) = (.q4k, 256, 144)
    case 13: (kind, elements, bytes) = (.q5k, 256, 176)
    case 14: (kind, elements, bytes) = (.q6k, 256, 210)
    case 15: (kind, elements, bytes) = (.q8k, 256, 292)
    case 24: (kind, elements, bytes) = (.plain(.int8), 1, 1)
    case 25: (kind, elements, bytes) = (.plain(.int16), 1, 2)
    case 26: (kind, elements, bytes) = (.plain(.int32), 1, 4)
    case 27: (kind, elements, bytes) = (.plain(.int64), 1, 8)
    case 28: (kind, elements, bytes) = (.plain(.float64), 1, 8)
    case 30: (kind, elements, bytes) = (.plain(.bfloat16), 1, 2)
    default: return nil
    }
  }

  /// The format of plain numbers.
  var format: ElementFormat? { if case .plain(let format) = kind { format } else { nil } }

  /// The numbers of whole blocks.
  func values(_ data: [UInt8]) -> [Float] {
    var result = [Float]()
    result.reserveCapacity(data.count / bytes * elements)
    for start in stride(from: 0, to: data.count, by: bytes) { decode(data, start, &result) }
    return result
  }

  private func decode(_ data: [UInt8], _ start: Int, _ result: inout [Float]) {
    func byte(_ i: Int) -> Int { Int(data[start + i]) }
    func half(_ i: Int) -> Float { Float(half: UInt16(data[start + i]) | UInt16(data[start + i + 1]) << 8) }
    func word(_ i: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(data[start + i + $1]) << UInt32(8 * $1) } }
    switch kind {
    case .plain: break
    case .q4_0:
      let d = half(0)
      for i in 0..<32 { result.append(d * Float((i < 16 ? byte(2 + i) & 15 : byte(2 + i - 16) >> 4) - 8)) }
    case .q4_1:
      let (d, m) = (half(0), half(2))
      for i in 0..<32 { result.append(d * Float(i < 16 ? byte(4 + i) & 15 : byte(4 + i - 16) >> 4) + m) }
    case .q5_0:
      let (d, high) = (half(0), word(2))
      for i in 0..<32 {
        let low = i < 16 ? byte(6 + i) & 15 : byte(6 + i - 16) >> 4
        result.append(d * Float((low | Int(high >> UInt32(i) & 1) << 4) - 16))
      }
    case .q5_1:
      let (d, m, high) = (half(0), half(2), word(4))
      for i in 0..<32 {
        let low = i < 16 ? byte(8 + i) & 15 : byte(8 + i - 16) >> 4
        result.append(d * Float(low | Int(high >> UInt32(i) & 1) << 4) + m)
      }
    case .q8_0:
      let d = half(0)
      for i in 0..<32 { result.append(d * Float(Int8(bitPattern: data[start + 2 + i]))) }
    case .q2k:
      let (d, m) = (half(80), half(82))
      for i in 0..<256 {
        let scale = byte(i / 16)
        let q = byte(16 + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3
        result.append(d * Float(scale & 15) * Float(q) - m * Float(scale >> 4))
      }
    case .q3k:
      let d = half(108)
      for i in 0..<256 {
        let s = i / 16
        let low = s < 8 ? byte(96 + s) & 15 : byte(96 + s - 8) >> 4
        let scale = (low | (byte(104 + s % 4) >> (s / 4 * 2) & 3) << 4) - 32
        let q = byte(32 + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3
        let isHigh = byte(i % 32) >> (i / 32) & 1 == 1
        result.append(d * Float(scale) * Float(q - (isHigh ? 0 : 4)))
      }
    case .q4k:
      let (d, m) = (half(0), half(2))
      for i in 0..<256 {
        let (scale, least) = scales(data, start + 4, i / 32)
        let packed = byte(16 + i / 64 * 32 + i % 32)
        let q = i / 32 % 2 == 0 ? packed & 15 : packed >> 4
        result.append(d * Float(scale) * Float(q) - m * Float(least))
      }
    case .q5k:
      let (d, m) = (half(0), half(2))
      for i in 0..<256 {
        let (scale, least) = scales(data, start + 4, i / 32)
        let packed = byte(48 + i / 64 * 32 + i % 32)
        let q = (i / 32 % 2 == 0 ? packed & 15 : packed >> 4) | ((byte(16 + i % 32) >> (i / 32)) & 1) << 4
        result.append(d * Float(scale) * Float(q) - m * Float(least))
      }
    case .q6k:
      let d = half(208)
      for i in 0..<256 {
        let (part, place) = (i / 128, i % 128)
        let packed = byte(part * 64 + place % 64)
        let low = place < 64 ? packed & 15 : packed >> 4
        let high = byte(128 + part * 32 + place % 32) >> (place / 32 * 2) & 3
        let scale = Int8(bitPattern: data[start + 192 + i / 16])
        result.append(d * Float(scale) * Float((low | high << 4) - 32))
      }
    case .q8k:
      let d = Float(bitPattern: word(0))
      for i in 0..<256 { result.append(d * Float(Int8(bitPattern: data[start + 4 + i]))) }
    }
  }

  /// Scale and least value of a sub-block, six bits each in twelve bytes.
  private func scales(_ data: [UInt8], _ start: Int, _ j: Int) -> (Int, Int) {
    func byte(_ i: Int) -> Int { Int(data[start + i]) }
    if j < 4 { return (byte(j) & 63, byte(j + 4) & 63) }
    return (byte(j + 4) & 15 | (byte(j - 4) >> 6) << 4, byte(j + 4) >> 4 | (byte(j) >> 6) << 4)
  }
}
