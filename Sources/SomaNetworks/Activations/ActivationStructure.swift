import Soma

/// What a few entries compute that no formula of an element says: neighbourhoods, small networks inside, outputs of
/// another shape.
enum ActivationStructure: String, Hashable, Sendable {
  /// `max(x, D)`, D a depth-wise convolution of x with one k × k filter for each channel, zeros around.
  case spatialContext
  /// `max(x, N(D))`, N batch normalization of a depth-wise 3 × 3 convolution D (Ma, Zhang, Sun 2020, arXiv 2007.11824).
  case funnel
  /// A network of two dense layers across the channels of each place (Lin, Chen, Yan 2013, arXiv 1312.4400).
  case networkInNetwork
  /// A sum of nine functions whose weights and slopes a small network computes from the input (Klopries, Schwung 2023).
  case activationBag
  /// `max over k of aₖ x + bₖ`, a and b computed for each channel from the mean over space (Chen, Dai, Liu, Chen, Yuan, Liu
  /// 2020, arXiv 2003.10027).
  case dynamicReLU
  /// n steps of the logistic map from `sigmoid(x)`, each an output on a new last axis (Reid, Ferens 2021).
  case hybridChaotic
  /// Layers of their own, under a name.
  case mittagLefflerGate, mittagLefflerSigmoid, diagonalMatrix, tridiagonalMatrix, topK, winnerTakesAll

  var isTrained: Bool { ![.hybridChaotic, .topK, .winnerTakesAll].contains(self) }

  /// Whether inputs need two axes of space.
  var isSpatial: Bool { self == .spatialContext || self == .funnel }

  func forward(_ activation: Activation, _ x: Tensor, _ scope: Scope) -> Tensor {
    func number(_ name: String) -> Double {
      guard case .number(let value)? = activation.parameters.first(where: { $0.name == name })?.value else {
        fatalError("\(activation.name) has no number \(name)")
      }
      return value
    }
    func numbers(_ name: String) -> [Double] {
      activation.parameters.first { $0.name == name }?.value.elements ?? []
    }
    if isSpatial {
      require(x.rank == 4, "\(activation.name) looks at neighbours in space: it wants [n, c, h, w], not \(x.shape)")
    }
    switch self {
    case .spatialContext: return x.maximum(depthwise(x, Int(number("k")), scope))
    case .funnel:
      let t = BatchNorm()(depthwise(x, 3, scope), scope["normalization"])
      let a = scope.parameter("a", [x.shape[1]], .constant(number("a")), dtype: x.dtype).reshape([x.shape[1], 1, 1])
      // With the slope a = 0 below the funnel this is max(x, t).
      return number("parametric") == 0 ? x.maximum(t) : Tensor.select(x .>= t, x, t + a * (x - t))
    case .networkInNetwork:
      return acrossChannels(x) { v in
        let hidden = Dense(v.shape.last, initializer: .lecunNormal)(v, scope["first"]).maximum(0)
        return Dense(v.shape.last, initializer: .lecunNormal)(hidden, scope["second"]).maximum(0)
      }
    case .activationBag: return acrossChannels(x) { bag($0, scope) }
    case .dynamicReLU:
      return dynamic(
        x, base: (numbers("base_a"), numbers("base_b")), scale: (number("scale_a"), number("scale_b")),
        reduction: Int(number("reduction")), scope)
    case .hybridChaotic:
      var c = x.logistic()
      var outputs: [Tensor] = []
      for _ in 0..<Int(number("n")) {
        c = number("r") * c * (1 - c)
        outputs.append(c)
      }
      return .stack(outputs, axis: x.rank)
    case .mittagLefflerGate, .mittagLefflerSigmoid:
      let gate = MittagLefflerGate(
        isSigmoid: self == .mittagLefflerSigmoid, alpha: number("alpha"), beta: number("beta"), slope: number("k"))
      return gate.forward(x, scope)
    case .diagonalMatrix: return acrossChannels(x) { MatrixActivation.diagonal().forward($0, scope) }
    case .tridiagonalMatrix: return acrossChannels(x) { MatrixActivation.tridiagonal().forward($0, scope) }
    case .topK: return acrossChannels(x) { TopK(Swift.min(Int(number("k")), $0.shape.last)).forward($0, scope) }
    case .winnerTakesAll:
      return acrossChannels(x) { v in
        let even = v.shape.last - v.shape.last % 2
        guard even > 0 else { return v }
        // The last of an odd number has nobody to lose against.
        let parts = v.split(sizes: [even, v.shape.last - even], axis: -1)
        return .concatenate([LocalWinnerTakeAll(2).forward(parts[0], scope), parts[1]], axis: -1)
      }
    }
  }

