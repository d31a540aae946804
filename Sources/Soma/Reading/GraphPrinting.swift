extension Graph: CustomStringConvertible {
  /// One line a node: `%5: float32[8, 4] = dot(%0, %3)  (contracting 1 with 0)  @ dense`.
  public var description: String {
    var lines = ["graph(" + inputs.map { "%\($0): \(types[$0])" }.joined(separator: ", ") + ")"]
    for node in nodes {
      let results = node.outputs.map { "%\($0): \(types[$0])" }.joined(separator: ", ")
      let operands = node.inputs.map { "%\($0)" }.joined(separator: ", ")
      let settings = node.primitive.settings
      lines.append(
        "  \(results) = \(node.primitive.name)(\(operands))" + (settings.isEmpty ? "" : " {\(settings)}")
          + (node.scope.isEmpty ? "" : "  @ \(node.scope)"))
    }
    lines.append("  return " + outputs.map { "%\($0)" }.joined(separator: ", "))
    return lines.joined(separator: "\n")
  }
}

extension Primitive {
  /// What distinguishes this use of the primitive, for people.
  var settings: String {
    switch self {
    case .constant(let constant): constant.type.shape.elementCount <= 4 ? constant.tensor.description : ""
    case .iota(_, let axis): "axis \(axis)"
    case .dot(let dot):
      "contracting \(dot.leftContracted) with \(dot.rightContracted)"
        + (dot.leftBatch.isEmpty ? "" : ", batch \(dot.leftBatch) with \(dot.rightBatch)")
    case .convolution(let c, _):
      "kernel \(c.kernelSize), strides \(c.strides), padding \(c.low) \(c.high)"
        + (c.dilations.allSatisfy { $0 == 1 } ? "" : ", dilations \(c.dilations)")
        + (c.groups == 1 ? "" : ", groups \(c.groups)")
    case .splineSum(let sum, _):
      "order \(sum.order)" + (sum.derivative == 0 ? "" : ", derivative \(sum.derivative)")
    case .reduce(_, let axes), .reverse(let axes): "axes \(axes)"
    case .argReduce(_, let axis), .concatenate(let axis), .fourier(_, let axis), .realFourier(let axis): "axis \(axis)"
    case .cumulative(_, let axis, let reverse): "axis \(axis)" + (reverse ? ", reversed" : "")
    case .windowReduce(_, let window), .windowArgMax(let window): "window \(window.size), strides \(window.strides)"
    case .transpose(let permutation): "\(permutation)"
    case .broadcast(_, let axes): "axes \(axes)"
    case .slice(let starts, let limits, let strides):
      zip(starts, zip(limits, strides)).map { $1.1 == 1 ? "\($0)..<\($1.0)" : "\($0)..<\($1.0) by \($1.1)" }.joined(
        separator: ", ")
    case .pad(let low, let high, let interior):
      "low \(low), high \(high)" + (interior.allSatisfy { $0 == 0 } ? "" : ", interior \(interior)")
    case .gather(let axis, let batch), .scatterAdd(let axis, let batch):
      "axis \(axis)" + (batch == 0 ? "" : ", batch axes \(batch)")
    case .argSort(let axis, let descending): "axis \(axis)" + (descending ? ", descending" : "")
    case .argTopK(let k): "k \(k)"
    case .inverseRealFourier(let axis, let length): "axis \(axis), length \(length)"
    case .triangularSolve(let lower, let transposed, let unit):
      (lower ? "lower" : "upper") + (transposed ? ", transposed" : "") + (unit ? ", unit diagonal" : "")
    case .solve(let transposed): transposed ? "transposed" : ""
    case .scan(let scan): "\(scan.length) steps of \(scan.body.nodes.count) nodes" + (scan.reverse ? ", reversed" : "")
    case .custom(let custom): "\(custom.function.nodes.count) nodes"
    case .checkpoint(let graph): "\(graph.nodes.count) nodes"
    case .randomBits, .unary, .polygamma, .binary, .compare, .select, .cast, .stopGradient, .reshape, .cholesky,
      .symmetricEigen, .singularValues, .qr, .logDeterminant:
      ""
    }
  }
}
