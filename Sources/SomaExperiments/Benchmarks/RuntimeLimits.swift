import Kernels
import Soma

/// How close the runtime comes to what the machine can do.
public struct RuntimeLimits: Codable, Sendable {
  public struct Product: Codable, Sendable {
    public var shape: String
    public var gigaflops: Double
    /// oneDNN called directly, its fastest way on as many threads.
    public var referenceGigaflops: Double
    public var ratio: Double
  }

  public struct Chain: Codable, Sendable {
    public var operations: Int
    /// 8 bytes an element (read once, written once), whatever the length of the chain.
    public var gigabytesPerSecond: Double
  }

  public var threads: Int
  public var products: [Product]
  public var chains: [Chain]
  /// A loop in C that adds to each element in place.
  public var memoryGigabytesPerSecond: Double
  public var nodes: Int
  public var kernels: Int
  public var nanosecondsPerNode: Double
  public var nanosecondsPerKernel: Double
  /// Tracing, simplification, fusion and memory planning.
  public var compileMillisecondsPerThousandNodes: Double

  /// - Parameters:
  ///   - seconds: how long each measurement lasts, about.
  ///   - elements: floats in the tensors that elementwise chains run over; more than a cache holds.
  /// - Throws: `BenchmarkError` if memory does not suffice.
  public static func measured(
    seconds: Double = 0.2, elements: Int = 1 << 26, progress: (Double, String) -> Void = { _, _ in }
  ) throws -> RuntimeLimits {
    var products: [Product] = []
    for (i, shape) in ProductShape.all.enumerated() {
      progress(Double(i) / Double(ProductShape.all.count + 5), "matrix product \(shape)")
      products.append(try shape.measured(seconds: seconds))
    }
    progress(0.75, "elementwise chains")
    let bandwidth = 8 * Double(elements) / soma_reference_stream_seconds(Int32(Parallel.threads), elements, 8) / 1e9
    guard bandwidth > 0 else { throw BenchmarkError("there is no memory for \(formattedBytes(4 * elements))") }
    let chains = try [1, 4, 16].map { try chain($0, elements: elements) }
    progress(0.95, "graph of 1,000 nodes")
    let small = try smallNodes(seconds: seconds)
    return RuntimeLimits(
      threads: Parallel.threads, products: products, chains: chains, memoryGigabytesPerSecond: bandwidth,
      nodes: small.nodes, kernels: small.kernels, nanosecondsPerNode: small.nanoseconds / Double(small.nodes),
      nanosecondsPerKernel: small.nanoseconds / Double(small.kernels),
      compileMillisecondsPerThousandNodes: small.compileMilliseconds * 1000 / Double(small.nodes))
  }

  /// `operations` elementwise operations in a row, in place on a tensor larger than the caches.
  private static func chain(_ operations: Int, elements: Int) throws -> Chain {
    let loop = try CompiledLoop([Tensor.zeros([elements])], example: [Tensor]()) { state, _ in
      var x = state[0]
      for i in 0..<operations {
        // Neighbours that neither cancel nor join.
        switch i % 4 {
        case 0: x = x + 0.25
        case 1: x = x * 0.75
        case 2: x = x.maximum(-3)
        default: x = (x - 0.5).abs()
        }
      }
      return ([x], [Tensor]())
    }
    let best = (0..<8).map { _ in nanoseconds { loop.step() } }.min()!
    return Chain(operations: operations, gigabytesPerSecond: 8 * Double(elements) / best)
  }

  /// A graph of about 1,000 tiny operations: products, sums of rows, reversals, cumulative sums and elementwise steps in
  /// turn, each on 16 numbers.
  private static func smallNodes(seconds: Double) throws
    -> (nodes: Int, kernels: Int, nanoseconds: Double, compileMilliseconds: Double)
  {
    func make() throws -> CompiledLoop<[Tensor], [Tensor], [Tensor]> {
      try CompiledLoop([Tensor.ones([4, 4])], example: [Tensor.eye(4)]) { state, inputs in
        var x = state[0]
        for _ in 0..<125 {
          x = x.matmul(inputs[0])
          x = x - x.sum([-1], keepsAxes: true)
          x = x.reversed([0]).cumulativeSum(0)
          x = x.tanh()
        }
        return ([x], [x.sum()])
      }
    }
    var compile: [Double] = []
    for _ in 0..<5 { compile.append(try nanoseconds { _ = try make() }) }
    let loop = try make()
    loop.load([Tensor.eye(4)])
    let steps = max(10, Int(seconds * 1e9 / nanoseconds { loop.step() }))
    let repeats = (0..<5).map { _ in nanoseconds { for _ in 0..<steps { loop.step() } } / Double(steps) }
    return (loop.graph.nodes.count, loop.stepCount, median(repeats), median(compile) / 1e6)
  }
}

