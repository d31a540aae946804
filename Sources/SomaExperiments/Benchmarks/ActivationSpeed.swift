import Kernels
import Soma
import SomaNetworks

/// How fast activations run, forward and with their derivative, against what the machine can do.
public struct ActivationSpeed: Codable, Sendable {
  public struct Side: Codable, Sendable {
    public var nanosecondsPerElement: Double
    /// How many kernels one evaluation calls.
    public var kernels: Int
    /// Elementwise operations by name: all functions and divisions, and the rest as `simple`.
    public var functions: [String: Int]
    /// The time that copies of the inputs to the results take, measured in turn with it, divided by the time measured.
    public var shareOfMemory: Double
    /// The longer of that time and the sum of the functions' costs, divided by the time measured.
    public var shareOfLimit: Double
  }

  public struct Row: Codable, Sendable {
    public var name: String
    /// `x → f(x)`
    public var forward: Side
    /// `(x, g) → (f(x), g f′(x))`
    public var training: Side
  }

  public var threads: Int
  public var elements: Int
  /// Bytes read and written by a copy from one array to another, as an activation reads and writes: by the C library or by
  /// a loop that adds to each element, whichever is faster; the fastest of all. Where a processor fetches what it is about to overwrite, this
  /// is less than in place.
  public var memoryGigabytesPerSecond: Double
  /// The same of a loop in C that adds to each element in place.
  public var inPlaceGigabytesPerSecond: Double
  /// Nanoseconds an element for one operation on numbers in cache.
  public var functionNanoseconds: [String: Double]
  public var rows: [Row]

  /// - Parameters:
  ///   - activations: those that are functions of one number; others are left out
  ///   - elements: numbers in a tensor, `float32`
  /// - Throws: `BenchmarkError` if memory does not suffice.
  public static func measured(
    _ activations: [Activation], elements: Int = 1 << 24, progress: (Double, String) -> Void = { _, _ in }
  ) throws -> ActivationSpeed {
    let inPlace = 8 * Double(elements) / soma_reference_stream_seconds(Int32(Parallel.threads), elements, 8) / 1e9
    guard inPlace > 0, let copies = soma_copies_make(Int32(Parallel.threads), elements) else {
      throw BenchmarkError("there is no memory for \(formattedBytes(8 * elements))")
    }
    defer { soma_copies_free(copies) }
    var result = ActivationSpeed(
      threads: Parallel.threads, elements: elements, memoryGigabytesPerSecond: 0, inPlaceGigabytesPerSecond: inPlace,
      functionNanoseconds: [:], rows: [])
    let x = Tensor.normal([elements], key: Key(1))
    let g = Tensor.ones([elements])
    let scalars = activations.filter(\.isElementwise)
    for (i, activation) in scalars.enumerated() {
      progress(Double(i) / Double(scalars.count), activation.name)
      let forward = try CompiledLoop([x], example: [x]) { _, inputs in ([activation(inputs[0])], [Tensor]()) }
      let training = try CompiledLoop([x, x], example: [x, g]) { _, inputs in
        let (y, pullback) = vjp(inputs[0]) { activation($0) }
        return ([y, pullback(inputs[1])], [Tensor]())
      }
      result.rows.append(
        Row(
          name: activation.name, forward: try result.side(forward, [x], copies, count: 1),
          training: try result.side(training, [x, g], copies, count: 2)))
    }
    return result
  }

