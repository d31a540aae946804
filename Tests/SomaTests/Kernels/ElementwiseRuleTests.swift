import Kernels
import Testing

@Suite("Elementwise rules")
struct ElementwiseRuleTests {
  static let unusual: [Float] = [
    .nan, .infinity, -.infinity, 0, -0.0, 1, -1, 2.5, -2.5, 0x1p-130, -0x1p-130, 3, -3, 1e30, 7,
  ]

  /// Random integers of all sizes with the extremes and small numbers among them.
  static func integers<Value: FixedWidthInteger>(_: Value.Type, seed: UInt64, count: Int = 501) -> [Value] {
    var numbers = TestNumbers(state: seed)
    let special: [Value] = [.min, .max, 0, 1, 2, 3, 7, Value(truncatingIfNeeded: -1), Value(truncatingIfNeeded: -3)]
    return (0..<count).map {
      $0 % 2 == 0 ? special.randomElement(using: &numbers)! : .random(in: .min ... .max, using: &numbers)
    }
  }

  static func floorDivide<Value: FixedWidthInteger>(_ x: Value, _ y: Value) -> (quotient: Value, remainder: Value) {
    if y == 0 { return (0, 0) }
    let (q, overflow) = x.dividedReportingOverflow(by: y)
    if overflow { return (x, 0) }
    let r = x % y
    return r != 0 && (r < 0) != (y < 0) ? (q - 1, r + y) : (q, r)
  }

  static func power<Value: FixedWidthInteger>(_ x: Value, _ y: Value) -> Value {
    if y < 0 { return x == 1 ? 1 : x == Value(truncatingIfNeeded: -1) ? (y % 2 == 0 ? 1 : x) : 0 }
    var result: Value = 1
    var square = x
    var rest = y
    while rest > 0 {
      if rest % 2 == 1 { result = result &* square }
      square = square &* square
      rest /= 2
    }
    return result
  }

  static func check<Value: FixedWidthInteger & SendableMetatype>(_ type: Value.Type, _ dtype: soma_dtype) {
    let a = integers(type, seed: 1)
    let b = integers(type, seed: 2)
    let width = Value(truncatingIfNeeded: Value.bitWidth)
    let inRange = { (count: Value) in count >= 0 && count < width }
    let rules: [(soma_binary, (Value, Value) -> Value)] = [
      (SOMA_ADD, { $0 &+ $1 }), (SOMA_SUBTRACT, { $0 &- $1 }), (SOMA_MULTIPLY, { $0 &* $1 }),
      (SOMA_DIVIDE, { floorDivide($0, $1).quotient }), (SOMA_REMAINDER, { floorDivide($0, $1).remainder }),
      (SOMA_POWER, power), (SOMA_MAXIMUM, { max($0, $1) }), (SOMA_MINIMUM, { min($0, $1) }), (SOMA_AND, { $0 & $1 }),
      (SOMA_OR, { $0 | $1 }), (SOMA_XOR, { $0 ^ $1 }), (SOMA_SHIFT_LEFT, { inRange($1) ? $0 << $1 : 0 }),
      (SOMA_SHIFT_RIGHT, { inRange($1) ? $0 >> $1 : $0 < 0 ? Value(truncatingIfNeeded: -1) : 0 }),
    ]
    for (op, rule) in rules {
      let expected = zip(a, b).map(rule)
      #expect(KernelCalls.map(soma_binary_map(op, dtype), a, b, like: Value.zero) == expected, "\(op) \(type)")
      let right = KernelCalls.map(soma_binary_scalar_right_map(op, dtype), a, [b[3]], like: Value.zero)
      #expect(right == a.map { rule($0, b[3]) }, "\(op) \(type), one right operand")
      let left = KernelCalls.map(soma_binary_scalar_left_map(op, dtype), [a[4]], b, like: Value.zero, count: b.count)
      #expect(left == b.map { rule(a[4], $0) }, "\(op) \(type), one left operand")
    }
    let single: [(soma_unary, (Value) -> Value)] = [
      (SOMA_NEGATE, { 0 &- $0 }), (SOMA_ABS, { $0 < 0 ? 0 &- $0 : $0 }), (SOMA_SIGN, { $0.signum() }),
      (SOMA_NOT, { ~$0 }),
      (SOMA_FLOOR, { $0 }), (SOMA_CEIL, { $0 }), (SOMA_ROUND, { $0 }),
    ]
    for (op, rule) in single {
      #expect(KernelCalls.map(soma_unary_map(op, dtype), a, like: Value.zero) == a.map(rule), "\(op) \(type)")
    }
    #expect(soma_unary_map(SOMA_EXP, dtype) == nil)
    #expect(soma_binary_map(SOMA_ATAN2, dtype) == nil)
  }

