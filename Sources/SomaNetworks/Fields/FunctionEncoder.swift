import Foundation
import Soma

/// A complex vector as two real ones; the parts of a batch have the same shape.
public struct Hypervector: TensorTree, Sendable {
  public var real: Tensor
  public var imaginary: Tensor

  public init(real: Tensor, imaginary: Tensor) {
    self.real = real
    self.imaginary = imaginary
  }

  public var leaves: [Tensor] { [real, imaginary] }
  public func replacingLeaves(_ leaves: [Tensor]) -> Hypervector { Hypervector(real: leaves[0], imaginary: leaves[1]) }

  /// The number of components.
  public var size: Int { real.shape.last }

  /// `u ⊗ v`: the product of each component.
  public func bound(to other: Hypervector) -> Hypervector {
    Hypervector(
      real: real * other.real - imaginary * other.imaginary, imaginary: real * other.imaginary + imaginary * other.real)
  }

  /// `u ⊘ v` for components of `v` of modulus 1: the product with its conjugate.
  public func unbound(from other: Hypervector) -> Hypervector {
    Hypervector(
      real: real * other.real + imaginary * other.imaginary, imaginary: imaginary * other.real - real * other.imaginary)
  }

  /// The sum along the first axis, each vector with its weight.
  public func bundled(weights: Tensor? = nil) -> Hypervector {
    guard let weights else { return Hypervector(real: real.sum([0]), imaginary: imaginary.sum([0])) }
    let w = weights.expandDimensions(at: -1)
    return Hypervector(real: (real * w).sum([0]), imaginary: (imaginary * w).sum([0]))
  }

  /// Divided by the 2-norm.
  public var normalized: Hypervector {
    let norm = (real.squared() + imaginary.squared()).sum([-1], keepsAxes: true).sqrt().maximum(1e-30)
    return Hypervector(real: real / norm, imaginary: imaginary / norm)
  }

  /// `Re Σ u_k v̄_k`
  public func inner(_ other: Hypervector) -> Tensor {
    (real * other.real + imaginary * other.imaginary).sum([-1])
  }

  /// `[Re, Im] √N`: numbers of size about one for an ordinary network.
  public var features: Tensor {
    Tensor.concatenate([real, imaginary], axis: -1) * Double(size).squareRoot()
  }
}

/// Samples of a function to one vector of fixed length, without training, whatever their number and place; the vector can be turned
/// back into the function (HDFE: Yuan, Huang, Fermüller & Aloimonos 2024, arXiv 2311.00187).
///
/// `E_X(x) = exp(i α Θᵀx)`, `E_Y(y) = exp(i β Ψᵀy)` with fixed standard normal `Θ`, `Ψ`; a sample is `E_X(x) ⊗ E_Y(y)`. Two places are
/// alike by `exp(-α² |x - x'|²/2)`: below 0.05 beyond `2.45/α`. The encoding is the sum of the samples, or the centre of the smallest
/// ball around them, which repeated samples do not move.
public struct FunctionEncoder: Sendable {
  public var inputs: Int
  /// Numbers of a value; 0 for sets of places without values.
  public var outputs: Int
  public var size: Int
  public var alpha: Double
  public var beta: Double
  public var dtype: DType
  private let theta: Tensor
  private let psi: Tensor

  /// - Precondition: at least 64 components.
  public init(
    inputDimension inputs: Int, outputDimension outputs: Int = 1, size: Int = 4096, alpha: Double = 15,
    beta: Double = 2.5, key: Key, dtype: DType = .float32
  ) {
    require(size >= 64, "an encoding has at least 64 components, not \(size)")
    require(inputs > 0 && outputs >= 0, "a function of \(inputs) inputs and \(outputs) outputs")
    self.inputs = inputs
    self.outputs = outputs
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.dtype = dtype
    theta = .normal([inputs, size], key: key.folding("theta"), dtype: dtype)
    psi = .normal([max(outputs, 1), size], key: key.folding("psi"), dtype: dtype)
  }

  private func phases(_ angles: Tensor) -> Hypervector { Hypervector(real: angles.cos(), imaginary: angles.sin()) }

  /// `E_X`: `[..., inputs]` → `[..., size]`
  public func place(_ x: Tensor) -> Hypervector {
    require(x.shape.last == inputs, "places of \(inputs) numbers, not \(x.shape)")
    return phases(x.matmul(theta) * alpha)
  }

  /// `E_Y`: `[..., outputs]` → `[..., size]`
  public func value(_ y: Tensor) -> Hypervector {
    require(outputs > 0 && y.shape.last == outputs, "values of \(outputs) numbers, not \(y.shape)")
    return phases(y.matmul(psi) * beta)
  }

  /// One vector for each sample.
  public func samples(_ x: Tensor, _ y: Tensor?) -> Hypervector {
    guard let y else { return place(x) }
    return place(x).bound(to: value(y))
  }

  /// How alike two vectors are, `Re Σ u_k v̄_k / (|u| |v|)`.
  public func similarity(_ u: Hypervector, _ v: Hypervector) -> Tensor {
    let norms = (u.inner(u) * v.inner(v)).sqrt().maximum(1e-30)
    return u.inner(v) / norms
  }

  /// How an encoding is found from its samples.
  public enum Refinement: Sendable, Hashable {
    /// The weighted sum.
    case none
    /// `steps` times: the sample that fits least is added with weight `1/(t + 2)`.
    case smallestBall(steps: Int = 200)
  }

