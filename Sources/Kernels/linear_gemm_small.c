// Float32 products of a few thousand multiplications, where entering a library costs more than the work.
#include "linear_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma")))
#define INLINE __attribute__((always_inline)) static inline TARGET

// C[rows, 16 · vectors] = A B, with A at strides (a_row, a_step), so that both transposes are the same loop.
// Only the last vector is masked. `rows` and `vectors` are constants after inlining, so the sums stay in registers.
INLINE void tile(int rows, int vectors, size_t k, const float *a, size_t a_row, size_t a_step, const float *b,
                 size_t ldb, int accumulate, float *c, size_t ldc, __mmask16 last) {
  __m512 sum[8][3];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      __mmask16 mask = v == vectors - 1 ? last : (__mmask16)-1;
      sum[i][v] = accumulate ? _mm512_maskz_loadu_ps(mask, c + i * ldc + 16 * v) : _mm512_setzero_ps();
    }
  }
  for (size_t p = 0; p < k; p++) {
    __m512 row[3];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      __mmask16 mask = v == vectors - 1 ? last : (__mmask16)-1;
      row[v] = _mm512_maskz_loadu_ps(mask, b + p * ldb + 16 * v);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      __m512 factor = _mm512_set1_ps(a[i * a_row + p * a_step]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sum[i][v] = _mm512_fmadd_ps(factor, row[v], sum[i][v]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      _mm512_mask_storeu_ps(c + i * ldc + 16 * v, v == vectors - 1 ? last : (__mmask16)-1, sum[i][v]);
  }
}

INLINE void tile_rows(int vectors, size_t m, size_t k, const float *a, size_t a_row, size_t a_step, const float *b,
                      size_t ldb, int accumulate, float *c, size_t ldc, __mmask16 last) {
  size_t i = 0;
  for (; i + 8 <= m; i += 8)
    tile(8, vectors, k, a + i * a_row, a_row, a_step, b, ldb, accumulate, c + i * ldc, ldc, last);
  if (i + 4 <= m) {
    tile(4, vectors, k, a + i * a_row, a_row, a_step, b, ldb, accumulate, c + i * ldc, ldc, last);
    i += 4;
  }
  for (; i < m; i++)
    tile(1, vectors, k, a + i * a_row, a_row, a_step, b, ldb, accumulate, c + i * ldc, ldc, last);
}

TARGET static void product(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_step, const float *b,
                           size_t ldb, int accumulate, float *c, size_t ldc) {
  for (size_t j = 0; j < n; j += 48) {
    size_t left = n - j;
    size_t vectors = left >= 48 ? 3 : (left + 15) / 16;
    size_t tail = left - 16 * (vectors - 1);
    __mmask16 last = tail >= 16 ? (__mmask16)-1 : (__mmask16)((1u << tail) - 1);
    if (vectors == 3)
      tile_rows(3, m, k, a, a_row, a_step, b + j, ldb, accumulate, c + j, ldc, last);
    else if (vectors == 2)
      tile_rows(2, m, k, a, a_row, a_step, b + j, ldb, accumulate, c + j, ldc, last);
    else
      tile_rows(1, m, k, a, a_row, a_step, b + j, ldb, accumulate, c + j, ldc, last);
  }
}

// One column: dot products of rows of A (contiguous along k) with B gathered to a contiguous vector.
TARGET static void dots(size_t m, size_t k, const float *a, size_t lda, const float *x, int accumulate, float *c,
                        size_t ldc) {
  size_t whole = k & ~(size_t)15;
  __mmask16 rest = (__mmask16)((1u << (k - whole)) - 1);
  size_t i = 0;
  for (; i + 4 <= m; i += 4) {
    const float *row = a + i * lda;
    __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    for (size_t p = 0; p < whole; p += 16) {
      __m512 v = _mm512_loadu_ps(x + p);
      s0 = _mm512_fmadd_ps(v, _mm512_loadu_ps(row + p), s0);
      s1 = _mm512_fmadd_ps(v, _mm512_loadu_ps(row + lda + p), s1);
      s2 = _mm512_fmadd_ps(v, _mm512_loadu_ps(row + 2 * lda + p), s2);
      s3 = _mm512_fmadd_ps(v, _mm512_loadu_ps(row + 3 * lda + p), s3);
    }
    if (rest) {
      __m512 v = _mm512_maskz_loadu_ps(rest, x + whole);
      s0 = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(rest, row + whole), s0);
      s1 = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(rest, row + lda + whole), s1);
      s2 = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(rest, row + 2 * lda + whole), s2);
      s3 = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(rest, row + 3 * lda + whole), s3);
    }
    float sums[4] = {_mm512_reduce_add_ps(s0), _mm512_reduce_add_ps(s1), _mm512_reduce_add_ps(s2),
                     _mm512_reduce_add_ps(s3)};
    for (size_t r = 0; r < 4; r++) {
      float *out = c + (i + r) * ldc;
      *out = accumulate ? *out + sums[r] : sums[r];
    }
  }
  for (; i < m; i++) {
    const float *row = a + i * lda;
    __m512 s = _mm512_setzero_ps();
    for (size_t p = 0; p < whole; p += 16) s = _mm512_fmadd_ps(_mm512_loadu_ps(x + p), _mm512_loadu_ps(row + p), s);
    if (rest)
      s = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(rest, x + whole), _mm512_maskz_loadu_ps(rest, row + whole), s);
    float sum = _mm512_reduce_add_ps(s);
    float *out = c + i * ldc;
    *out = accumulate ? *out + sum : sum;
  }
}

