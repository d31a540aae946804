import Foundation
import Soma

/// Resampling of whole axes. Each axis is a product with a matrix of weights, or a choice of places.
extension ONNXCall {
  func resampling() throws -> [ONNXValue]? {
    switch name {
    case "Resize": return try resize()
    case "Upsample":
      let x = try input(0)
      let scales = version < 9 ? try floats("scales") ?? [] : try known(1).tensor.doubles
      let mode = try string("mode", "nearest")
      let settings = Resampling(
        mode: mode == "nearest" ? .nearest : .linear, coordinates: "asymmetric", rounding: "floor", cubic: -0.75,
        excludesOutside: false, antialiases: false, outside: 0)
      try check(scales.count == x.shape.rank, "\(scales.count) scales for \(x.shape)")
      return try resampled(x, Array(0..<x.shape.rank), scales, nil, nil, settings)
    default: return nil
    }
  }

  private func resize() throws -> [ONNXValue] {
    let x = try input(0)
    let axes = try ints("axes").map { try self.axes($0, rank: x.shape.rank) } ?? Array(0..<x.shape.rank)
    let mode: Resampling.Mode
    switch try string("mode", "nearest") {
    case "nearest": mode = .nearest
    case "linear": mode = .linear
    case "cubic": mode = .cubic
    default: throw ONNXError(.invalid, "the mode is none of nearest, linear and cubic")
    }
    let settings = Resampling(
      mode: mode, coordinates: version < 11 ? "asymmetric" : try string("coordinate_transformation_mode", "half_pixel"),
      rounding: version < 11 ? "floor" : try string("nearest_mode", "round_prefer_floor"),
      cubic: try float("cubic_coeff_a", -0.75), excludesOutside: try flag("exclude_outside"),
      antialiases: try flag("antialias"), outside: try float("extrapolation_value", 0))
    if version < 11 { return try resampled(x, axes, try known(1).tensor.doubles, nil, nil, settings) }
    let roi = has(1) && settings.coordinates == "tf_crop_and_resize" ? try known(1).tensor.doubles : nil
    if let roi { try check(roi.count == 2 * axes.count, "\(roi.count) bounds for \(axes.count) axes") }
    if let sizes = try optionalIntegers(3), !sizes.isEmpty {
      try check(sizes.count == axes.count && sizes.allSatisfy { $0 > 0 }, "sizes \(sizes) for \(axes.count) axes")
      try check(axes.allSatisfy { x.shape[$0] > 0 }, "an operand of shape \(x.shape) is empty")
      var target = sizes
      var scales = zip(sizes, axes).map { Double($0) / Double(x.shape[$1]) }
      let policy = try string("keep_aspect_ratio_policy", "stretch")
      if policy != "stretch" {
        try check(policy == "not_larger" || policy == "not_smaller", "the policy of aspect ratios is unknown")
        let scale = (policy == "not_larger" ? scales.min() : scales.max()) ?? 1
        scales = scales.map { _ in scale }
        let lengths = axes.map { (scale * Double(x.shape[$0]) + 0.5).rounded(.down) }
        try check(lengths.allSatisfy { $0 < Double(elementLimit) }, "sizes \(sizes) are too large")
        target = lengths.map { Int($0) }
      }
      return try resampled(x, axes, scales, target, roi, settings)
    }
    let scales = try known(2).tensor.doubles
    return try resampled(x, axes, scales, nil, roi, settings)
  }

