import Testing

@testable import Soma

/// Tensors from and to Swift values, and the types in which operands meet.
@Suite struct ConversionTests {
  // MARK: Literals

  @Test func nestedListsAreTensors() {
    let vector: Tensor = [1, 2.5, -3]
    #expect(vector.dtype == .float32 && vector.shape == [3] && vector.floats == [1, 2.5, -3])
    let cube: Tensor = [[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]]
    #expect(cube.shape == [3, 2, 2] && cube.floats == (1...12).map(Float.init))
    let empty: Tensor = []
    #expect(empty.shape == [0])
    let column: Tensor = [[1], [2]]
    #expect(column.shape == [2, 1])
  }

  // MARK: Swift arrays

  @Test func arraysKeepTheirType() {
    #expect(Tensor([1.5, 2]).dtype == .float64)
    #expect(Tensor([1.5, 2] as [Float]).dtype == .float32)
    #expect(Tensor([1, 2]).dtype == .int64)
    #expect(Tensor([1, 2] as [Int32]).dtype == .int32)
    #expect(Tensor([1, 2] as [Int8]).dtype == .int8)
    #expect(Tensor([1, 2] as [UInt8]).dtype == .uint8)
    #expect(Tensor([true, false]).dtype == .bool)
    #expect(Tensor([[1.0, 2], [3, 4], [5, 6]]).shape == [3, 2])
    #expect(Tensor([1, 2, 3, 4], shape: [2, 2])[1, 0].item() == 3)
  }

  @Test func elementsComeBackConverted() {
    let x = Tensor([1.75, -2.25, 0])
    #expect(x.floats == [1.75, -2.25, 0] && x.doubles == [1.75, -2.25, 0])
    #expect(x.ints == [1, -2, 0] && x.bools == [true, true, false])
    #expect(x.array(of: Int8.self) == [1, -2, 0])
    #expect(Tensor(3.5).item(as: Float.self) == 3.5 && Tensor(7, dtype: .int32).scalar == 7)
    #expect(Tensor([[5]]).item(as: Int.self) == 5)
  }

  @Test func bytesGoRound() {
    for dtype in DType.allCases {
      let x = (Tensor.iota([2, 3], axis: 1) - 1).cast(to: dtype)
      #expect(x.bytes.count == 6 * dtype.size)
      let copy = Tensor(bytes: x.bytes, shape: [2, 3], dtype: dtype)
      #expect(copy.dtype == dtype && copy.bytes == x.bytes && copy.doubles == x.doubles)
    }
    #expect(Tensor([1.0] as [Float]).bytes == [0, 0, 0x80, 0x3f])
  }

  @Test func castsSaturateAndWrap() {
    let x = Tensor([3.9, -3.9, 1e20, -1e20, .nan])
    #expect(x.cast(to: .int32).ints == [3, -3, 2_147_483_647, -2_147_483_648, 0])
    #expect(x.cast(to: .uint8).ints == [3, 0, 255, 0, 0])
    #expect(Tensor([300, -1, 128] as [Int32]).cast(to: .uint8).ints == [44, 255, 128])
    #expect(Tensor([300, -1, 128] as [Int32]).cast(to: .int8).ints == [44, -1, -128])
    #expect(Tensor([0.0, -0.0, 0.1, .nan]).cast(to: .bool).bools == [false, false, true, true])
    // bfloat16 keeps eight bits, to nearest, ties to even.
    #expect(Tensor([1.00390625, 1.01171875, 3.14159265]).cast(to: .bfloat16).doubles == [1, 1.015625, 3.140625])
  }

  // MARK: Promotion

  @Test func tensorsMeetInTheWiderType() {
    let expected: [(DType, DType, DType)] = [
      (.bool, .bool, .bool), (.bool, .uint8, .uint8), (.bool, .float32, .float32), (.uint8, .int8, .int32),
      (.uint8, .int32, .int32), (.int8, .int64, .int64), (.int32, .int64, .int64), (.int64, .float32, .float32),
      (.int64, .bfloat16, .bfloat16), (.bfloat16, .float32, .float32), (.float32, .float64, .float64),
      (.bool, .float64, .float64),
    ]
    for (a, b, result) in expected {
      #expect(DType.promote(a, b) == result && DType.promote(b, a) == result)
      #expect((Tensor.ones([2], dtype: a) + Tensor.ones([2], dtype: b)).dtype == result)
    }
  }

  @Test func numbersTakeTheTensorsType() {
    let (f, d, i, b) = (
      Tensor([1.5] as [Float]), Tensor([1.5]), Tensor([3] as [Int32]), Tensor([true])
    )
    #expect((f + 1).dtype == .float32 && (f * 2.5).dtype == .float32 && (d * 2).dtype == .float64)
    #expect((i + 1).dtype == .int32 && (i * 2).ints == [6])
    // A fraction beside integers makes floating numbers of them.
    #expect((i * 0.5).dtype == .float32 && (i * 0.5).floats == [1.5])
    #expect((b + 1).dtype == .int32 && (b + 1).ints == [2] && (b * 2.5).dtype == .float32)
    #expect((1 - i).ints == [-2] && (6 / i).floats == [2])
  }

  @Test func integersDivideTruly() {
    let (a, b) = (Tensor([7, -7] as [Int32]), Tensor([2, 2] as [Int32]))
    #expect((a / b).dtype == .float32 && (a / b).floats == [3.5, -3.5])
    #expect(a.floorDivide(by: b).ints == [3, -4])
    #expect((a % b).ints == [1, 1])
  }

  @Test func truthValuesAreLogicAndCount() {
    let (a, b) = (Tensor([true, true, false]), Tensor([true, false, false]))
    #expect((a .& b).bools == [true, false, false] && (a .| b).bools == [true, true, false])
    #expect((a .^ b).bools == [false, true, false] && (!a).bools == [false, false, true])
    #expect(a.sum().dtype == .int32 && a.sum().item() == 2 && a.mean().scalar > 0.66)
    #expect(a.any().item() == true && a.all().item() == false)
    #expect((Tensor([1, 2, 3]) .> 2).bools == [false, false, true])
  }

  @Test func functionsOfIntegersAreFloating() {
    #expect(Tensor([1, 4]).sqrt().dtype == .float32 && Tensor([1, 4]).sqrt().floats == [1, 2])
    #expect(Tensor([-1, 4] as [Int32]).abs().dtype == .int32)
    #expect(Tensor([1, 2] as [Int32]).mean().floats == [1.5])
  }
}
