import Foundation
import Soma
import SomaNetworks

/// Fits a network to a signal given by its samples: a full batch each step, or what a teacher chooses. One compiled step for each
/// number of samples, the parameters updated in place.
///
/// ```swift
/// let fitting = try FieldFitting(CoordinateNetwork.spder(outputs: 3), places, values, steps: 500, learningRate: 1e-4)
/// while !fitting.isDone { try fitting.step() }
/// ```
public final class FieldFitting {
  public let network: any Layer
  public let steps: Int
  public let teacher: SampleTeacher?
  /// Steps taken.
  public private(set) var taken = 0
  /// Work so far in samples: a forward pass counts 1, forward and backward 3.
  public private(set) var cost = 0.0
  /// Which samples the last step used; nil: all.
  public private(set) var chosen: [Int32]?

  private let places: Tensor
  private let values: Tensor
  private let schedule: Schedule
  private let optimizer: any Optimizer
  private let seed: Int
  private var loops: [Int: CompiledLoop<OptimizedParameters, [Tensor], Tensor>] = [:]
  private var current: Int
  private let loss: @Sendable (Tensor, Tensor) -> Tensor
  private let penalty: (@Sendable (_ field: @escaping (Tensor) -> Tensor, _ places: Tensor) -> Tensor)?
  private let differences: CompiledFunction<[Tensor], Tensor>
  private let template: OptimizedParameters
  private let memoryLimit: Int?

  /// - Parameters:
  ///   - places: `[n, d]`
  ///   - values: `[n, channels]`
  ///   - loss: of predictions and values; the mean squared error by default
  ///   - penalty: added to the loss; of the field as a function, and the places of the step
  ///   - memoryLimit: bytes that a step may take
  /// - Throws: `Executable.MemoryLimitExceeded`; `FieldError` for too few steps of the teacher's strategy.
  public init(
    _ network: any Layer, _ places: Tensor, _ values: Tensor, steps: Int, schedule: Schedule,
    optimizer: any Optimizer = Adam(), teacher: SampleTeacher? = nil, seed: Int = 0, start: Parameters? = nil,
    memoryLimit: Int? = nil,
    loss: @escaping @Sendable (Tensor, Tensor) -> Tensor = { ($0 - $1).squared().mean() },
    penalty: (@Sendable (_ field: @escaping (Tensor) -> Tensor, _ places: Tensor) -> Tensor)? = nil
  ) throws {
    require(
      places.rank == 2 && values.rank == 2 && places.shape[0] == values.shape[0],
      "samples are places [n, d] and values [n, channels], not \(places.shape), \(values.shape)")
    if let teacher, case .incremental = teacher.interval, steps < 10 {
      throw FieldError("the incremental strategy takes at least 10 steps, not \(steps)")
    }
    self.network = network
    self.places = places
    self.values = values
    self.steps = steps
    self.schedule = schedule
    self.optimizer = optimizer
    self.teacher = teacher
    self.seed = seed
    self.memoryLimit = memoryLimit
    self.loss = loss
    self.penalty = penalty
    let parameters =
      start
      ?? network.initialized(
        for: TensorType(shape: [1, places.shape[1]], dtype: places.dtype), key: Key(seed)
      ).parameters
    template = OptimizedParameters(parameters: parameters, optimizer: optimizer.initialState(parameters))
    current = places.shape[0]
    let names = parameters
    differences = compile { (leaves: [Tensor]) in
      let own = names.replacingLeaves(Array(leaves.dropLast(2)))
      let predicted = network.apply(Variables(parameters: own), leaves[leaves.count - 2])
      return (predicted - leaves[leaves.count - 1]).abs().sum([1]).cast(to: .float32)
    }
    loops[current] = try loop(current, template)
  }

  private func loop(
    _ n: Int, _ start: OptimizedParameters
  ) throws -> CompiledLoop<OptimizedParameters, [Tensor], Tensor> {
    let (network, optimizer, loss, penalty) = (network, optimizer, loss, penalty)
    func step(
      _ state: OptimizedParameters, _ x: Tensor, _ y: Tensor, _ rate: Tensor
    ) -> (OptimizedParameters, Tensor) {
      let (value, gradient) = valueAndGrad(state.parameters) { parameters -> Tensor in
        let own = Variables(parameters: parameters)
        let data = loss(network.apply(own, x), y)
        guard let penalty else { return data }
        return data + penalty({ network.apply(own, $0) }, x)
      }
      var next = state
      (next.parameters, next.optimizer) = optimizer.update(
        state.parameters, gradients: gradient, state: state.optimizer, learningRate: rate)
      return (next, value)
    }
    let rate = Tensor(0, dtype: .float64)
    if n == places.shape[0] {
      // The whole signal never changes: it is part of the graph.
      let (x, y) = (places, values)
      return try CompiledLoop(start, example: [rate], memoryLimit: memoryLimit) { state, input in
        step(state, x, y, input[0])
      }
    }
    let (x, y) = (places[0..<n], values[0..<n])
    return try CompiledLoop(start, example: [x, y, rate], memoryLimit: memoryLimit) { state, input in
      step(state, input[0], input[1], input[2])
    }
  }

