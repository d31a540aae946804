import Foundation
import Soma

/// Operators that read a picture at places that other tensors give.
extension ONNXCall {
  func sampling() throws -> [ONNXValue]? {
    switch name {
    case "GridSample": return try gridSample()
    case "AffineGrid": return try affineGrid()
    case "RoiAlign": return try roiAlign()
    case "DeformConv": return try deformableConvolution()
    default: return nil
    }
  }

  private func gridSample() throws -> [ONNXValue] {
    let (x, grid) = (try floating(0), try floating(1))
    let n = x.shape.rank - 2
    try check((1...3).contains(n), "an operand of shape \(x.shape)")
    try check(
      grid.shape.rank == n + 2 && grid.shape.last == n && grid.shape[0] == x.shape[0],
      "a grid of shape \(grid.shape) for \(x.shape)")
    try check(x.tensor.count > 0 && grid.tensor.count > 0, "an operand is empty")
    let spatial = Array(x.shape[2...])
    let alignsCorners = try flag("align_corners")
    let padding = try string("padding_mode", "zeros")
    try check(["zeros", "border", "reflection"].contains(padding), "padding_mode is unknown")
    let positions = Array(grid.shape[1..<(n + 1)])
    let count = positions.reduce(1, *)
    _ = try checkedShape([x.shape[0], x.shape[1], count])
    // The grid's last axis names the innermost spatial axis first.
    let columns = grid.tensor.cast(to: .float32).reshape(Shape([x.shape[0], count, n])).split(n, axis: 2)
    let coordinates = (0..<n).map { axis -> Tensor in
      let g = columns[n - 1 - axis].squeezed([2])
      let length = Double(spatial[axis])
      let place = alignsCorners ? (g + 1) * ((length - 1) / 2) : ((g + 1) * length - 1) / 2.0
      guard padding == "reflection" else { return place }
      return alignsCorners ? place.reflected(0, length - 1) : place.reflected(-0.5, length - 0.5)
    }
    let flat = x.tensor.reshape(Shape([x.shape[0], x.shape[1], spatial.reduce(1, *)]))
    func pick(_ corner: [Tensor]) -> Tensor {
      let whole = zip(corner, spatial).map { place, length -> Tensor in
        padding == "reflection"
          ? (alignsCorners
            ? place.reflected(0, Double(length - 1)) : place.reflected(-0.5, Double(length) - 0.5)).round() : place
      }
      return flat.taken(whole, spatial, zeroOutside: padding == "zeros")
    }
    let y: Tensor
    switch try string("mode", "linear") {
    case "nearest": y = pick(coordinates.map { $0.round() })
    case "linear", "bilinear": y = combine(coordinates, taps: 2, pick) { t in [1 - t, t] }
    case "cubic", "bicubic":
      y = combine(coordinates, taps: 4, pick) { t in
        let a = -0.75
        func near(_ d: Tensor) -> Tensor { (d * (a + 2) - (a + 3)) * d * d + 1 }
        func far(_ d: Tensor) -> Tensor { ((d * a - 5 * a) * d + 8 * a) * d - 4 * a }
        return [far(t + 1), near(t), near(1 - t), far(2 - t)]
      }
    default: throw ONNXError(.invalid, "the mode is none of nearest, linear and cubic")
    }
    return result(y.cast(to: x.tensor.dtype).reshape(Shape([x.shape[0], x.shape[1]] + positions)), x.element)
  }