  private func depthwise(_ x: Tensor, _ size: Int, _ scope: Scope) -> Tensor {
    let kernel = scope.parameter("w", [x.shape[1], 1, size, size], .zeros, dtype: x.dtype)
    return x.convolution(kernel, padding: .same, groups: x.shape[1])
  }

  /// Runs a function of the last axis along the channels.
  private func acrossChannels(_ x: Tensor, _ function: (Tensor) -> Tensor) -> Tensor {
    guard x.rank >= 4 else { return x.rank == 0 ? function(x.reshape([1])).reshape([]) : function(x) }
    return function(x.movingAxis(1, to: x.rank - 1)).movingAxis(x.rank - 1, to: 1)
  }

  /// `Σₖ sₖ fₖ(x; aₖ)` for each element: constant, linear, exponential, step, relu, sine, tanh, sigmoid, Gaussian.
  private func bag(_ v: Tensor, _ scope: Scope) -> Tensor {
    let count = 9
    let hidden = Dense(Swift.max(4, v.shape.last / 4), initializer: .heNormal)(v, scope["hidden"]).maximum(0)
    let ranges = Dense(2 * count, initializer: .zeros)(hidden, scope["parameters"]).logistic().split(
      2 * count, axis: -1)
    let weights = Dense(count, initializer: .zeros)(hidden, scope["selection"]).softmax(-1).split(count, axis: -1)
    // Slopes between 0.1 and 2, shifts between -1 and 1.
    let functions: [(Tensor) -> Tensor] = [
      { $0 * 0 + 1 }, { $0 }, { $0.minimum(20).exp() }, { ($0 .>= 0).cast(to: $0.dtype) }, { $0.maximum(0) },
      { $0.sin() }, { $0.tanh() }, { $0.logistic() }, { (-$0 * $0).exp() },
    ]
    let terms = functions.enumerated().map { k, f in
      weights[k] * f((0.1 + 1.9 * ranges[k]) * (v + (2 * ranges[count + k] - 1)))
    }
    return terms.dropFirst().reduce(terms[0], +)
  }

  private func dynamic(
    _ x: Tensor, base: ([Double], [Double]), scale: (Double, Double), reduction: Int, _ scope: Scope
  ) -> Tensor {
    let (channels, pieces) = (x.rank >= 4 ? x.shape[1] : x.shape.last, base.0.count)
    let context = x.rank >= 4 ? x.mean(Array(2..<x.rank)) : x
    let hidden = Dense(Swift.max(1, channels / reduction), initializer: .heNormal)(context, scope["fc1"]).maximum(0)
    let out = Dense(2 * pieces * channels, initializer: .zeros)(hidden, scope["fc2"])
    // [n, 2 · pieces, c], between -1 and 1
    let lead = Array(context.shape.dimensions.dropLast())
    let shifts = (2 * out.logistic() - 1).reshape(Shape(lead + [2 * pieces, channels]))
      .split(2 * pieces, axis: lead.count)
    let aligned = lead + [channels] + [Int](repeating: 1, count: x.rank >= 4 ? x.rank - 2 : 0)
    var result: Tensor?
    for k in 0..<pieces {
      func coefficient(_ i: Int, _ base: Double, _ scale: Double) -> Tensor {
        base + scale * shifts[i].reshape(Shape(aligned))
      }
      let piece = coefficient(k, base.0[k], scale.0) * x + coefficient(pieces + k, base.1[k], scale.1)
      result = result.map { $0.maximum(piece) } ?? piece
    }
    return result!
  }
}
