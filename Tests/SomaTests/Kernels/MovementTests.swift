import Kernels
import Testing

@Suite("Kernels that move and order elements")
struct MovementTests {
  /// Strides of a random layout in memory: a permutation of the axes with gaps, some reversed, some repeated if the
  /// layout is only read. Returns the offset of the first element and the elements in all.
  static func layout(
    _ dims: [Int64], repeats: Bool, _ numbers: inout TestNumbers
  ) -> (strides: [Int64], offset: Int, count: Int) {
    var strides = [Int64](repeating: 0, count: dims.count)
    var offset = 0
    var span = 1
    let order = Bool.random(using: &numbers) ? Array(dims.indices.reversed()) : dims.indices.shuffled(using: &numbers)
    for axis in order {
      if repeats && Int.random(in: 0..<5, using: &numbers) == 0 { continue }
      let step = span * [1, 1, 1, 2, 3].randomElement(using: &numbers)!
      let isReversed = Int.random(in: 0..<3, using: &numbers) == 0
      strides[axis] = Int64(isReversed ? -step : step)
      if isReversed { offset += step * (Int(dims[axis]) - 1) }
      span = step * Int(dims[axis]) + [0, 0, 2].randomElement(using: &numbers)!
    }
    return (strides, offset, span)
  }

  static func checkCopies<Element: FixedWidthInteger>(_: Element.Type, level: Int32) {
    var numbers = TestNumbers(state: 11)
    for round in 0..<150 {
      let rank = round % 6
      let most = rank <= 2 ? 70 : rank == 3 ? 20 : 6
      let dims = (0..<rank).map { _ in Int64.random(in: 1...Int64(most), using: &numbers) }
      let source = layout(dims, repeats: true, &numbers)
      let target = layout(dims, repeats: false, &numbers)
      let input = (0..<source.count + 8).map { Element(truncatingIfNeeded: $0 &* 167 &+ 13) }
      var out = [Element](repeating: 0, count: target.count + 8)
      var expected = out
      input.withUnsafeBufferPointer { input in
        out.withUnsafeMutableBufferPointer { out in
          soma_copy_strided(
            MemoryLayout<Element>.size, out.baseAddress! + target.offset, target.strides,
            input.baseAddress! + source.offset, source.strides, dims, Int32(rank))
        }
      }
      var index = [Int64](repeating: 0, count: rank)
      for _ in 0..<dims.reduce(1, *) {
        let from = source.offset + Int(zip(index, source.strides).reduce(0) { $0 + $1.0 * $1.1 })
        let to = target.offset + Int(zip(index, target.strides).reduce(0) { $0 + $1.0 * $1.1 })
        expected[to] = input[from]
        for axis in index.indices.reversed() {
          index[axis] += 1
          if index[axis] < dims[axis] { break }
          index[axis] = 0
        }
      }
      #expect(out == expected, "dims \(dims), out \(target.strides), in \(source.strides), level \(level)")
    }
  }

  @Test("strided copies agree with a naive loop", arguments: KernelCalls.levels)
  func copies(level: Int32) {
    KernelCalls.atLevel(level) {
      Self.checkCopies(UInt8.self, level: level)
      Self.checkCopies(UInt16.self, level: level)
      Self.checkCopies(UInt32.self, level: level)
      Self.checkCopies(UInt64.self, level: level)
    }
  }