  private func resampled(
    _ x: ONNXValue, _ axes: [Int], _ scales: [Double], _ sizes: [Int]?, _ roi: [Double]?, _ settings: Resampling
  ) throws -> [ONNXValue] {
    try check(scales.count == axes.count, "\(scales.count) scales for \(axes.count) axes")
    try check(scales.allSatisfy { $0 > 0 && $0.isFinite && $0 < 1e6 }, "scales \(scales)")
    var lengths = x.shape.dimensions
    for (i, axis) in axes.enumerated() {
      let length = sizes?[i] ?? Int((Double(x.shape[axis]) * scales[i]).rounded(.down))
      try check(length >= 0 && length < elementLimit, "an axis of length \(length)")
      lengths[axis] = length
    }
    let target = try checkedShape(lengths)
    if target.elementCount == 0 { return [ONNXValue(.zeros(target, dtype: x.tensor.dtype), x.element)] }
    try check(x.tensor.count > 0, "an operand of shape \(x.shape) is empty")
    let isCrop = settings.coordinates == "tf_crop_and_resize"
    var y = settings.mode == .nearest ? x.tensor : x.tensor.dtype.isFloating ? x.tensor : x.tensor.cast(to: .float32)
    var isOutside = [Tensor?](repeating: nil, count: x.shape.rank)
    for (i, axis) in axes.enumerated() where isCrop || lengths[axis] != x.shape[axis] || scales[i] != 1 {
      let n = x.shape[axis]
      let bounds = roi.map { ($0[i], $0[i + axes.count]) } ?? (0, 1)
      let places = try settings.places(n, lengths[axis], scale: scales[i], bounds: bounds)
      if isCrop, places.contains(where: { $0 < 0 || $0 > Double(n - 1) }) {
        let flags = Tensor(places.map { $0 < 0 || $0 > Double(n - 1) })
        isOutside[axis] = flags.reshape(Shape([lengths[axis]] + [Int](repeating: 1, count: x.shape.rank - axis - 1)))
      }
      if settings.mode == .nearest {
        y = y.take(Tensor(try places.map { Swift.min(Swift.max(try settings.nearest($0), 0), n - 1) }), axis: axis)
      } else {
        _ = try checkedShape([lengths[axis], n], limit: 1 << 28)
        let weights = Tensor(
          places.flatMap { settings.weights($0, n, scale: scales[i]) }, shape: [lengths[axis], n]
        ).cast(to: y.dtype)
        y = y.movingAxis(axis, to: -1).matmul(weights.T).movingAxis(-1, to: axis)
      }
    }
    for flags in isOutside {
      guard let flags else { continue }
      y = .select(flags, Tensor(settings.outside, dtype: y.dtype), y)
    }
    if x.element.isInteger, settings.mode != .nearest { y = y.round() }
    return result(y.cast(to: x.tensor.dtype), x.element)
  }
}

/// How an axis is resampled.
struct Resampling {
  enum Mode { case nearest, linear, cubic }

  var mode: Mode
  var coordinates: String
  var rounding: String
  var cubic: Double
  var excludesOutside: Bool
  var antialiases: Bool
  var outside: Double

  /// Where each element of the result lies in the operand.
  func places(_ n: Int, _ length: Int, scale: Double, bounds: (start: Double, end: Double)) throws -> [Double] {
    try (0..<length).map { i in
      let x = Double(i)
      switch coordinates {
      case "half_pixel": return (x + 0.5) / scale - 0.5
      case "pytorch_half_pixel": return length > 1 ? (x + 0.5) / scale - 0.5 : 0
      case "half_pixel_symmetric":
        let adjustment = Double(length) / (scale * Double(n))
        return Double(n) / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5
      case "align_corners":
        // The length before rounding, as the standard says.
        let whole = scale * Double(n)
        return length > 1 && whole > 1 ? x * Double(n - 1) / (whole - 1) : 0
      case "asymmetric": return x / scale
      case "tf_crop_and_resize":
        let last = Double(n - 1)
        return length > 1
          ? bounds.start * last + x * (bounds.end - bounds.start) * last / Double(length - 1)
          : 0.5 * (bounds.start + bounds.end) * last
      default: throw ONNXError(.unsupported, "the coordinates \(coordinates.prefix(30))")
      }
    }
  }

  func nearest(_ x: Double) throws -> Int {
    guard abs(x) < 1e15 else { throw ONNXError(.invalid, "a place of \(x)") }
    switch rounding {
    case "round_prefer_floor": return Int((x - 0.5).rounded(.up))
    case "round_prefer_ceil": return Int((x + 0.5).rounded(.down))
    case "floor": return Int(x.rounded(.down))
    case "ceil": return Int(x.rounded(.up))
    default: throw ONNXError(.invalid, "nearest_mode is unknown")
    }
  }

  /// The share that each element of the operand has in what lies at `x`.
  func weights(_ x: Double, _ n: Int, scale: Double) -> [Float] {
    let stretch = antialiases ? Swift.min(scale, 1) : 1
    let reach = (mode == .linear ? 1 : 2) / stretch
    var sums = [Double](repeating: 0, count: n)
    var total = 0.0
    // Far outside, every element in reach is the edge.
    let center = Swift.min(Swift.max(x, -reach - 4), Double(n) + reach + 4)
    for i in Int((center - reach).rounded(.down))...Int((center + reach).rounded(.up)) {
      if excludesOutside && (i < 0 || i >= n) { continue }
      let weight = kernel(abs(Double(i) - center) * stretch)
      sums[Swift.min(Swift.max(i, 0), n - 1)] += weight
      total += weight
    }
    return sums.map { Float(total != 0 ? $0 / total : 0) }
  }

  /// The triangle, or the cubic convolution kernel. (Keys 1981)
  private func kernel(_ d: Double) -> Double {
    guard mode == .cubic else { return Swift.max(0, 1 - d) }
    if d <= 1 { return ((cubic + 2) * d - (cubic + 3)) * d * d + 1 }
    if d < 2 { return ((cubic * d - 5 * cubic) * d + 8 * cubic) * d - 4 * cubic }
    return 0
  }
}