  /// The encoding of samples, of norm 1. Differentiable in places and values.
  /// - Shape: x `[m, inputs]`, y `[m, outputs]` → `[size]`
  public func encode(
    _ x: Tensor, _ y: Tensor? = nil, weights: Tensor? = nil, refine: Refinement = .smallestBall()
  ) -> Hypervector {
    require(x.rank == 2 && x.shape[0] > 0, "samples [m, \(inputs)] with m > 0, not \(x.shape)")
    let all = samples(x, y)
    let start = all.bundled(weights: weights).normalized
    guard case .smallestBall(let steps) = refine else { return start }
    return refined(start, all, steps: steps)
  }

  /// Frank-Wolfe steps towards the centre of the smallest ball around the samples.
  func refined(_ start: Hypervector, _ all: Hypervector, steps: Int) -> Hypervector {
    // Samples have norm √N.
    let scale = 1 / Double(size).squareRoot()
    let result = scan([start.real, start.imaginary], [Tensor.iota([steps], dtype: dtype)], length: steps) {
      now, slice in
      let fit = (all.real.matmul(now[0].expandDimensions(at: 1)) + all.imaginary.matmul(now[1].expandDimensions(at: 1)))
        .squeezed([1])
      let worst = fit.argMin(0).reshape(1)
      let rate = 1 / (slice[0] + 2)
      let next = Hypervector(
        real: now[0] + all.real.take(worst).squeezed([0]) * scale * rate,
        imaginary: now[1] + all.imaginary.take(worst).squeezed([0]) * scale * rate
      ).normalized
      return ([next.real, next.imaginary], [])
    }.carries
    return Hypervector(real: result[0], imaginary: result[1])
  }

  /// The smallest `⟨F, s_i⟩/√N` over the samples: what refinement raises.
  public func worstFit(_ encoding: Hypervector, _ x: Tensor, _ y: Tensor?) -> Tensor {
    let all = samples(x, y)
    return (all.inner(encoding) * (1 / Double(size).squareRoot())).min()
  }

  /// The values of a function of one output at places, and how sure they are: the largest similarity of `F ⊘ E_X(x)` with any
  /// `E_Y(y)`, over its largest possible value. A grid of 64 candidates, then a golden-section search within a step of the best.
  /// - Shape: `[k, inputs]` → values `[k]`, confidences `[k]`
  public func decode(
    _ encoding: Hypervector, at x: Tensor, range: ClosedRange<Double> = -1...1, candidates: Int = 64, steps: Int = 20
  ) -> (values: Tensor, confidence: Tensor) {
    require(outputs == 1, "values of one number are decoded here, not of \(outputs); see decodeVectors")
    let freed = encoding.unbound(from: place(x))
    let scale = 1 / Double(size).squareRoot()
    let grid = Tensor.linspace(range.lowerBound, range.upperBound, count: candidates, dtype: dtype).reshape(
      candidates, 1)
    let known = value(grid)
    let fits = (freed.real.matmul(known.real.T) + freed.imaginary.matmul(known.imaginary.T)) * scale
    let best = grid.flattened().take(fits.argMax(-1))
    func fit(_ y: Tensor) -> Tensor { freed.inner(value(y.expandDimensions(at: -1))) * scale }
    let golden = (5.0.squareRoot() - 1) / 2
    let step = (range.upperBound - range.lowerBound) / Double(candidates - 1)
    var low = (best - step).maximum(range.lowerBound)
    var high = (best + step).minimum(range.upperBound)
    for _ in 0..<steps {
      let (a, b) = (high - (high - low) * golden, low + (high - low) * golden)
      let isLeft = fit(a) .> fit(b)
      high = .select(isLeft, b, high)
      low = .select(isLeft, low, a)
    }
    let y = (low + high) * 0.5
    return (y, fit(y))
  }

  /// The values of a function of several outputs, by ascent of the similarity from the best of `candidates` random values.
  /// - Shape: `[k, inputs]` → values `[k, outputs]`, confidences `[k]`
  public func decodeVectors(
    _ encoding: Hypervector, at x: Tensor, range: ClosedRange<Double> = -1...1, candidates: Int = 512, steps: Int = 60,
    key: Key = Key(0)
  ) -> (values: Tensor, confidence: Tensor) {
    let freed = encoding.unbound(from: place(x))
    let scale = 1 / Double(size).squareRoot()
    let grid = Tensor.uniform(
      [candidates, outputs], low: range.lowerBound, high: range.upperBound, key: key, dtype: dtype)
    let known = value(grid)
    let fits = (freed.real.matmul(known.real.T) + freed.imaginary.matmul(known.imaginary.T)) * scale
    var y = grid.take(fits.argMax(-1))
    func fit(_ y: Tensor) -> Tensor { freed.inner(value(y)) * scale }
    // The similarity falls like exp(-β² d²/2): 1/β² is Newton's step at the top.
    for _ in 0..<steps {
      let slope = grad { (y: Tensor) in fit(y).sum() }(y)
      y = (y + slope * (0.5 / (beta * beta))).clipped(range.lowerBound, range.upperBound)
    }
    return (y, fit(y))
  }
}

/// A point set as a layer's input: `[n, m, inputs + outputs]` → `[n, 2 size]`, the features of the encodings of `n` sets of `m` samples.
public struct FunctionEncoding: Layer {
  public var encoder: FunctionEncoder
  public var refine: FunctionEncoder.Refinement

  public init(_ encoder: FunctionEncoder, refine: FunctionEncoder.Refinement = .smallestBall(steps: 50)) {
    self.encoder = encoder
    self.refine = refine
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let (d, q) = (encoder.inputs, encoder.outputs)
    require(x.rank == 3 && x.shape[2] == d + q, "sets of samples [n, m, \(d + q)], not \(x.shape)")
    return vmap { (set: Tensor) -> Tensor in
      encoder.encode(set[.all, 0..<d], q > 0 ? set[.all, d..<(d + q)] : nil, refine: refine).features
    }(x)
  }
}