  /// Sums over all neighbours along each axis, each with the product of its weights.
  private func combine(
    _ coordinates: [Tensor], taps: Int, _ pick: ([Tensor]) -> Tensor, _ weights: (Tensor) -> [Tensor]
  ) -> Tensor {
    let floors = coordinates.map { $0.floor() }
    let shares = zip(coordinates, floors).map { weights($0 - $1) }
    let first = 1 - taps / 2
    var sum: Tensor?
    for number in 0..<Int(pow(Double(taps), Double(coordinates.count))) {
      var rest = number
      var corner = [Tensor]()
      var weight: Tensor?
      for axis in coordinates.indices {
        let tap = rest % taps
        rest /= taps
        corner.append(floors[axis] + Double(first + tap))
        weight = weight.map { $0 * shares[axis][tap] } ?? shares[axis][tap]
      }
      guard let weight else { continue }
      let term = pick(corner) * weight.expandDimensions(at: 1)
      sum = sum.map { $0 + term } ?? term
    }
    return sum ?? coordinates[0]
  }

  private func affineGrid() throws -> [ONNXValue] {
    let theta = try floating(0)
    let size = try checkedShape(try integers(1))
    let n = size.rank - 2
    try check(n == 2 || n == 3, "a size of \(size)")
    try check(theta.shape == [size[0], n, n + 1], "a map of shape \(theta.shape) for a size of \(size)")
    try check(size.elementCount > 0, "a size of \(size)")
    let alignsCorners = try flag("align_corners")
    let spatial = Shape(Array(size[2...]))
    var columns = (0..<n).reversed().map { axis -> Tensor in
      let length = spatial[axis]
      let steps = (0..<length).map { i -> Float in
        alignsCorners
          ? (length > 1 ? Float(-1 + 2 * Double(i) / Double(length - 1)) : 0)
          : Float((2 * Double(i) + 1) / Double(length) - 1)
      }
      return Tensor(steps).reshape(Shape([length] + [Int](repeating: 1, count: n - axis - 1))).broadcast(to: spatial)
    }
    columns.append(.ones(spatial))
    let points = Tensor.stack(columns, axis: -1).reshape(Shape([1, spatial.elementCount, n + 1])).cast(
      to: theta.tensor.dtype)
    let y = points.matmul(theta.tensor.T)
    return result(y.reshape(Shape([size[0]] + spatial.dimensions + [n])), theta.element)
  }

