#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Tensor: CustomStringConvertible {
  /// The elements in nested brackets, aligned; long axes are cut to their ends. A traced tensor prints its type.
  public var description: String {
    guard isConcrete else { return "traced \(type)" }
    if rank == 0 { return Tensor.format(doubles[0], dtype) }
    let edge = 3
    let isLong = count > 1000
    let shown = shape.map { n in isLong && n > 2 * edge ? Array(0..<edge) + Array((n - edge)..<n) : Array(0..<n) }
    let strides = shape.strides
    let values = doubles
    var cells: [String] = []
    func collect(_ axis: Int, _ offset: Int) {
      if axis == rank {
        cells.append(Tensor.format(values[offset], dtype))
      } else {
        for i in shown[axis] { collect(axis + 1, offset + i * strides[axis]) }
      }
    }
    collect(0, 0)
    let width = cells.map(\.count).max() ?? 0
    var next = 0
    func render(_ axis: Int, _ indent: String) -> String {
      if axis == rank {
        defer { next += 1 }
        return String(repeating: " ", count: width - cells[next].count) + cells[next]
      }
      let isCut = shown[axis].count < shape[axis]
      var parts: [String] = []
      for i in shown[axis].indices {
        if isCut && i == edge { parts.append("…") }
        parts.append(render(axis + 1, indent + " "))
      }
      let separator = axis == rank - 1 ? ", " : "," + String(repeating: "\n", count: rank - 1 - axis) + indent + " "
      return "[" + parts.joined(separator: separator) + "]"
    }
    return render(0, "")
  }

  static func format(_ value: Double, _ dtype: DType) -> String {
    switch dtype {
    case .bool: return value != 0 ? "true" : "false"
    case .int8, .int32, .int64, .uint8: return String(Int64(value))
    case .float32, .float64, .bfloat16:
      if value.isNaN { return "nan" }
      if value.isInfinite { return value < 0 ? "-∞" : "∞" }
      if value == 0 { return "0" }
      // Five significant digits, without trailing zeros.
      let magnitude = decimalExponent(value)
      if magnitude < -4 || magnitude > 6 {
        let mantissa = value / powerOfTen(magnitude)
        return trimmed(mantissa, decimals: 4) + "e\(magnitude)"
      }
      return trimmed(value, decimals: Swift.max(0, 4 - magnitude))
    }
  }

  private static func trimmed(_ value: Double, decimals: Int) -> String {
    let scale = powerOfTen(decimals)
    let scaled = (Swift.abs(value) * scale).rounded()
    let whole = Int64(scaled / scale)
    var text = (value < 0 ? "-" : "") + String(whole)
    var fraction = String(Int64(scaled) - whole * Int64(scale))
    guard decimals > 0 else { return text }
    fraction = String(repeating: "0", count: decimals - fraction.count) + fraction
    while fraction.last == "0" { fraction.removeLast() }
    if !fraction.isEmpty { text += "." + fraction }
    return text
  }
}

private func decimalExponent(_ value: Double) -> Int { Int(log10(abs(value)).rounded(.down)) }
private func powerOfTen(_ exponent: Int) -> Double { pow(10, Double(exponent)) }
