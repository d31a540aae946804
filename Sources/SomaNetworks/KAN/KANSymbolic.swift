import Foundation
import Soma

extension FittedKAN {
  /// The named functions that explain an edge best, by explained variance and simplicity.
  public func suggestions(
    _ layer: Int, _ input: Int, _ output: Int, on x: Tensor, library: [SymbolicFunction] = SymbolicFunction.library,
    simplicity: Double = 0.8
  ) -> [SymbolicFit] {
    let samples = edge(layer, input, output, on: x)
    return SymbolicFit.ranked(library, x: samples.x, y: samples.y, simplicity: simplicity)
  }

  /// The network with an edge replaced by a named function, fitted to the edge's samples, with its numbers to be trained.
  public func fixingSymbolic(_ layer: Int, _ input: Int, _ output: Int, _ fit: SymbolicFit) -> FittedKAN {
    var result = removing([(layer, input, output)])
    let edge = SymbolicEdge(input: input, output: output, function: fit.function, start: fit.affine)
    result.network.layers[layer].symbolic.append(edge)
    result.variables.parameters["\(layer)/\(edge.parameterName)"] = Tensor(fit.affine).cast(to: dtype)
    return result
  }

  /// The same for a function of a given name.
  /// - Throws: `KANError` for an unknown name.
  public func fixingSymbolic(
    _ layer: Int, _ input: Int, _ output: Int, to name: String, on x: Tensor
  ) throws(KANError) -> FittedKAN {
    guard let function = SymbolicFunction.named(name) else {
      throw KANError(
        "\(name) is no symbolic function; there are \(SymbolicFunction.library.map(\.name).joined(separator: ", "))")
    }
    let samples = edge(layer, input, output, on: x)
    return fixingSymbolic(layer, input, output, SymbolicFit(function, x: samples.x, y: samples.y))
  }

  /// Every live edge replaced by the function that explains it best, the first layers first; edges that explain nothing go away.
  public func symbolic(
    on x: Tensor, library: [SymbolicFunction] = SymbolicFunction.library, simplicity: Double = 0.8
  ) -> FittedKAN {
    var result = self
    for l in network.layers.indices {
      let live = isLive(l)
      for (i, row) in live.enumerated() {
        for (o, isLive) in row.enumerated() where isLive {
          guard !network.layers[l].symbolic.contains(where: { $0.input == i && $0.output == o }) else { continue }
          guard let best = result.suggestions(l, i, o, on: x, library: library, simplicity: simplicity).first else {
            continue
          }
          result =
            best.function.name == "0" && abs(best.affine[3]) < 1e-6
            ? result.removing([(l, i, o)]) : result.fixingSymbolic(l, i, o, best)
        }
      }
    }
    return result
  }

  /// The formulas of the outputs.
  /// - Throws: `KANError` if an edge is still a learned curve.
  public func formulas(names: [String]) throws(KANError) -> [Formula] {
    try formulas(inputs: names.map { .variable($0) })
  }

  /// The formulas of the outputs for formulas of the inputs.
  /// - Throws: `KANError` if an edge is still a learned curve.
  public func formulas(inputs: [Formula]) throws(KANError) -> [Formula] {
    require(inputs.count == network.inputs, "\(inputs.count) formulas for \(network.inputs) inputs")
    var nodes = inputs
    for l in network.layers.indices {
      let layer = network.layers[l]
      var sums = [Formula](repeating: .number(0), count: layer.units)
      for (i, row) in isLive(l).enumerated() {
        for (o, isLive) in row.enumerated() where isLive {
          guard let edge = layer.symbolic.first(where: { $0.input == i && $0.output == o }) else {
            throw KANError("the edge \(i) → \(o) of layer \(l) is a learned curve; fit a function to it first")
          }
          let p = variables.parameters["\(l)/\(edge.parameterName)"]!.doubles
          let inner = nodes[i].times(p[0]).adding(.number(p[1]))
          sums[o] = sums[o].adding(edge.function.formula(inner).times(p[2])).adding(.number(p[3]))
        }
      }
      let scale = variables.parameters["node\(l)/scale"]?.doubles
      let bias = variables.parameters["node\(l)/bias"]?.doubles
      nodes = (0..<network.widths[l + 1].nodes).map { node in
        let factors = network.sums(ofNode: node, in: l).map { sums[$0] }
        let value = factors.dropFirst().reduce(factors[0]) { $0.times($1) }
        guard let scale, let bias else { return value }
        return value.times(scale[node]).adding(.number(bias[node]))
      }
    }
    return nodes
  }

  /// Bounds of the outputs over a box of inputs: every edge by its own bounds, nodes by adding and multiplying intervals.
  /// - Throws: `KANError` if a basis or base function has no bounds.
  public func bounds(_ box: [Interval]) throws(KANError) -> [Interval] {
    require(box.count == network.inputs, "\(box.count) intervals for \(network.inputs) inputs")
    var nodes = box
    for (l, layer) in network.layers.enumerated() {
      guard let spline = layer.basis as? BSpline else { throw KANError("\(layer.basis.name) edges have no bounds") }
      let coefficients = parameter(l, "coefficients")!
      let knots = variables.state["\(l)/knots"]!
      let (base, scale) = (parameter(l, "base"), parameter(l, "scale"))
      let live = isLive(l)
      var sums = [Interval](repeating: Interval(0), count: layer.units)
      for i in nodes.indices {
        let baseRange: Interval
        switch layer.base {
        case .zero: baseRange = Interval(0)
        case .identity: baseRange = nodes[i]
        case .activation(let activation):
          do { baseRange = try activation.bounds(nodes[i]) } catch { throw KANError("\(error)") }
        }
        let ownKnots = knots[i].doubles
        for o in 0..<layer.units where live[i][o] {
          guard !layer.symbolic.contains(where: { $0.input == i && $0.output == o }) else {
            throw KANError("symbolic edges have no bounds; take those of the formula")
          }
          let own = coefficients[i, .all, o].doubles
          var range = BSpline.bounds(own, knots: ownKnots, order: spline.order, nodes[i])
          range = range.scaled(scale?[i, o].scalar ?? 1)
          if let base { range = range.plus(baseRange.scaled(base[i, o].scalar)) }
          sums[o] = sums[o].plus(range)
        }
      }
      nodes = (0..<network.widths[l + 1].nodes).map { node in
        let factors = network.sums(ofNode: node, in: l).map { sums[$0] }
        return factors.dropFirst().reduce(factors[0]) { $0.multiplied($1) }
      }
    }
    return nodes
  }
}

extension Interval {
  fileprivate func scaled(_ factor: Double) -> Interval {
    factor >= 0 ? Interval(low * factor, high * factor) : Interval(high * factor, low * factor)
  }
  fileprivate func plus(_ other: Interval) -> Interval { Interval(low + other.low, high + other.high) }
  fileprivate func multiplied(_ other: Interval) -> Interval {
    let corners = [low * other.low, low * other.high, high * other.low, high * other.high]
    return Interval(corners.min()!, corners.max()!)
  }
}
