import AllocationCounter
import Foundation
import Kernels
import Testing

@testable import Soma

/// Products that are large enough for Strassen's algorithm. Everything holds on processors too on which none is fast.
@Suite(.serialized) struct FastProductTests {
  private static let (m, n, k) = (1540, 1600, 1552)

  private static func operands(_ flipsLeft: Bool = false, _ flipsRight: Bool = false) -> [Tensor] {
    [.normal(flipsLeft ? [k, m] : [m, k], key: Key(1)), .normal(flipsRight ? [n, k] : [k, n], key: Key(2))]
  }

  private static func product(_ x: [Tensor], _ flipsLeft: Bool = false, _ flipsRight: Bool = false) -> Tensor {
    (flipsLeft ? x[0].T : x[0]).matmul(flipsRight ? x[1].T : x[1])
  }

  private func ordinary(_ body: () throws -> Tensor) rethrows -> Tensor {
    FastProducts.isEnabled = false
    defer { FastProducts.isEnabled = true }
    return try body()
  }

  private static func error(_ x: Tensor, _ exact: Tensor) -> Double {
    let difference = x.cast(to: .float64) - exact
    return (difference.squared().sum().scalar / exact.squared().sum().scalar).squareRoot()
  }

  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func fastProductsAreNearlyAsExactAsOrdinaryOnes(flipsLeft: Bool, flipsRight: Bool) {
    let x = Self.operands(flipsLeft, flipsRight)
    let exact = Self.product(x.map { $0.cast(to: .float64) }, flipsLeft, flipsRight)
    let fast = Self.product(x, flipsLeft, flipsRight)
    let plain = ordinary { Self.product(x, flipsLeft, flipsRight) }
    let (error, plainError) = (Self.error(fast, exact), Self.error(plain, exact))
    #expect(plainError < 2e-6)
    #expect(error < 3 * plainError)
    // Strassen's rounding differs, so equal bits would mean that it was not tried.
    #expect((fast.bytes == plain.bytes) == (soma_gemm_fast_pays(Self.m, Self.n, Self.k) == 0))
  }

  @Test func theSameBitsOnOneAndTwoThreads() {
    let saved = Parallel.threads
    defer { Parallel.threads = saved }
    let x = Self.operands()
    let results = [1, 2].map { threads in
      Parallel.threads = threads
      return Self.product(x).bytes
    }
    #expect(results[0] == results[1])
  }

  @Test func unsuitableDataGiveTheBitsOfTheOrdinaryProduct() {
    let x = Self.operands()
    let rows = Tensor.iota([Self.m, 1], axis: 0)
    let third = (rows .== 3).cast(to: .float32)
    let operands: [Tensor] = [
      x[0] * (1 - third),
      x[0] * (1 + 1000 * third),
      Tensor.select(rows .== 3, Tensor.full([Self.m, 1], Float.infinity), Tensor.zeros([Self.m, 1])) + x[0],
      x[0] * 1e38,
    ]
    for left in operands {
      let result = Self.product([left, x[1]])
      let expected = ordinary { Self.product([left, x[1]]) }
      #expect(result.bytes == expected.bytes)
    }
  }

  @Test func doubleProductsAreOrdinary() {
    let x = Self.operands().map { $0.cast(to: .float64) }
    let expected = ordinary { Self.product(x) }
    #expect(Self.product(x).bytes == expected.bytes)
  }

  /// A view that no order of strides describes is copied before it is multiplied.
  @Test func copiedOperandsAreMultiplied() {
    let x = Tensor.normal([40, 2, 776, 40], key: Key(4))
    let y = Self.operands()[1]
    func product(_ x: Tensor, _ y: Tensor) -> Tensor {
      x.transposed([3, 0, 2, 1]).reshape([1600, 1552]).matmul(y)
    }
    let exact = product(x.cast(to: .float64), y.cast(to: .float64))
    #expect(Self.error(product(x, y), exact) < 4e-6)
  }

  @Test func aRunAllocatesNothing() throws {
    let saved = Parallel.threads
    defer { Parallel.threads = saved }
    let inputs = Self.operands()
    let loop = try CompiledLoop([Tensor](), example: inputs) { _, x in ([], [Self.product(x)]) }
    loop.load(inputs)
    for threads in [1, 2] {
      Parallel.threads = threads
      for _ in 0..<3 { loop.step() }
      let before = allocation_count()
      guard before >= 0 else { return }
      for _ in 0..<3 { loop.step() }
      #expect(allocation_count() == before)
    }
  }
}