/// Nanoseconds that a call takes.
private func nanoseconds(_ body: () throws -> Void) rethrows -> Double {
  let start = MonotonicClock.nanoseconds
  try body()
  return Double(MonotonicClock.nanoseconds - start)
}

/// `batch` products of op(A) m×k and op(B) k×n.
private struct ProductShape: CustomStringConvertible {
  var batch = 1
  var m, n, k: Int
  var transposesA = false
  var transposesB = false

  static let all = [
    ProductShape(m: 64, n: 32, k: 32),
    ProductShape(m: 128, n: 128, k: 128),
    ProductShape(m: 512, n: 512, k: 512),
    ProductShape(m: 2048, n: 2048, k: 2048),
    ProductShape(m: 128, n: 256, k: 784),
    ProductShape(m: 65536, n: 128, k: 128),
    ProductShape(m: 65536, n: 3, k: 128),
    ProductShape(m: 128, n: 128, k: 65536, transposesA: true),
    ProductShape(m: 2048, n: 512, k: 128, transposesB: true),
    ProductShape(m: 1024, n: 1, k: 1024),
    ProductShape(batch: 64, m: 128, n: 128, k: 32, transposesB: true),
    ProductShape(batch: 64, m: 128, n: 32, k: 128),
  ]

  var description: String {
    "\(batch > 1 ? "\(batch) × " : "")\(m)×\(k)\(transposesA ? "ᵀ" : "") · \(k)×\(n)\(transposesB ? "ᵀ" : "")"
  }

  /// Soma and oneDNN in turn, in short bursts; the fastest of each, which a busy machine distorts least.
  func measured(seconds: Double) throws -> RuntimeLimits.Product {
    func operand(_ rows: Int, _ columns: Int, _ isTransposed: Bool, _ seed: Int) -> Tensor {
      let sides = isTransposed ? [columns, rows] : [rows, columns]
      return .uniform(Shape(batch > 1 ? [batch] + sides : sides), low: -1, high: 1, key: Key(seed))
    }
    let inputs = [operand(m, k, transposesA, 1), operand(k, n, transposesB, 2)]
    let loop = try CompiledLoop([Tensor](), example: inputs) { _, x in
      ([], [(transposesA ? x[0].T : x[0]).matmul(transposesB ? x[1].T : x[1])])
    }
    loop.load(inputs)
    loop.step()
    let once = Swift.max(nanoseconds { loop.step() }, 100)
    let steps = Swift.max(1, Swift.min(10_000, Int(2e6 / once)))
    let rounds = Swift.max(5, Swift.min(100, Int(seconds * 1e9 / (4 * once * Double(steps)))))
    var (own, reference) = (Double.infinity, Double.infinity)
    for _ in 0..<rounds {
      // The threads of the library's last burst look for work for some milliseconds, in each other's way.
      let start = MonotonicClock.nanoseconds
      repeat { loop.step() } while MonotonicClock.nanoseconds - start < 5_000_000
      own = Swift.min(own, nanoseconds { for _ in 0..<steps { loop.step() } } / Double(steps))
      let seconds = soma_reference_gemm_seconds(
        Int32(Parallel.threads), transposesA ? 1 : 0, transposesB ? 1 : 0, batch, m, n, k, steps)
      guard seconds > 0 else { throw BenchmarkError("oneDNN refuses the product \(self)") }
      reference = Swift.min(reference, seconds * 1e9)
    }
    let operations = 2 * Double(batch) * Double(m) * Double(n) * Double(k)
    return .init(
      shape: description, gigaflops: operations / own, referenceGigaflops: operations / reference,
      ratio: reference / own)
  }
}
