import Soma

/// The element types of the standard (TensorProto.DataType) that have numbers, each kept in a type of Soma that holds
/// all of its values. `uint64` is kept as `int64`: numbers from 2⁶³ on are refused where they come in.
enum ElementFormat: Int, Sendable, Hashable, CaseIterable {
  case float32 = 1
  case uint8 = 2
  case int8 = 3
  case uint16 = 4
  case int16 = 5
  case int32 = 6
  case int64 = 7
  case bool = 9
  case float16 = 10
  case float64 = 11
  case uint32 = 12
  case uint64 = 13
  case bfloat16 = 16
  case float8E4M3 = 17
  case float8E4M3Z = 18
  case float8E5M2 = 19
  case float8E5M2Z = 20
  case uint4 = 21
  case int4 = 22
  case float4E2M1 = 23
  case float8E8M0 = 24
  case uint2 = 25
  case int2 = 26

  /// The type that holds the elements here.
  var storage: DType {
    switch self {
    case .float32, .float16, .float8E4M3, .float8E4M3Z, .float8E5M2, .float8E5M2Z, .float4E2M1, .float8E8M0: .float32
    case .float64: .float64
    case .bfloat16: .bfloat16
    case .bool: .bool
    case .uint8, .uint4, .uint2: .uint8
    case .int8, .int4, .int2: .int8
    case .uint16, .int16, .int32: .int32
    case .int64, .uint32, .uint64: .int64
    }
  }

  /// The standard's name.
  var name: String {
    switch self {
    case .float32: "float"
    case .float64: "double"
    case .float8E4M3: "float8e4m3fn"
    case .float8E4M3Z: "float8e4m3fnuz"
    case .float8E5M2: "float8e5m2"
    case .float8E5M2Z: "float8e5m2fnuz"
    case .float4E2M1: "float4e2m1"
    case .float8E8M0: "float8e8m0"
    default: "\(self)"
    }
  }

  var bits: Int {
    switch self {
    case .float64, .int64, .uint64: 64
    case .float32, .int32, .uint32: 32
    case .float16, .bfloat16, .uint16, .int16: 16
    case .uint8, .int8, .bool, .float8E4M3, .float8E4M3Z, .float8E5M2, .float8E5M2Z, .float8E8M0: 8
    case .uint4, .int4, .float4E2M1: 4
    case .uint2, .int2: 2
    }
  }

  var isFloating: Bool {
    switch self {
    case .float32, .float64, .float16, .bfloat16: true
    default: smallFloat != nil
    }
  }

  var isInteger: Bool { !isFloating && self != .bool }

  /// The type in which a tensor of Soma is written.
  init(_ dtype: DType) {
    switch dtype {
    case .float32: self = .float32
    case .float64: self = .float64
    case .int32: self = .int32
    case .int64: self = .int64
    case .bool: self = .bool
    case .int8: self = .int8
    case .uint8: self = .uint8
    case .bfloat16: self = .bfloat16
    }
  }

  /// Smallest and largest number of an integer type.
  var integerRange: (low: Double, high: Double) {
    switch self {
    case .uint8: (0, 255)
    case .int8: (-128, 127)
    case .uint16: (0, 65535)
    case .int16: (-32768, 32767)
    case .int32: (-2_147_483_648, 2_147_483_647)
    case .uint32: (0, 4_294_967_295)
    case .uint4: (0, 15)
    case .int4: (-8, 7)
    case .uint2: (0, 3)
    case .int2: (-2, 1)
    default: (-0x1p63, 0x1p63)
    }
  }

  /// Brings what an operator computed in the type of storage back to the values of this type: wraps integers, rounds
  /// half-precision numbers.
  func normalized(_ x: Tensor) -> Tensor {
    switch self {
    case .float16: x.roundedToHalf()
    case .uint16: x .& Tensor(0xFFFF, dtype: .int32)
    case .uint32: x .& Tensor(0xFFFF_FFFF, dtype: .int64)
    case .int16: x.signExtended(bits: 16, of: 32)
    case .uint4: x .& Tensor(15, dtype: .uint8)
    case .uint2: x .& Tensor(3, dtype: .uint8)
    case .int4: x.cast(to: .int32).signExtended(bits: 4, of: 32).cast(to: .int8)
    case .int2: x.cast(to: .int32).signExtended(bits: 2, of: 32).cast(to: .int8)
    default: x
    }
  }
}

extension Tensor {
  /// The lowest `bits` of integers of `width` bits, read as two's complement.
  fileprivate func signExtended(bits: Int, of width: Int) -> Tensor {
    let shift = Tensor(width - bits, dtype: dtype)
    return shiftedLeft(shift).shiftedRight(shift)
  }

  /// The nearest numbers of IEEE half precision, halves to even; magnitudes from 65520 on become infinite.
  func roundedToHalf() -> Tensor {
    let floor = Tensor(0x1p-14, dtype: dtype)
    let size = abs()
    // An exponent wrong by one next to a power of two rounds to that power either way.
    let exponent = size.maximum(floor).minimum(Tensor(0x1p16, dtype: dtype)).log2().floor()
    let step = (exponent - 10).exp2().roundedPower
    let rounded = (size / step).round() * step
    let limited = Tensor.select(rounded .> 65504.0, Tensor(Double.infinity, dtype: dtype), rounded)
    let finite = Tensor.select(isFinite(), limited, size)
    return Tensor.select(self .< 0, -finite, Tensor.select(self .== 0, self, finite))
  }

  /// Powers of two between 2⁻²⁴ and 2⁶, freed of the power function's rounding errors.
  private var roundedPower: Tensor { (self * 0x1p24).round() * 0x1p-24 }
}