  @Test("integers wrap, divide toward minus infinity and shift by any count", arguments: KernelCalls.levels)
  func integers(level: Int32) {
    KernelCalls.atLevel(level) {
      Self.check(Int8.self, SOMA_I8)
      Self.check(UInt8.self, SOMA_U8)
      Self.check(Int32.self, SOMA_I32)
      Self.check(Int64.self, SOMA_I64)
    }
  }

  /// NumPy's: the sign of the divisor, and the limits it implies.
  static func remainder(_ x: Float, _ y: Float) -> Float {
    let r = x.truncatingRemainder(dividingBy: y)
    if r == 0 { return Float(signOf: y, magnitudeOf: 0) }
    return (r < 0) != (y < 0) ? r + y : r
  }

  @Test("NaN, infinities and signed zeros in binary operations", arguments: KernelCalls.levels)
  func floats(level: Int32) {
    let a = Self.unusual.flatMap { x in Self.unusual.map { _ in x } }
    let b = Self.unusual.flatMap { _ in Self.unusual }
    let rules: [(soma_binary, (Float, Float) -> Float)] = [
      (SOMA_ADD, { $0 + $1 }), (SOMA_SUBTRACT, { $0 - $1 }), (SOMA_MULTIPLY, { $0 * $1 }), (SOMA_DIVIDE, { $0 / $1 }),
      (SOMA_REMAINDER, { $0.isNaN || $1.isNaN ? .nan : Self.remainder($0, $1) }),
      (SOMA_MAXIMUM, { $0.isNaN || $1.isNaN ? .nan : $0 == $1 ? ($0.sign == .plus ? $0 : $1) : max($0, $1) }),
      (SOMA_MINIMUM, { $0.isNaN || $1.isNaN ? .nan : $0 == $1 ? ($0.sign == .minus ? $0 : $1) : min($0, $1) }),
    ]
    KernelCalls.atLevel(level) {
      for (op, rule) in rules {
        let results = KernelCalls.map(soma_binary_map(op, SOMA_F32), a, b, like: Float.zero)
        for (index, result) in results.enumerated() {
          let expected = rule(a[index], b[index])
          let same = expected.isNaN ? result.isNaN : result == expected && result.sign == expected.sign
          #expect(same, "\(op) \(a[index]) \(b[index]): \(result), expected \(expected)")
        }
      }
      let comparisons: [(soma_compare, (Float, Float) -> Bool)] = [
        (SOMA_EQUAL, { $0 == $1 }), (SOMA_NOT_EQUAL, { $0 != $1 }), (SOMA_LESS, { $0 < $1 }),
        (SOMA_LESS_EQUAL, { $0 <= $1 }), (SOMA_GREATER, { $0 > $1 }), (SOMA_GREATER_EQUAL, { $0 >= $1 }),
      ]
      for (op, rule) in comparisons {
        #expect(KernelCalls.map(soma_compare_map(op, SOMA_F32), a, b, like: false) == zip(a, b).map(rule))
      }
      #expect(KernelCalls.map(soma_unary_map(SOMA_IS_FINITE, SOMA_F32), a, like: false) == a.map(\.isFinite))
      let rounded = KernelCalls.map(
        soma_unary_map(SOMA_ROUND, SOMA_F32), [0.5, 1.5, 2.5, -0.5, -3.5] as [Float], like: Float.zero)
      #expect(rounded == [0, 2, 2, -0.0, -4])
      let signs = KernelCalls.map(soma_unary_map(SOMA_SIGN, SOMA_F32), Self.unusual, like: Float.zero)
      #expect(
        signs[0].isNaN && signs[4].sign == .minus && signs[1...] == [1, -1, 0, 0, 1, -1, 1, -1, 1, -1, 1, -1, 1, 1])
    }
  }

  @Test("floats become integers by truncation and saturation", arguments: KernelCalls.levels)
  func casts(level: Int32) {
    let x: [Float] = [
      .nan, .infinity, -.infinity, 1.9, -1.9, 127.9, 128, -128.9, -129, 255.9, 256, -0.9, -1, 2_147_483_648,
      2_147_483_520, -2_147_483_648, -2_147_483_904, 9.3e18, -9.3e18, 0x1p62,
    ]
    func saturated<Value: FixedWidthInteger>(_ v: Float, _: Value.Type) -> Value {
      v.isNaN ? 0 : Value(exactly: v.rounded(.towardZero)) ?? (v < 0 ? .min : .max)
    }
    KernelCalls.atLevel(level) {
      #expect(
        KernelCalls.map(soma_cast_map(SOMA_F32, SOMA_I8), x, like: Int8.zero) == x.map { saturated($0, Int8.self) })
      #expect(
        KernelCalls.map(soma_cast_map(SOMA_F32, SOMA_U8), x, like: UInt8.zero) == x.map { saturated($0, UInt8.self) })
      #expect(
        KernelCalls.map(soma_cast_map(SOMA_F32, SOMA_I32), x, like: Int32.zero) == x.map { saturated($0, Int32.self) })
      #expect(
        KernelCalls.map(soma_cast_map(SOMA_F32, SOMA_I64), x, like: Int64.zero) == x.map { saturated($0, Int64.self) })
      #expect(KernelCalls.map(soma_cast_map(SOMA_F32, SOMA_BOOL), x, like: false) == x.map { $0 != 0 })
      let integers = Self.integers(Int64.self, seed: 4)
      let narrowed = KernelCalls.map(soma_cast_map(SOMA_I64, SOMA_I8), integers, like: Int8.zero)
      #expect(narrowed == integers.map { Int8(truncatingIfNeeded: $0) })
      #expect(
        KernelCalls.map(soma_cast_map(SOMA_I64, SOMA_F32), integers, like: Float.zero) == integers.map { Float($0) })
    }
  }

  @Test("BF16 rounds once, to nearest even", arguments: KernelCalls.levels)
  func bfloat(level: Int32) {
    // 1 + 2^-8 lies between 1 and 1 + 2^-7, and the tie goes to 1; a bit more goes up, even beyond float precision.
    let x: [Double] = [1 + 0x1p-8, 1 + 0x1p-8 + 0x1p-40, 1 + 3 * 0x1p-8, -1 - 0x1p-8, .infinity, 3.4e38, 0, .nan]
    KernelCalls.atLevel(level) {
      let bits = KernelCalls.map(soma_cast_map(SOMA_F64, SOMA_BF16), x, like: UInt16.zero)
      #expect(bits[..<7] == [0x3f80, 0x3f81, 0x3f82, 0xbf80, 0x7f80, 0x7f80, 0])
      #expect(bits[7] & 0x7f80 == 0x7f80 && bits[7] & 0x7f != 0)
      let integers: [Int64] = [257, 258, 259, 0x4040_0000_0000_0001, 0x4040_0000_0000_0000, -257]
      let rounded = KernelCalls.map(soma_cast_map(SOMA_I64, SOMA_BF16), integers, like: UInt16.zero)
      #expect(rounded == [0x4380, 0x4381, 0x4382, 0x5e81, 0x5e80, 0xc380])
      let terms: ([UInt16], [UInt16]) = ([0x3f80, 0x4380], [0x3f80, 0x3f80])
      let sum = KernelCalls.map(soma_binary_map(SOMA_ADD, SOMA_BF16), terms.0, terms.1, like: UInt16.zero)
      #expect(sum == [0x4000, 0x4380])
    }
  }

  @Test("bool operations, selection and counting up")
  func boolean() {
    let a = [false, false, true, true]
    let b = [false, true, false, true]
    let rules: [(soma_binary, (Bool, Bool) -> Bool)] = [
      (SOMA_AND, { $0 && $1 }), (SOMA_OR, { $0 || $1 }), (SOMA_XOR, { $0 != $1 }), (SOMA_MAXIMUM, { $0 || $1 }),
      (SOMA_MINIMUM, { $0 && $1 }), (SOMA_MULTIPLY, { $0 && $1 }), (SOMA_ADD, { $0 || $1 }),
    ]
    for (op, rule) in rules {
      #expect(KernelCalls.map(soma_binary_map(op, SOMA_BOOL), a, b, like: false) == zip(a, b).map(rule))
    }
    #expect(KernelCalls.map(soma_unary_map(SOMA_NOT, SOMA_BOOL), a, like: false) == a.map { !$0 })
    #expect(soma_binary_map(SOMA_DIVIDE, SOMA_BOOL) == nil)
    var chosen = [Double](repeating: 0, count: 4)
    soma_select_map(SOMA_F64)(&chosen, a, [1.0, 2, 3, 4], [5.0, 6, 7, 8], 4)
    #expect(chosen == [5, 6, 3, 4])
    var count = [Int32](repeating: 0, count: 5)
    soma_iota(SOMA_I32, &count, -2, 5)
    #expect(count == [-2, -1, 0, 1, 2])
    var fused: [Float] = [0]
    soma_multiply_add_map(SOMA_F32)(&fused, [1 + 0x1p-23] as [Float], [1 - 0x1p-23] as [Float], [-1] as [Float], 1)
    #expect(fused == [-0x1p-46])
  }

  @Test("Threefry gives Random123's vectors and one stream", arguments: KernelCalls.levels)
  func random(level: Int32) {
    let vectors: [([UInt32], [UInt32], [UInt32])] = [
      ([0, 0], [0, 0], [0x6b20_0159, 0x99ba_4efe]),
      ([.max, .max], [.max, .max], [0x1cb9_96fc, 0xbb00_2be7]),
      ([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3], [0xc492_3a9c, 0x483d_f7a0]),
    ]
    for (key, counter, expected) in vectors {
      var out: [UInt32] = [0, 0]
      soma_threefry(key, counter, &out)
      #expect(out == expected)
    }
    KernelCalls.atLevel(level) {
      // Across the carry into the counter's high word.
      let key: [UInt32] = [5, 7]
      let pairs = (UInt64(1) << 32) - 100
      var stream = [UInt32](repeating: 0, count: 601)
      soma_random_bits(key, &stream, 2 * pairs, stream.count)
      for index in 0..<300 {
        let counter = pairs + UInt64(index)
        var out: [UInt32] = [0, 0]
        soma_threefry(key, [UInt32(truncatingIfNeeded: counter), UInt32(counter >> 32)], &out)
        #expect(out == [stream[2 * index], stream[2 * index + 1]])
      }
      for start in [1, 2, 127, 300] {
        var part = [UInt32](repeating: 0, count: 601 - start)
        soma_random_bits(key, &part, 2 * pairs + UInt64(start), part.count)
        #expect(part == Array(stream[start...]))
      }
    }
  }
}
