/// An n-dimensional array, as a value. Operations on concrete tensors run at once; inside a traced function they
/// record the operation instead, and the same code serves for both.
public struct Tensor: Sendable {
  public let shape: Shape
  public let dtype: DType
  let source: Source

  enum Source: Sendable {
    case concrete(Storage)
    case traced(Tracer, ValueID)
  }

  init(shape: Shape, dtype: DType, source: Source) {
    self.shape = shape
    self.dtype = dtype
    self.source = source
  }

  /// The number of axes.
  public var rank: Int { shape.rank }

  /// The number of elements.
  public var count: Int { shape.elementCount }

  /// Whether the elements are known; false inside a traced function.
  public var isConcrete: Bool {
    if case .concrete = source { true } else { false }
  }

  var type: TensorType { TensorType(shape: shape, dtype: dtype) }

  /// The elements' memory.
  /// - Precondition: the tensor is concrete. A traced tensor has no elements yet: a function that is being traced
  ///   cannot look at values, only compute with them.
  var storage: Storage {
    guard case .concrete(let storage) = source else {
      fatalError("the elements of a traced tensor of shape \(shape) are not known while tracing")
    }
    return storage
  }
}