  @Test("gather reads zeros and scatter-add drops out of range", arguments: [1, 2, 16, 37])
  func gatherAndScatter(inner: Int) {
    var numbers = TestNumbers(state: 5)
    let batch = 2
    let outer = 3
    let n = 7
    let m = 11
    let input = (0..<batch * outer * n * inner).map { Float($0 % 97) + 1 }
    let updates = (0..<batch * outer * m * inner).map { Float($0 % 89) }
    let indices = (0..<batch * m).map { _ in Int64.random(in: -2...8, using: &numbers) }
    var gathered = [Float](repeating: -1, count: updates.count)
    var sum = input
    var expectedGather = gathered
    var expectedSum = input
    for b in 0..<batch {
      for o in 0..<outer {
        for j in 0..<m {
          for c in 0..<inner {
            let at = ((b * outer + o) * m + j) * inner + c
            let i = Int(indices[b * m + j])
            let from = ((b * outer + o) * n + i) * inner + c
            expectedGather[at] = (0..<n).contains(i) ? input[from] : 0
            if (0..<n).contains(i) { expectedSum[from] += updates[at] }
          }
        }
      }
    }
    for level in KernelCalls.levels {
      KernelCalls.atLevel(level) {
        gathered = gathered.map { _ in -1 }
        soma_gather(4, &gathered, input, indices, 1, batch, outer, n, m, inner)
        #expect(gathered == expectedGather)
        gathered = gathered.map { _ in -1 }
        soma_gather(4, &gathered, input, indices.map(Int32.init), 0, batch, outer, n, m, inner)
        #expect(gathered == expectedGather)
        sum = input
        soma_scatter_add(SOMA_F32, &sum, updates, indices, 1, batch, outer, n, m, inner)
        #expect(sum == expectedSum)
      }
    }
  }

  /// Sorts row by row: stable, NaN last, -0 equal to 0.
  static func order(_ x: [Double], descending: Bool) -> [Int32] {
    x.indices.sorted { a, b in
      let (u, v) = (x[a], x[b])
      if u.isNaN || v.isNaN { return !u.isNaN || (v.isNaN && a < b) }
      return u == v ? a < b : descending ? u > v : u < v
    }.map(Int32.init)
  }

  @Test("argsort is stable with NaN last", arguments: [1, 2, 10, 47, 48, 300, 2000])
  func argsort(n: Int) {
    var numbers = TestNumbers(state: UInt64(n))
    let values: [Double] = [.nan, 0, -0.0, .infinity, -.infinity, 1, -1, 3.5, -2.25, 1e-30, 1e30]
    let inner = 2
    let x = (0..<n * inner).map { index in
      index % 3 == 0 ? values.randomElement(using: &numbers)! : Double(Int.random(in: -50...50, using: &numbers)) / 4
    }
    let floats = x.map(Float.init)
    let whole = x.map { $0.isFinite ? Int64($0.rounded() * 1e9 < 1e18 ? $0 * 64 : 1e18) : 0 }
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: soma_argsort_scratch(n), alignment: 16)
    defer { scratch.deallocate() }
    for descending in [false, true] {
      var places = [[Int32]](repeating: [Int32](repeating: 0, count: n * inner), count: 3)
      soma_argsort(descending ? 1 : 0, SOMA_F64, &places[0], x, 1, n, inner, scratch)
      soma_argsort(descending ? 1 : 0, SOMA_F32, &places[1], floats, 1, n, inner, scratch)
      soma_argsort(descending ? 1 : 0, SOMA_I64, &places[2], whole, 1, n, inner, scratch)
      for c in 0..<inner {
        let rows = [x, floats.map { Double($0) }, whole.map { Double($0) }]
        for (row, places) in zip(rows, places) {
          let column = stride(from: c, to: n * inner, by: inner).map { row[$0] }
          let result = stride(from: c, to: n * inner, by: inner).map { places[$0] }
          #expect(result == Self.order(column, descending: descending))
        }
      }
    }
    // The greatest, NaN first.
    let row = (0..<n).map { floats[$0 * inner] }
    let ranked = row.indices.sorted { a, b in
      if row[a].isNaN || row[b].isNaN { return row[a].isNaN && (!row[b].isNaN || a < b) }
      return row[a] == row[b] ? a < b : row[a] > row[b]
    }
    for k in Set([1, min(5, n), n]) {
      var top = [Int32](repeating: -1, count: k)
      soma_top_k(SOMA_F32, &top, row, 1, n, k, scratch)
      #expect(top == ranked.prefix(k).map(Int32.init))
    }
  }
}
