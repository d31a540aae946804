import Foundation

/// Values and derivatives of an activation at many points, and where they break.
struct ActivationCurve {
  private let program: ScalarProgram

  init(_ program: ScalarProgram) { self.program = program }

  func values(_ x: [Double]) -> (value: [Double], slope: [Double], bend: [Double]) {
    let jets = program.jets(x)
    return (jets.map(\.value), jets.map(\.d1), jets.map(\.d2))
  }

  func derivative(_ order: Int, _ x: [Double]) -> [Double] {
    guard order > 0 else { return program(x) }
    return program.jets(x).map { order == 1 ? $0.d1 : order == 2 ? $0.d2 : $0.d3 }
  }

  /// Where a derivative changes its sign between points of the grid, refined by bisection.
  /// - Parameter minusInput: whether the input is subtracted from the value, for fixed points.
  func signChanges(
    _ grid: [Double], _ f: [Double], order: Int, minusInput: Bool = false
  ) -> [(x: Double, rises: Bool, isContinuous: Bool)] {
    func derivative(_ order: Int, _ x: [Double]) -> [Double] {
      let values = self.derivative(order, x)
      return minusInput ? zip(values, x).map { $0 - $1 } : values
    }
    var cells: [(low: Double, high: Double, rises: Bool)] = []
    var last: (x: Double, sign: Bool)?
    for (x, value) in zip(grid, f) where value.isFinite && value != 0 {
      if let before = last, before.sign != (value > 0), x - before.x <= 2.5 / 64 {
        cells.append((before.x, x, value > 0))
      }
      last = (x, value > 0)
    }
    guard !cells.isEmpty else { return [] }
    for _ in 0..<52 {
      let middles = cells.map { ($0.low + $0.high) / 2 }
      for (i, value) in derivative(order, middles).enumerated() {
        if (value > 0) == cells[i].rises { cells[i].high = middles[i] } else { cells[i].low = middles[i] }
      }
    }
    let (a, b) = (derivative(order, cells.map(\.low)), derivative(order, cells.map(\.high)))
    return cells.indices.map { i in
      // A whole grid point is meant where the bisection ends beside it.
      let x = (cells[i].low + cells[i].high) / 2
      let near = (x * 64).rounded() / 64
      return ((x - near).magnitude < 1e-12 ? near : x, cells[i].rises, (a[i] - b[i]).magnitude < 1e-6)
    }
  }

  /// Where a derivative of an order jumps: every cell of the grid whose ends differ is bisected towards the
  /// larger change; a difference that stays is a jump.
  func breaks(_ grid: [Double], _ f: [Double], order: Int) -> [Double] {
    let steps = zip(f, f.dropFirst()).map { ($1 - $0).magnitude }
    var cells: [(low: Double, high: Double, before: Double)] = []
    for i in 1..<(grid.count - 2) where steps[i].isFinite && steps[i] > 1e-7 {
      cells.append((grid[i], grid[i + 1], steps[i]))
    }
    guard !cells.isEmpty else { return [] }
    for step in 0..<36 {
      let middles = cells.map { ($0.low + $0.high) / 2 }
      let low = derivative(order, cells.map(\.low))
      let middle = derivative(order, middles)
      let high = derivative(order, cells.map(\.high))
      for i in cells.indices {
        if (middle[i] - low[i]).magnitude >= (high[i] - middle[i]).magnitude {
          cells[i].high = middles[i]
        } else {
          cells[i].low = middles[i]
        }
      }
      // What is smooth has shrunk with its cell.
      if step == 7 || step == 15 {
        let (a, b) = (derivative(order, cells.map(\.low)), derivative(order, cells.map(\.high)))
        cells = cells.indices.filter { !((a[$0] - b[$0]).magnitude <= 0.05 * cells[$0].before) }.map { cells[$0] }
        if cells.isEmpty { return [] }
      }
    }
    let (a, b) = (derivative(order, cells.map(\.low)), derivative(order, cells.map(\.high)))
    var result: [Double] = []
    for i in cells.indices where (a[i] - b[i]).magnitude > 0.05 * cells[i].before && (a[i] - b[i]).magnitude > 1e-6 {
      let x = (cells[i].low + cells[i].high) / 2
      let near = (x * 64).rounded() / 64
      let place = (x - near).magnitude < 1e-9 ? near : x
      if !result.contains(where: { ($0 - place).magnitude < 1e-8 }) { result.append(place) }
    }
    return result
  }
}