  /// He et al. 2017, arXiv 1703.06870.
  private func roiAlign() throws -> [ONNXValue] {
    let (x, rois) = (try floating(0), try known(1))
    try check(x.shape.rank == 4 && x.tensor.count > 0, "an operand of shape \(x.shape)")
    let count = rois.shape.rank == 2 ? rois.shape[0] : 0
    try check(rois.shape == [count, 4], "regions of shape \(rois.shape)")
    let batch = try integers(2)
    try check(batch.count == count && batch.allSatisfy { $0 >= 0 && $0 < x.shape[0] }, "regions in pictures \(batch)")
    let (rows, columns) = (try int("output_height", 1), try int("output_width", 1))
    let ratio = try int("sampling_ratio", 0)
    let scale = try float("spatial_scale", 1)
    let takesMaximum = try string("mode", "avg") == "max"
    let isHalfPixel = version >= 16 ? try string("coordinate_transformation_mode", "half_pixel") == "half_pixel" : false
    try check(rows > 0 && columns > 0 && ratio >= 0 && ratio < 1024, "cells \(rows) × \(columns), ratio \(ratio)")
    _ = try checkedShape([count, x.shape[1], rows, columns])
    let (height, width) = (x.shape[2], x.shape[3])
    let numbers = rois.tensor.doubles
    try check(numbers.allSatisfy { $0.isFinite && abs($0) < 1e6 }, "a region without finite bounds")
    var parts = [Tensor]()
    for roi in 0..<count {
      let offset = isHalfPixel ? 0.5 : 0
      let box = (0..<4).map { numbers[roi * 4 + $0] * scale - offset }
      var (w, h) = (box[2] - box[0], box[3] - box[1])
      if !isHalfPixel { (w, h) = (Swift.max(w, 1), Swift.max(h, 1)) }
      let (cellHeight, cellWidth) = (h / Double(rows), w / Double(columns))
      let gridY = ratio > 0 ? ratio : Int(cellHeight.rounded(.up))
      let gridX = ratio > 0 ? ratio : Int(cellWidth.rounded(.up))
      try check(gridX > 0 && gridY > 0 && gridX < 4096 && gridY < 4096, "a region of \(w) × \(h)")
      // Four neighbours and their weights for each sample; samples far outside are zero.
      var (places, shares) = ([[Int64]](repeating: [], count: 4), [[Float]](repeating: [], count: 4))
      _ = try checkedShape([rows, columns, gridX, gridY], limit: 1 << 24)
      for row in 0..<rows {
        for column in 0..<columns {
          for iy in 0..<gridY {
            for ix in 0..<gridX {
              var y = box[1] + cellHeight * (Double(row) + (Double(iy) + 0.5) / Double(gridY))
              var x = box[0] + cellWidth * (Double(column) + (Double(ix) + 0.5) / Double(gridX))
              let isOutside = y < -1 || y > Double(height) || x < -1 || x > Double(width)
              (y, x) = (Swift.min(Swift.max(y, 0), Double(height - 1)), Swift.min(Swift.max(x, 0), Double(width - 1)))
              let (y0, x0) = (Int(y), Int(x))
              let (y1, x1) = (Swift.min(y0 + 1, height - 1), Swift.min(x0 + 1, width - 1))
              let (ly, lx) = (y - Double(y0), x - Double(x0))
              let corners = [
                (y0, x0, (1 - ly) * (1 - lx)), (y0, x1, (1 - ly) * lx), (y1, x0, ly * (1 - lx)), (y1, x1, ly * lx),
              ]
              for (i, corner) in corners.enumerated() {
                places[i].append(Int64(corner.0 * width + corner.1))
                shares[i].append(isOutside ? 0 : Float(corner.2))
              }
            }
          }
        }
      }
      let picture = x.tensor.split(x.shape[0], axis: 0)[batch[roi]].reshape(Shape([x.shape[1], height * width]))
      let terms = (0..<4).map { i in
        picture.take(Tensor(places[i]), axis: 1) * Tensor(shares[i]).cast(to: x.tensor.dtype)
      }
      let shape = Shape([x.shape[1], rows, columns, gridY * gridX])
      if takesMaximum {
        let largest = terms.dropFirst().reduce(terms[0]) { $0.maximum($1) }
        parts.append(largest.reshape(shape).max([3]))
      } else {
        parts.append(terms.dropFirst().reduce(terms[0]) { $0 + $1 }.reshape(shape).mean([3]))
      }
    }
    let shape = Shape([0, x.shape[1], rows, columns])
    return result(parts.isEmpty ? .zeros(shape, dtype: x.tensor.dtype) : .stack(parts), x.element)
  }

