import Testing

@testable import Soma

/// Texts, to the character.
@Suite struct PrintingTests {
  @Test func numbers() {
    #expect("\(Tensor(2.5))" == "2.5")
    #expect("\(Tensor(7, dtype: .int64))" == "7")
    #expect("\(Tensor(true, dtype: .bool))" == "true")
    #expect(
      "\(Tensor([0.0, 1, -1.5, 1.0 / 3, 123456, 1e-3]))" == "[      0,       1,    -1.5, 0.33333,  123456,   0.001]")
    #expect("\(Tensor([1e10, -2.5e-7, 1.0]))" == "[   1e10, -2.5e-7,       1]")
    #expect("\(Tensor([Double.nan, .infinity, -.infinity]))" == "[nan,   ∞,  -∞]")
    #expect(
      "\(Tensor([Int.max, Int.min, 9_007_199_254_740_993]))"
        == "[ 9223372036854775807, -9223372036854775808,     9007199254740993]")
    #expect("\(Tensor([true, false]))" == "[ true, false]")
  }

  @Test func roundingMayCarryToTheNextPower() {
    #expect("\(Tensor(0.999996, dtype: .float64))" == "1")
    #expect("\(Tensor(9.99999, dtype: .float64))" == "10")
    #expect("\(Tensor(9.99999e-7, dtype: .float64))" == "1e-6")
    #expect("\(Tensor(9.99999e9, dtype: .float64))" == "1e10")
    #expect("\(Tensor(Double.leastNonzeroMagnitude, dtype: .float64))" == "4.9407e-324")
    #expect("\(Tensor(1.7976931348623157e308, dtype: .float64))" == "1.7977e308")
  }

  @Test func axesAreNested() {
    #expect("\(Tensor([[1, 2], [3, 40]]))" == "[[ 1,  2],\n [ 3, 40]]")
    #expect(
      "\(Tensor.iota([2, 2, 2], axis: 2, dtype: .int32))" == "[[[0, 1],\n  [0, 1]],\n\n [[0, 1],\n  [0, 1]]]")
    #expect("\(Tensor.zeros([0]))" == "[]")
    #expect("\(Tensor.zeros([2, 0]))" == "[[],\n []]")
  }

  @Test func longAxesAreCut() {
    #expect("\(Tensor.iota([2000], dtype: .int32))" == "[   0,    1,    2, …, 1997, 1998, 1999]")
    #expect("\(Tensor.iota([1000], dtype: .int32))".hasSuffix("998, 999]"))
    let lines = "\(Tensor.zeros([50, 50], dtype: .int32))".split(separator: "\n")
    #expect(lines.count == 7 && lines[1] == " [0, 0, 0, …, 0, 0, 0]," && lines[3] == " …,")
  }

  @Test func types() {
    #expect("\(TensorType(shape: [2, 3]))" == "float32[2, 3]")
    #expect("\(TensorType(shape: [], dtype: .bool))" == "bool[]")
    for dtype in DType.allCases { #expect(DType(named: "\(dtype)") == dtype) }
    #expect(DType(named: "float") == nil)
  }

  @Test func tracedTensorsPrintTheirType() {
    var text = ""
    _ = Graph(tracing: [TensorType(shape: [2, 3])]) { x in
      text = "\(x[0].sum([1]))"
      return x
    }
    #expect(text == "traced float32[2]")
  }

  @Test func graphs() {
    let graph = Graph(tracing: [TensorType(shape: [8, 3]), TensorType(shape: [3, 4])]) { x in
      let product = scoped("net/dense") { x[0].matmul(x[1]) }
      return [product.maximum(0).sum([1]), product[0..<2]]
    }
    let expected = """
      graph(%0: float32[8, 3], %1: float32[3, 4])
        %2: float32[8, 4] = dot(%0, %1) {contracting [1] with [0]}  @ net/dense
        %3: float32[] = constant() {0}
        %4: float32[8, 4] = broadcast(%3) {axes []}
        %5: float32[8, 4] = maximum(%2, %4)
        %6: float32[8] = reduce.sum(%5) {axes [1]}
        %7: float32[2, 4] = slice(%2) {0..<2, 0..<4}
        return %6, %7
      """
    #expect("\(graph)" == expected)
  }

  @Test func bytes() {
    #expect(formattedBytes(0) == "0 B" && formattedBytes(1023) == "1023 B" && formattedBytes(1024) == "1.0 KiB")
    #expect(formattedBytes(5_500_000) == "5.2 MiB" && formattedBytes(24 << 30) == "24.0 GiB")
  }
}
