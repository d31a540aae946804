import Kernels
import Testing

@Suite("Window reductions")
struct WindowTests {
  /// One axis of a window.
  struct Axis {
    var input: Int, output: Int, size: Int, stride: Int, dilation: Int, low: Int

    /// The input positions that output `w` reads.
    func positions(_ w: Int) -> [Int] {
      (0..<size).map { w * stride + $0 * dilation - low }.filter { (0..<input).contains($0) }
    }
  }

  static func window(_ axes: [Axis]) -> soma_window {
    var window = soma_window()
    window.rank = Int32(axes.count)
    func tuple(_ value: (Axis) -> Int) -> (Int64, Int64, Int64) {
      let values = axes.map { Int64(value($0)) } + [0, 0, 0]
      return (values[0], values[1], values[2])
    }
    window.in = tuple(\.input)
    window.out = tuple(\.output)
    window.size = tuple(\.size)
    window.stride = tuple(\.stride)
    window.dilation = tuple(\.dilation)
    window.low = tuple(\.low)
    return window
  }

  /// Flat input places of every window, in row-major order.
  static func cells(_ axes: [Axis]) -> [[Int]] {
    axes.reduce([[0]]) { windows, axis in
      windows.flatMap { places in
        (0..<axis.output).map { w in
          places.flatMap { place in axis.positions(w).map { place * axis.input + $0 } }
        }
      }
    }
  }

  static let cases: [[Axis]] = {
    var numbers = TestNumbers(state: 3)
    let usual = [
      // 2 by 2 by 2, 3 by 3 with a border, the whole plane, and padding beyond the window.
      [
        Axis(input: 8, output: 4, size: 2, stride: 2, dilation: 1, low: 0),
        Axis(input: 34, output: 17, size: 2, stride: 2, dilation: 1, low: 0),
      ],
      [
        Axis(input: 9, output: 9, size: 3, stride: 1, dilation: 1, low: 1),
        Axis(input: 21, output: 21, size: 3, stride: 1, dilation: 1, low: 1),
      ],
      [
        Axis(input: 8, output: 1, size: 8, stride: 1, dilation: 1, low: 0),
        Axis(input: 80, output: 1, size: 80, stride: 1, dilation: 1, low: 0),
      ],
      [Axis(input: 5, output: 9, size: 2, stride: 1, dilation: 1, low: 3)],
      [Axis(input: 700, output: 350, size: 3, stride: 2, dilation: 1, low: 1)],
    ]
    let random = (0..<30).map { round in
      (0..<round % 3 + 1).map { _ in
        let input = Int.random(in: 1...14, using: &numbers)
        let stride = Int.random(in: 1...3, using: &numbers)
        return Axis(
          input: input, output: .random(in: 1...input / stride + 3, using: &numbers),
          size: .random(in: 1...4, using: &numbers), stride: stride, dilation: .random(in: 1...2, using: &numbers),
          low: .random(in: -1...4, using: &numbers))
      }
    }
    return usual + random
  }()

  @Test("agree with naive loops", arguments: KernelCalls.levels)
  func agree(level: Int32) {
    for axes in Self.cases {
      let count = axes.reduce(1) { $0 * $1.input }
      let outer = 2
      let cells = Self.cells(axes)
      var numbers = TestNumbers(state: UInt64(count))
      var x = (0..<outer * count).map { _ in Float(Int.random(in: -8...8, using: &numbers)) / 4 }
      x[count / 2] = .nan
      var window = Self.window(axes)
      KernelCalls.atLevel(level) {
        for op in ReductionTests.operations {
          var out = [Float](repeating: 7, count: outer * cells.count)
          soma_window_reduce(op, SOMA_F32, &out, x, outer, &window)
          for (index, result) in out.enumerated() {
            let values = cells[index % cells.count].map { Double(x[index / cells.count * count + $0]) }
            let exact =
              switch op {
              case SOMA_REDUCE_SUM: values.reduce(0, +)
              case SOMA_REDUCE_PRODUCT: values.reduce(1, *)
              case SOMA_REDUCE_MAX: values.reduce(-.infinity) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
              default: values.reduce(.infinity) { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }
              }
            // Quarters add without rounding.
            let tolerance = op == SOMA_REDUCE_PRODUCT ? abs(exact) * 1e-5 + 1e-30 : 0
            let same = exact.isNaN ? result.isNaN : Double(result) == exact || abs(Double(result) - exact) <= tolerance
            #expect(same, "\(axes) at \(index): \(result), expected \(exact)")
          }
        }
        var places = [Int32](repeating: -2, count: outer * cells.count)
        soma_window_arg_max(SOMA_F32, &places, x, outer, &window)
        for (index, place) in places.enumerated() {
          let candidates = cells[index % cells.count]
          let base = index / cells.count * count
          let first =
            candidates.first { x[base + $0].isNaN }
            ?? candidates.first { c in candidates.allSatisfy { x[base + $0] <= x[base + c] } }
          #expect(Int(place) == first ?? -1)
        }
      }
    }
  }
}
