/// A number or nested list in a tensor literal.
public struct TensorLiteral: Sendable, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral
{
  let values: [Float]
  let shape: [Int]

  public init(floatLiteral value: Double) { (values, shape) = ([Float(value)], []) }
  public init(integerLiteral value: Int) { (values, shape) = ([Float(value)], []) }
  public init(arrayLiteral elements: TensorLiteral...) {
    require(
      elements.allSatisfy { $0.shape == elements[0].shape }, "the rows of a tensor literal have the same length")
    values = elements.flatMap(\.values)
    shape = [elements.count] + (elements.first?.shape ?? [])
  }
}

extension Tensor: ExpressibleByArrayLiteral {
  /// A `float32` tensor: `let m: Tensor = [[1, 2], [3, 4]]`.
  public init(arrayLiteral elements: TensorLiteral...) {
    let literal = elements.reduce(into: (values: [Float](), shape: elements.first?.shape ?? [])) { result, element in
      require(element.shape == result.shape, "the rows of a tensor literal have the same length")
      result.values += element.values
    }
    self.init(literal.values, shape: Shape([elements.count] + literal.shape))
  }
}