// Measured against dnnl_sgemm (Zen 5, one thread): 64×2×32 0.07 against 0.25 µs, 64×32×32 0.49 against 0.70, even at
// 64×64×64. A transposed B is copied to `panel` first.
enum { multiplications = 1 << 18, panel_elements = 4096 };

int soma_gemm_small(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a, size_t lda,
                    const float *b, size_t ldb, int accumulate, float *c, size_t ldc) {
  if (soma_linear_level() < 2) return 0;
  if (m > 4096 || n > 4096 || k > 4096 || m * n * k > multiplications) return 0;
  float panel[panel_elements];
  if (n == 1 && !transpose_a) {
    const float *x = b;
    if (!transpose_b && ldb != 1) {
      for (size_t p = 0; p < k; p++) panel[p] = b[p * ldb];
      x = panel;
    }
    dots(m, k, a, lda, x, accumulate, c, ldc);
    return 1;
  }
  if (n == 1 && ldc == 1) {
    // A column with A transposed: Cᵀ = Bᵀ A' where A' [k, m] is what memory holds.
    product(1, m, k, b, 0, transpose_b ? 1 : ldb, a, lda, accumulate, c, m);
    return 1;
  }
  if (transpose_b && m <= 2) {
    // Rows of B are contiguous along k: the transposed product is a matrix times a vector.
    for (size_t i = 0; i < m; i++) {
      const float *x = a + i * lda;
      if (transpose_a) {
        for (size_t p = 0; p < k; p++) panel[p] = a[p * lda + i];
        x = panel;
      }
      dots(n, k, b, ldb, x, accumulate, c + i * ldc, 1);
    }
    return 1;
  }
  if (transpose_b) {
    if (n * k > panel_elements) return 0;
    for (size_t j = 0; j < n; j++)
      for (size_t p = 0; p < k; p++) panel[p * n + j] = b[j * ldb + p];
    b = panel;
    ldb = n;
  }
  product(m, n, k, a, transpose_a ? 1 : lda, transpose_a ? lda : 1, b, ldb, accumulate, c, ldc);
  return 1;
}

#else

int soma_gemm_small(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a, size_t lda,
                    const float *b, size_t ldb, int accumulate, float *c, size_t ldc) {
  return 0;
}

#endif
