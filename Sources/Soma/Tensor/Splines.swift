extension Tensor {
  /// Sums of B-splines: `y[s, o] = Σ_i Σ_r B_{i,r}(x[s, i]) c[i, r, o]`, evaluated and differentiated from the `order + 1`
  /// splines that are not zero at a place. Outside the knots every spline is zero.
  /// - `knots`: ascending, for each input: `[i, splines + order + 1]`; not differentiated.
  /// - `coefficients`: `[i, splines, o]`
  /// - Shape: `[..., i]` → `[..., o]`
  public func splineSum(knots: Tensor, coefficients: Tensor, order: Int) -> Tensor {
    checkSplines(knots, coefficients, order)
    let rows = shape.dimensions.dropLast().reduce(1, *)
    let result = emit(
      .splineSum(SplineSum(order: order), .output), reshape([1, rows, shape.last]), knots.expandDimensions(at: 0),
      coefficients.expandDimensions(at: 0))
    return result.reshape(Shape(shape.dimensions.dropLast() + [coefficients.shape[2]]))
  }

  /// The curve of every edge: `y[…, i, o] = Σ_r B_{i,r}(x[…, i]) c[i, r, o]`.
  /// - Shape: `[..., i]` → `[..., i, o]`; knots and coefficients as for `splineSum`
  public func splineCurves(knots: Tensor, coefficients: Tensor, order: Int) -> Tensor {
    checkSplines(knots, coefficients, order)
    let inputs = shape.last
    // Every input is a problem of its own.
    let rows = shape.dimensions.dropLast().reduce(1, *)
    let columns = reshape([rows, inputs]).T.expandDimensions(at: 2)
    let result = emit(
      .splineSum(SplineSum(order: order), .output), columns, knots.expandDimensions(at: 1),
      coefficients.expandDimensions(at: 1))
    return result.transposed(1, 0, 2).reshape(Shape(shape.dimensions + [coefficients.shape[2]]))
  }

  private func checkSplines(_ knots: Tensor, _ coefficients: Tensor, _ order: Int) {
    require(
      rank >= 1 && knots.rank == 2 && coefficients.rank == 3 && knots.shape[0] == shape.last
        && coefficients.shape[0] == shape.last && knots.shape[1] == coefficients.shape[1] + order + 1,
      "splines of order \(order): x \(shape), knots \(knots.shape), coefficients \(coefficients.shape)")
  }
}
