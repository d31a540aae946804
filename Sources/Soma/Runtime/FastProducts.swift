import Kernels
import Synchronization

/// Large `float32` matrix products by fewer multiplications.
///
/// A product of matrices of at least 1536 rows, columns and terms is computed by two levels of Strassen's algorithm: 49
/// products of blocks instead of 64. Its error is about twice that of an ordinary product (root mean square, measured for
/// normal and uniform elements at 2048³: 1.6e-6 of the result's norm against 8.1e-7), but it is bounded by the size of the
/// matrices, not element by element: a small element of the result may lose more digits than a large one. A product
/// is ordinary where that would matter: where rows of the left matrix or columns of the right one differ more than
/// eightfold in their largest elements (a row of zeros included), where along the contraction large elements of one meet
/// small ones of the other, and where a result overflows or is not a number. `float64` products are always ordinary, and
/// so are all on processors without AVX-512. Results do not depend on the number of threads.
///
/// V. Strassen, 1969, "Gaussian elimination is not optimal"; J. Huang, T. Smith, G. Henry, R. van de Geijn, 2016,
/// "Strassen's algorithm reloaded"; G. Ballard, A. Benson, A. Druinsky, B. Lipshitz, O. Schwartz, 2016, "Improving the
/// numerical stability of fast matrix multiplication" (arXiv:1507.00687).
public enum FastProducts {
  private static let enabled = Atomic<Bool>(getenv("SOMA_FAST_PRODUCTS").map { String(cString: $0) != "0" } ?? true)

  /// Whether products may be fast, in compiled graphs too. True unless the environment says `SOMA_FAST_PRODUCTS=0`.
  public static var isEnabled: Bool {
    get { enabled.load(ordering: .relaxed) }
    set { enabled.store(newValue, ordering: .relaxed) }
  }
}

extension Product {
  /// Bytes that the fast way needs beside copies of operands; nil if this product is always ordinary.
  var fastScratch: Int? {
    guard dtype == .float32, batches == 1, soma_gemm_fast_pays(m, n, k) != 0 else { return nil }
    return soma_gemm_fast_scratch(Parallel.cores, m, n, k)
  }

  /// Computes the product the fast way, if that is allowed and suits the operands.
  func runFast(
    _ operands: (left: UnsafeRawPointer, right: UnsafeRawPointer), to out: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer
  ) -> Bool {
    guard FastProducts.isEnabled else { return false }
    let (a, b) = (left.address(operands.left, 0), right.address(operands.right, 0))
    return soma_gemm_fast(
      Parallel.threads, left.isTransposed ? 1 : 0, right.isTransposed ? 1 : 0, m, n, k,
      a.assumingMemoryBound(to: Float.self), left.leadingDimension, b.assumingMemoryBound(to: Float.self),
      right.leadingDimension, out.assumingMemoryBound(to: Float.self), n, scratch) != 0
  }
}

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