  public var isDone: Bool { taken >= steps }
  public var parameters: Parameters { loops[current]!.state.parameters }
  public var variables: Variables { Variables(parameters: parameters) }
  /// The loss before the last step's update, over the samples it used.
  public var lastLoss: Double { loops[current]!.output.scalar }

  /// One step.
  /// - Throws: `FieldError` if the loss is not finite any more.
  public func step() throws {
    let count = places.shape[0]
    var size = count
    if let teacher {
      let wanted = teacher.size(taken, of: steps, count: count)
      if wanted >= count {
        chosen = nil
      } else {
        if chosen == nil || teacher.interval.isDue(taken, of: steps) { chosen = try choose(wanted, teacher) }
        size = chosen!.count
      }
    }
    if size != current || loops[size] == nil {
      let state = loops[current]!.state
      if loops[size] == nil { loops[size] = try loop(size, state) } else { loops[size]!.state = state }
      current = size
      // Shares of samples change for good: steps of other numbers are not kept, each holds memory of its own.
      loops = loops.filter { $0.key == size || $0.key == count }
    }
    let rate = Tensor(schedule(taken, of: steps), dtype: .float64)
    let loop = loops[size]!
    if let chosen {
      let at = Tensor(chosen)
      loop.load([places.take(at), values.take(at), rate])
    } else {
      loop.load([rate])
    }
    loop.step()
    cost += Double(3 * size)
    taken += 1
    if taken % 50 == 0 || taken == steps, !loop.output.scalar.isFinite {
      throw FieldError("the loss is not finite after \(taken) steps; try a lower learning rate")
    }
  }

  private func choose(_ n: Int, _ teacher: SampleTeacher) throws -> [Int32] {
    switch teacher.selection {
    case .top:
      cost += Double(places.shape[0])
      let found = differences(parameters.leaves + [places, values]).floats
      return try SampleTeacher.largest(found, n)
    case .random:
      return SampleTeacher.random(n, of: places.shape[0], key: Key(seed).folding("teacher").folding(taken))
    }
  }

  /// The field at places, in parts of at most `chunk`.
  public func predict(_ x: Tensor, chunk: Int = 1 << 16) -> Tensor {
    FieldFitting.predict(network, parameters, x, chunk: chunk)
  }

  public static func predict(_ network: any Layer, _ parameters: Parameters, _ x: Tensor, chunk: Int = 1 << 16)
    -> Tensor
  {
    let n = x.shape[0]
    let run = compile { (leaves: [Tensor]) in
      network.apply(
        Variables(parameters: parameters.replacingLeaves(Array(leaves.dropLast()))), leaves[leaves.count - 1])
    }
    let parts = stride(from: 0, to: n, by: chunk).map { start in
      run(parameters.leaves + [x[start..<min(start + chunk, n)]])
    }
    return parts.count == 1 ? parts[0] : .concatenate(parts)
  }

  /// The mean squared error over all samples, `float64`.
  public func meanSquaredError() -> Double {
    (predict(places) - values).cast(to: .float64).squared().mean().doubles[0]
  }
}

extension Metrics {
  /// `20 log₁₀(range) - 10 log₁₀(mean squared error)`, in decibels.
  public static func peakSignalToNoise(meanSquaredError: Double, range: Double = 2) -> Double {
    20 * log10(range) - 10 * log10(max(meanSquaredError, 1e-300))
  }

  /// Pearson's correlation between the amplitude spectra of two pictures or sounds, and between their phase spectra.
  /// - Shape: `[n]` or `[h, w]` twice
  public static func spectralCorrelation(_ a: Tensor, _ b: Tensor) -> (amplitude: Double, phase: Double) {
    require(a.shape == b.shape && (1...2).contains(a.rank), "spectra of \(a.shape) and \(b.shape)")
    let axes = Array(0..<a.rank)
    func spectrum(_ x: Tensor) -> (amplitude: [Double], phase: [Double]) {
      let (real, imaginary) = x.cast(to: .float64).fourier(axes: axes)
      return (
        (real * real + imaginary * imaginary).sqrt().flattened().doubles, imaginary.atan2(real).flattened().doubles
      )
    }
    func correlation(_ u: [Double], _ v: [Double]) -> Double {
      let (mu, mv) = (u.reduce(0, +) / Double(u.count), v.reduce(0, +) / Double(v.count))
      var (uv, uu, vv) = (0.0, 0.0, 0.0)
      for i in u.indices {
        uv += (u[i] - mu) * (v[i] - mv)
        uu += (u[i] - mu) * (u[i] - mu)
        vv += (v[i] - mv) * (v[i] - mv)
      }
      return uu > 0 && vv > 0 ? uv / (uu * vv).squareRoot() : 0
    }
    let (x, y) = (spectrum(a), spectrum(b))
    return (correlation(x.amplitude, y.amplitude), correlation(x.phase, y.phase))
  }
}