  /// - Parameter count: as many arrays are read, and as many written.
  private mutating func side(
    _ loop: CompiledLoop<[Tensor], [Tensor], [Tensor]>, _ inputs: [Tensor], _ copies: OpaquePointer, count: Int
  ) throws -> Side {
    loop.load(inputs)
    loop.step()
    // In turn, because memory is shared with others and its speed changes.
    var (best, copy) = (Double.infinity, Double.infinity)
    for _ in 0..<4 {
      copy = min(copy, soma_copies_seconds(copies) * 1e9 / Double(elements))
      best = min(best, nanoseconds { loop.step() } / Double(elements))
    }
    memoryGigabytesPerSecond = max(memoryGigabytesPerSecond, 8 / copy)
    var functions: [String: Int] = [:]
    var work = 0.0
    for node in loop.graph.nodes {
      guard let operation = Self.Operation(node.primitive),
        loop.graph.types[node.outputs.lowerBound].shape.elementCount == elements
      else { continue }
      functions[operation.name, default: 0] += 1
      if functionNanoseconds[operation.name] == nil { functionNanoseconds[operation.name] = try operation.measured() }
      work += functionNanoseconds[operation.name] ?? 0
    }
    let memory = Double(count) * copy
    return Side(
      nanosecondsPerElement: best, kernels: loop.stepCount, functions: functions, shareOfMemory: memory / best,
      shareOfLimit: max(memory, work) / best)
  }

  /// An elementwise operation whose cost is worth telling apart.
  private enum Operation {
    case unary(Unary)
    case divide, power
    case polygamma(Int)
    case simple

    init?(_ primitive: Primitive) {
      switch primitive {
      case .unary(.negate), .unary(.abs), .unary(.sign), .unary(.floor), .unary(.ceil), .unary(.round),
        .unary(.isFinite), .unary(.not), .compare, .select, .cast:
        self = .simple
      case .unary(let function): self = .unary(function)
      case .polygamma(let order): self = .polygamma(order)
      case .binary(.divide): self = .divide
      case .binary(.power): self = .power
      case .binary: self = .simple
      default: return nil
      }
    }

    var name: String {
      switch self {
      case .unary(let function): "\(function)"
      case .divide: "divide"
      case .power: "power"
      case .polygamma: "polygamma"
      case .simple: "simple"
      }
    }

    private func applied(to x: Tensor) -> Tensor {
      switch self {
      case .unary(let function): x.applying(function)
      case .divide: 0.7 / x
      case .power: x.power(1.3)
      case .polygamma(let order): x.polygamma(order)
      case .simple: x.maximum(0.5)
      }
    }

    /// The difference that the operation makes in a sum of sixteen terms, for each number.
    func measured() throws -> Double {
      let (terms, count) = (16, 1 << 20)
      let x = Tensor.uniform([count], low: 0.2, high: 0.9, key: Key(2))
      func time(_ function: (Tensor) -> Tensor) throws -> Double {
        let loop = try CompiledLoop([x], example: [x]) { _, inputs in
          let parts = (0..<terms).map { function(inputs[0] + Double($0) * 0.001) }
          return ([parts.dropFirst().reduce(parts[0], +)], [Tensor]())
        }
        loop.load([x])
        loop.step()
        return (0..<5).map { _ in nanoseconds { loop.step() } }.min()! / Double(count)
      }
      return max(0, (try time(applied) - time { $0 }) / Double(terms))
    }
  }
}

/// Nanoseconds that a call takes.
private func nanoseconds(_ body: () throws -> Void) rethrows -> Double {
  let start = MonotonicClock.nanoseconds
  try body()
  return Double(MonotonicClock.nanoseconds - start)
}

extension Tensor {
  fileprivate func applying(_ function: Unary) -> Tensor {
    switch function {
    case .exp: exp()
    case .expm1: expm1()
    case .log: log()
    case .log1p: log1p()
    case .sqrt: sqrt()
    case .rsqrt: rsqrt()
    case .sin: sin()
    case .cos: cos()
    case .tan: tan()
    case .asin: asin()
    case .acos: acos()
    case .atan: atan()
    case .sinh: sinh()
    case .cosh: cosh()
    case .tanh: tanh()
    case .asinh: asinh()
    case .acosh: (self + 1).acosh()
    case .atanh: atanh()
    case .erf: erf()
    case .erfc: erfc()
    case .erfInverse: erfInverse()
    case .lgamma: lgamma()
    case .logistic: logistic()
    case .negate, .abs, .sign, .floor, .ceil, .round, .isFinite, .not: abs()
    }
  }
}
