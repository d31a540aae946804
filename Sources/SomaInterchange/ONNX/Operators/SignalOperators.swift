import Foundation
import Soma

/// Fourier transforms and windows.
extension ONNXCall {
  func signal() throws -> [ONNXValue]? {
    switch name {
    case "DFT": return try transform()
    case "STFT": return try shortTime()
    case "HannWindow": return try window([0.5, -0.5])
    case "HammingWindow": return try window([25.0 / 46, -21.0 / 46])
    case "BlackmanWindow": return try window([0.42, -0.5, 0.08])
    case "MelWeightMatrix": return try mel()
    default: return nil
    }
  }

  /// A sum of cosines.
  private func window(_ coefficients: [Double]) throws -> [ONNXValue] {
    let size = try integer(0)
    _ = try checkedShape([size], limit: 1 << 28)
    let target = try element("output_datatype") ?? .float32
    let period = Double(try flag("periodic", true) ? size : size - 1)
    let numbers = (0..<size).map { i in
      coefficients.enumerated().reduce(0.0) { sum, term in
        sum + term.element * (period == 0 ? 1 : cos(2 * .pi * Double(term.offset * i) / period))
      }
    }
    return result(Tensor(numbers).cast(to: target.storage), target)
  }

  private func transform() throws -> [ONNXValue] {
    let x = try floating(0)
    let rank = x.shape.rank
    try check(rank >= 2 && (x.shape.last == 1 || x.shape.last == 2), "an operand of shape \(x.shape)")
    let axis = try self.axis(version < 20 ? int("axis", 1) : has(2) ? integer(2) : -2, rank: rank)
    try check(axis != rank - 1, "the last axis holds real and imaginary parts")
    let isInverse = try flag("inverse")
    let isOneSided = try flag("onesided")
    let standard = isInverse && isOneSided ? 2 * (x.shape[axis] - 1) : x.shape[axis]
    let length = try optionalIntegers(1)?.first ?? standard
    try check(length > 0 && length < 1 << 28, "a length of \(length)")
    // In double precision, so that what cancels is zero to single precision.
    let wide = x.tensor.cast(to: .float64)
    let isReal = x.shape.last == 1
    var parts = wide.split(x.shape.last, axis: -1).map { $0.squeezed([rank - 1]) }
    if isReal { parts.append(parts[0] * 0) }
    let n = length
    let known = parts[0].shape[axis]
    let wanted = isInverse && isOneSided ? n / 2 + 1 : n
    _ = try checkedShape(parts[0].shape.replacing(axis: axis, with: n).dimensions)
    parts = parts.map { part in
      if known == wanted { return part }
      if known > wanted { return part.split(sizes: [wanted, known - wanted], axis: axis)[0] }
      var high = part.shape.map { _ in 0 }
      high[axis] = wanted - known
      return part.padded(low: high.map { _ in 0 }, high: high)
    }
    let y: Tensor
    if isInverse && isOneSided {
      y = Tensor.inverseRealFourier(real: parts[0], imaginary: parts[1], length: n, axis: axis).expandDimensions(at: -1)
    } else if isInverse {
      let (real, imaginary) = Tensor.inverseFourier(real: parts[0], imaginary: parts[1], axis: axis)
      y = .stack([real, imaginary], axis: -1)
    } else {
      var (real, imaginary) = parts[0].fourier(imaginary: parts[1], axis: axis)
      if isOneSided {
        let half = n / 2 + 1
        (real, imaginary) = (
          real.split(sizes: [half, n - half], axis: axis)[0], imaginary.split(sizes: [half, n - half], axis: axis)[0]
        )
      }
      y = .stack([real, imaginary], axis: -1)
    }
    return result(y.cast(to: x.tensor.dtype), x.element)
  }

  private func shortTime() throws -> [ONNXValue] {
    let x = try floating(0)
    try check(
      x.shape.rank == 3 && x.shape[2] >= 1 && x.shape[2] <= 2 || x.shape.rank == 2, "a signal of shape \(x.shape)")
    let step = try integer(1)
    let windowValue = optional(2)
    let length = has(3) ? try integer(3) : windowValue?.tensor.count ?? 0
    let n = x.shape[1]
    try check(step > 0 && length > 0 && length <= n, "frames of \(length) every \(step) in a signal of \(n)")
    let isComplex = x.shape.rank == 3 && x.shape[2] == 2
    let frames = (n - length) / step + 1
    _ = try checkedShape([x.shape[0], frames, length])
    let places = Tensor(
      (0..<frames).flatMap { f in (0..<length).map { Int64(f * step + $0) } }, shape: [frames, length])
    let channels = x.shape.rank == 3 ? x.tensor.split(x.shape[2], axis: 2).map { $0.squeezed([2]) } : [x.tensor]
    var parts = channels.map { $0.take(places, axis: 1) }
    if let window = windowValue?.tensor {
      try check(window.shape == [length] && window.dtype == x.tensor.dtype, "a window of shape \(window.shape)")
      parts = parts.map { $0 * window }
    }
    var (real, imaginary) = parts[0].fourier(imaginary: isComplex ? parts[1] : nil, axis: 2)
    if try flag("onesided", true), !isComplex {
      let half = length / 2 + 1
      (real, imaginary) = (
        real.split(sizes: [half, length - half], axis: 2)[0], imaginary.split(sizes: [half, length - half], axis: 2)[0]
      )
    }
    return result(.stack([real, imaginary], axis: -1).cast(to: x.tensor.dtype), x.element)
  }

  private func mel() throws -> [ONNXValue] {
    let (bins, length, rate) = (try integer(0), try integer(1), try integer(2))
    let (low, high) = (try number(3), try number(4))
    let target = try element("output_datatype") ?? .float32
    try check(bins > 0 && length > 0 && rate > 0 && low >= 0 && high > low && high < 1e9, "its settings")
    let rows = length / 2 + 1
    let shape = try checkedShape([rows, bins], limit: 1 << 28)
    func toMel(_ f: Double) -> Double { 2595 * log10(1 + f / 700) }
    let (first, last) = (toMel(low), toMel(high))
    let step = (last - first) / Double(bins + 2)
    let edges = (0..<bins + 2).map { i -> Int in
      let f = 700 * (pow(10, (Double(i) * step + first) / 2595) - 1)
      return Int((Double(length + 1) * f / Double(rate)).rounded(.down))
    }
    var weights = [Float](repeating: 0, count: rows * bins)
    func put(_ row: Int, _ column: Int, _ value: Double) throws {
      try check(row >= 0 && row < rows, "an edge lies beyond half of the sample rate")
      weights[row * bins + column] = Float(value)
    }
    for i in 0..<bins {
      let (lower, center, upper) = (edges[i], edges[i + 1], edges[i + 2])
      if center == lower {
        try put(center, i, 1)
      } else {
        for j in lower...center { try put(j, i, Double(j - lower) / Double(center - lower)) }
      }
      if upper > center {
        for j in center..<upper { try put(j, i, Double(upper - j) / Double(upper - center)) }
      }
    }
    return result(Tensor(weights, shape: shape).cast(to: target.storage), target)
  }
}
