import Testing

@testable import Soma

/// Subscripts, by NumPy's rules.
@Suite struct IndexingTests {
  /// 0 ..< 24 as [2, 3, 4]: element (i, j, k) is 12 i + 4 j + k.
  private let x = Tensor.iota([24], dtype: .int32).reshape(2, 3, 4)

  private func expect(
    _ part: Tensor, _ shape: Shape, _ values: [Int], _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(part.shape == shape, sourceLocation: location)
    #expect(part.ints == values, sourceLocation: location)
  }

  @Test func positions() {
    expect(x[1, 2, 3], [], [23])
    expect(x[-1, -3, -4], [], [12])
    expect(x[1], [3, 4], Array(12..<24))
    expect(x[0, -1], [4], [8, 9, 10, 11])
  }

  @Test func ranges() {
    expect(x[.ellipsis, 0..<3], [2, 3, 3], [0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20, 21, 22])
    expect(x[1, 1...2, 2...], [2, 2], [18, 19, 22, 23])
    expect(x[0, ..<1, ...1], [1, 2], [0, 1])
    expect(x[0, 0, -3 ..< -1], [2], [1, 2])
    expect(x[0, 0, (-2)...], [2], [2, 3])
    expect(x[0, 0, ...(-2)], [3], [0, 1, 2])
    expect(x[0, 0, -3...(-1)], [3], [1, 2, 3])
    expect(x[0, 0, ...(-1)], [4], [0, 1, 2, 3])
  }

  @Test func rangesAreCutToTheAxis() {
    expect(x[0, 0, 2..<100], [2], [2, 3])
    expect(x[0, 0, 7..<9], [0], [])
    expect(x[5..<9], [0, 3, 4], [])
    expect(x[0, 0, -100..<1], [1], [0])
    expect(x[0, 0, 3..<3], [0], [])
  }

  @Test func ellipsisStandsForAllAxesThatAreLeft() {
    expect(x[.ellipsis, 1], [2, 3], [1, 5, 9, 13, 17, 21])
    expect(x[1, .ellipsis, 1], [3], [13, 17, 21])
    expect(x[1, 2, 3, .ellipsis], [], [23])
    expect(x[.ellipsis], [2, 3, 4], Array(0..<24))
    expect(x[.all, 1, .all], [2, 4], [4, 5, 6, 7, 16, 17, 18, 19])
  }

  @Test func newAxes() {
    #expect(x[.newAxis].shape == [1, 2, 3, 4])
    #expect(x[.ellipsis, .newAxis].shape == [2, 3, 4, 1])
    #expect(x[1..., .newAxis, 2].shape == [1, 1, 4])
    expect(x[0, .newAxis, 1, .newAxis, 1...], [1, 1, 3], [5, 6, 7])
    let row: Tensor = [1, 2, 3]
    #expect((row[.all, .newAxis] * row[.newAxis]).floats == [1, 2, 3, 2, 4, 6, 3, 6, 9])
  }

  @Test func strides() {
    expect(x[0, 0, .stride(by: 2)], [2], [0, 2])
    expect(x[0, 0, .stride(from: 1, by: 2)], [2], [1, 3])
    expect(x[0, 0, .stride(from: 1, to: 3, by: 2)], [1], [1])
    expect(x[0, 0, .stride(by: 100)], [1], [0])
    expect(x[0, .stride(from: -2, by: 1), 0], [2], [4, 8])
  }

  @Test func negativeStridesRunBackwards() {
    expect(x[0, 0, .stride(by: -1)], [4], [3, 2, 1, 0])
    expect(x[0, 0, .stride(by: -2)], [2], [3, 1])
    expect(x[0, 0, .stride(from: 2, by: -2)], [2], [2, 0])
    expect(x[0, 0, .stride(from: 2, to: 0, by: -1)], [2], [2, 1])
    expect(x[0, 0, .stride(from: -1, to: -3, by: -1)], [2], [3, 2])
    expect(x[0, 0, .stride(from: 0, to: 2, by: -1)], [0], [])
    expect(x[.stride(by: -1), 0, .stride(by: -3)], [2, 2], [15, 12, 3, 0])
  }

  @Test func partsOfTracedTensorsAreDifferentiable() {
    let gradient = grad { (x: Tensor) in (x[.stride(by: -2), 1...].sum() * 2 + x[0, .newAxis].sum()) }(
      Tensor.zeros([3, 3], dtype: .float64))
    #expect(gradient.doubles == [1, 3, 3, 0, 0, 0, 0, 2, 2])
  }

  @Test func shapesMayBeIndexedFromTheEnd() {
    let shape: Shape = [2, 3, 4]
    #expect(shape[-1] == 4 && shape[0] == 2 && shape.last == 4)
    #expect(shape.strides == [12, 4, 1] && shape.elementCount == 24)
    #expect(Shape.scalar.elementCount == 1 && ([3, 0] as Shape).elementCount == 0)
  }
}
