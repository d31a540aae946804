import Soma

extension Expression {
  /// A formula of named variables in the catalogue's grammar.
  /// - Throws: `ExpressionError` that names the place.
  public static func parsing(_ formula: String, variables: Set<String>) throws(ExpressionError) -> Expression {
    try ExpressionParser.parse(formula, variables: variables)
  }

  /// The value for tensors in place of the variables, which broadcast together.
  public func value(_ variables: [String: Tensor]) -> Tensor {
    guard let template = variables.sorted(by: { $0.key < $1.key }).first?.value else {
      require(false, "a formula's value wants at least one variable")
      return Tensor(0)
    }
    return ExpressionEvaluation.tensor(self, variables.mapValues { .tensor($0) }, like: template)
  }
}
