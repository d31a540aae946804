import Testing

@testable import Soma

@Suite struct NarrowTypesTests {
  @Test func productsOfStorageTypesComputeInWiderOnes() {
    let a = Tensor([1.5, 2, -3, 0.25] as [Float], shape: [2, 2]).cast(to: .bfloat16)
    let product = a.matmul(a)
    #expect(product.dtype == .bfloat16)
    // Exact in float32, then rounded to 8 bits of mantissa: 1.5·1.5 - 6 = -3.75, 3 + 0.5, -4.5 - 0.75, -6 + 0.0625.
    #expect(product.doubles == [-3.75, 3.5, -5.25, -5.9375])
    #expect(Tensor.einsum("ij,jk->ik", a, a).doubles == product.doubles)
  }

  @Test func productsOfBytesWrap() {
    let a = Tensor([100, 100] as [Int8], shape: [1, 2])
    // 100·2 + 100·1 = 300 ≡ 44 (mod 256)
    let product = a.matmul(Tensor([2, 1] as [Int8], shape: [2, 1]))
    #expect(product.dtype == .int8 && product.ints == [44])
  }

  @Test func convolutionsOfBFloat16() {
    let x = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 4]).cast(to: .bfloat16)
    let k = Tensor([1, 0.5] as [Float], shape: [1, 1, 2]).cast(to: .bfloat16)
    let y = x.convolution(k)
    #expect(y.dtype == .bfloat16 && y.doubles == [2, 3.5, 5])
  }

  @Test func bfloat16RoundsToNearestEven() {
    // Between 1 and 1 + 2⁻⁷: the tie goes to the even mantissa.
    let x = Tensor([1 + 0x1p-8, 1 + 0x1p-8 + 0x1p-20, 1 + 3 * 0x1p-8] as [Float]).cast(to: .bfloat16)
    #expect(x.doubles == [1, 1 + 0x1p-7, 1 + 0x1p-6])
  }
}