  /// Dai et al. 2017, arXiv 1703.06211; masks: Zhu et al. 2018, arXiv 1811.11168.
  private func deformableConvolution() throws -> [ONNXValue] {
    let (x, kernel, offset) = (try floating(0), try floating(1), try floating(2))
    try sameElements([x, kernel, offset])
    try check(x.shape.rank == 4 && kernel.shape.rank == 4, "only pictures are known here, not \(x.shape)")
    let size = Array(kernel.shape[2...])
    let window = try window(size: size, input: Array(x.shape[2...]))
    let (groups, offsetGroups) = (try int("group", 1), try int("offset_group", 1))
    let (n, channels) = (x.shape[0], x.shape[1])
    try check(
      groups > 0 && offsetGroups > 0 && channels == kernel.shape[1] * groups && kernel.shape[0] % groups == 0
        && channels % offsetGroups == 0, "\(channels) channels, a kernel of \(kernel.shape), \(groups) groups")
    let positions = window.positions(Array(x.shape[2...]))
    let taps = size.reduce(1, *)
    try check(
      offset.shape == Shape([n, offsetGroups * taps * 2] + positions) && positions.allSatisfy { $0 > 0 }
        && x.tensor.count > 0,
      "offsets of shape \(offset.shape)")
    let count = positions.reduce(1, *)
    _ = try checkedShape([n, channels, taps, count])
    let moves = offset.tensor.reshape(Shape([n, offsetGroups, taps, 2, positions[0], positions[1]]))
    let parts = moves.split(2, axis: 3).map { $0.squeezed([3]) }
    let dtype = x.tensor.dtype
    let grid: Shape = [1, 1, taps, positions[0], positions[1]]
    let tap = Tensor.iota(grid, axis: 2, dtype: .int32)
    let ky = tap.floorDivide(by: Tensor(size[1], dtype: .int32))
    let kx = tap - ky * size[1]
    let baseY = Tensor.iota(grid, axis: 3, dtype: .int32) * window.strides[0] + ky * window.dilations[0] - window.low[0]
    let baseX = Tensor.iota(grid, axis: 4, dtype: .int32) * window.strides[1] + kx * window.dilations[1] - window.low[1]
    let rows = (parts[0] + baseY.cast(to: dtype)).reshape(Shape([n * offsetGroups, taps * count]))
    let columns = (parts[1] + baseX.cast(to: dtype)).reshape(Shape([n * offsetGroups, taps * count]))
    let spatial = Array(x.shape[2...])
    let flat = x.tensor.reshape(Shape([n * offsetGroups, channels / offsetGroups, spatial[0] * spatial[1]]))
    var samples = combine([rows, columns], taps: 2, { flat.taken($0, spatial, zeroOutside: true) }) { [1 - $0, $0] }
    if let mask = optional(4) {
      try check(mask.shape == Shape([n, offsetGroups * taps] + positions), "a mask of shape \(mask.shape)")
      samples = samples * mask.tensor.reshape(Shape([n * offsetGroups, 1, taps * count]))
    }
    let perGroup = channels / groups * taps
    let matrix = samples.reshape(Shape([n, groups, perGroup, count]))
    let weights = kernel.tensor.reshape(Shape([1, groups, kernel.shape[0] / groups, perGroup]))
    var y = weights.matmul(matrix).reshape(Shape([n, kernel.shape[0]] + positions))
    if let bias = optional(3) {
      try check(bias.shape == [kernel.shape[0]], "a bias of shape \(bias.shape)")
      y = y + bias.tensor.reshape(Shape([kernel.shape[0], 1, 1]))
    }
    return result(y, x.element)
  }
}

extension Tensor {
  /// Coordinates mirrored at two borders until they lie between them.
  fileprivate func reflected(_ low: Double, _ high: Double) -> Tensor {
    let span = high - low
    guard span > 0 else { return self * 0 }
    let distance = (self - low).abs() % Tensor(2 * span, dtype: dtype)
    return low + Tensor.select(distance .> span, 2 * span - distance, distance)
  }

  /// The elements of flattened pictures [n, c, s] at whole coordinates [n, p], each cut to its axis or zero outside.
  fileprivate func taken(_ coordinates: [Tensor], _ lengths: [Int], zeroOutside: Bool) -> Tensor {
    var place: Tensor?
    var isInside: Tensor?
    for (axis, coordinate) in coordinates.enumerated() {
      let last = Double(lengths[axis] - 1)
      if zeroOutside {
        let inside = (coordinate .>= 0) .& (coordinate .<= last)
        isInside = isInside.map { $0 .& inside } ?? inside
      }
      let index = coordinate.clipped(0, last).cast(to: .int64)
      place = place.map { $0 * lengths[axis] + index } ?? index
    }
    guard let place else { return self }
    let picked = takeAlong(place.expandDimensions(at: 1), axis: 2)
    guard let isInside else { return picked }
    return .select(isInside.expandDimensions(at: 1), picked, Tensor(0, dtype: dtype))
  }
}
