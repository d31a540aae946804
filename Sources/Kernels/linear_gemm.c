// General matrix products: own loops on AVX-512; elsewhere oneDNN for F32 and OpenBLAS for F64. Integers by a blocked loop.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <dnnl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "linear_internal.h"

// From cblas.h, which not every distribution puts on the default path: row-major is 101, plain 111, transposed 112.
void cblas_dgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, double alpha, const double *a,
                 int lda, const double *b, int ldb, double beta, double *c, int ldc);
void openblas_set_num_threads(int count);

static void pin_openblas(void) { openblas_set_num_threads(1); }

void soma_single_threaded_libraries(void) {
  static _Thread_local int done;
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (done) return;
  // OpenBLAS keeps one count for the process, OpenMP one for each thread. OpenMP is only there if oneDNN was built
  // with it, so its function is looked up instead of linked.
  pthread_once(&once, pin_openblas);
  void (*set_threads)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (set_threads) set_threads(1);
  done = 1;
}

// Without a product left (k = 0 or alpha = 0), or before an accumulating loop. A zero `beta` must not read C.
#define SCALE(name, type)                                                       \
  static void name(type beta, size_t m, size_t n, type *c, size_t ldc) {        \
    if (beta == 1) return;                                                      \
    for (size_t i = 0; i < m; i++) {                                            \
      if (beta == 0) {                                                          \
        memset(c + i * ldc, 0, n * sizeof(type));                               \
      } else {                                                                  \
        for (size_t j = 0; j < n; j++) c[i * ldc + j] *= beta;                  \
      }                                                                         \
    }                                                                           \
  }
SCALE(scale_f32, float)
SCALE(scale_f64, double)
SCALE(scale_i32, uint32_t)
SCALE(scale_i64, uint64_t)

// Unsigned arithmetic wraps by definition. The panel of B (block_k rows of block_n) stays in the first-level cache
// while the rows of C pass; with B transposed it is copied there first.
#define INTEGER_PRODUCT(name, type)                                                                           \
  static void name(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const type *a, size_t lda, \
                   const type *b, size_t ldb, type *c, size_t ldc) {                                          \
    enum { block_k = 32, block_n = 64 };                                                                      \
    type panel[block_k * block_n];                                                                            \
    for (size_t k0 = 0; k0 < k; k0 += block_k) {                                                              \
      size_t depth = k - k0 < block_k ? k - k0 : block_k;                                                     \
      for (size_t n0 = 0; n0 < n; n0 += block_n) {                                                            \
        size_t width = n - n0 < block_n ? n - n0 : block_n;                                                   \
        for (size_t p = 0; p < depth; p++)                                                                    \
          for (size_t j = 0; j < width; j++)                                                                  \
            panel[p * block_n + j] = transpose_b ? b[(n0 + j) * ldb + k0 + p] : b[(k0 + p) * ldb + n0 + j];   \
        for (size_t i = 0; i < m; i++) {                                                                      \
          type *row = c + i * ldc + n0;                                                                       \
          for (size_t p = 0; p < depth; p++) {                                                                \
            type factor = transpose_a ? a[(k0 + p) * lda + i] : a[i * lda + k0 + p];                          \
            const type *values = panel + p * block_n;                                                         \
            for (size_t j = 0; j < width; j++) row[j] += factor * values[j];                                  \
          }                                                                                                   \
        }                                                                                                     \
      }                                                                                                       \
    }                                                                                                         \
  }
INTEGER_PRODUCT(product_i32, uint32_t)
INTEGER_PRODUCT(product_i64, uint64_t)

int soma_gemm(soma_dtype dtype, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha,
              const void *a, size_t lda, const void *b, size_t ldb, double beta, void *c, size_t ldc) {
  if (m == 0 || n == 0) return 0;
  int is_integer = dtype == SOMA_I32 || dtype == SOMA_I64;
  if (is_integer ? alpha != 1 || (beta != 0 && beta != 1) : dtype != SOMA_F32 && dtype != SOMA_F64) return -1;
  if (ldc < n) return -2;
  if (k == 0 || alpha == 0) {
    switch (dtype) {
      case SOMA_F32: scale_f32((float)beta, m, n, c, ldc); break;
      case SOMA_F64: scale_f64(beta, m, n, c, ldc); break;
      case SOMA_I32: scale_i32((uint32_t)beta, m, n, c, ldc); break;
      default: scale_i64((uint64_t)beta, m, n, c, ldc); break;
    }
    return 0;
  }
  if (lda < (transpose_a ? m : k) || ldb < (transpose_b ? k : n)) return -2;
  switch (dtype) {
    case SOMA_F32: {
      if (alpha == 1 && (beta == 0 || beta == 1) &&
          soma_gemm_single(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta == 1, c, ldc))
        return 0;
      dnnl_status_t status =
          dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k,
                     (float)alpha, a, (dnnl_dim_t)lda, b, (dnnl_dim_t)ldb, (float)beta, c, (dnnl_dim_t)ldc);
      return -(int)status;
    }
    case SOMA_F64:
      if ((beta == 0 || beta == 1) &&
          soma_gemm_double(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta == 1, c, ldc))
        return 0;
      if (m > INT_MAX || n > INT_MAX || k > INT_MAX || lda > INT_MAX || ldb > INT_MAX || ldc > INT_MAX) return -3;
      cblas_dgemm(101, transpose_a ? 112 : 111, transpose_b ? 112 : 111, (int)m, (int)n, (int)k, alpha, a, (int)lda,
                  b, (int)ldb, beta, c, (int)ldc);
      return 0;
    case SOMA_I32:
      scale_i32((uint32_t)beta, m, n, c, ldc);
      product_i32(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc);
      return 0;
    default:
      scale_i64((uint64_t)beta, m, n, c, ldc);
      product_i64(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc);
      return 0;
  }
}
