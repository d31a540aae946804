#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Tensor: CustomStringConvertible {
  /// The elements in nested brackets, aligned; long axes are cut to their ends. A traced tensor prints its type.
  public var description: String {
    guard isConcrete else { return "traced \(type)" }
    // Beyond 2⁵³ integers are not `Double`s.
    let whole: [Int64] = dtype.isFloating ? [] : array()
    let values: [Double] = dtype.isFloating ? array() : []
    func text(_ i: Int) -> String {
      dtype.isFloating ? Tensor.format(values[i]) : dtype == .bool ? "\(whole[i] != 0)" : String(whole[i])
    }
    if rank == 0 { return text(0) }
    let edge = 3
    let isLong = count > 1000
    let shown = shape.map { n in isLong && n > 2 * edge ? Array(0..<edge) + Array((n - edge)..<n) : Array(0..<n) }
    let strides = shape.strides
    var cells: [String] = []
    func collect(_ axis: Int, _ offset: Int) {
      if axis == rank {
        cells.append(text(offset))
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

  /// Five significant digits, without trailing zeros.
  static func format(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-∞" : "∞" }
    if value == 0 { return "0" }
    var exponent = decimalExponent(value)
    if exponent >= -4 && exponent <= 6 { return trimmed(value, decimals: Swift.max(0, 4 - exponent)) }
    // 10ⁿ itself is zero below the smallest number.
    var mantissa =
      exponent < -300 ? value * 1e100 / powerOfTen(exponent + 100) : value / powerOfTen(exponent)
    if Swift.abs(mantissa) >= 9.99995 {
      mantissa /= 10
      exponent += 1
    }
    return trimmed(mantissa, decimals: 4) + "e\(exponent)"
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
