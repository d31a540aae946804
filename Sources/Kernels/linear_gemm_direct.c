// Products on AVX-512 without a library: small ones of either type, where entering a library costs more than the work,
// and all of F64, since OpenBLAS may not know the processor and then reaches half of its speed.
#include <pthread.h>
#include <stdlib.h>

#include "linear_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Measured against dnnl_sgemm (Zen 5, one thread): 64×2×32 0.07 against 0.25 µs, 64×32×32 0.49 against 0.70, even at
// 64×64×64. A transposed B is copied to `panel` first.
enum { multiplications = 1 << 18, panel_elements = 4096 };

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma")))

#define REAL float
#define NAME(x) x##_f32
#define LANES 16
#define VECTOR __m512
#define MASK __mmask16
#define LOAD _mm512_maskz_loadu_ps
#define STORE _mm512_mask_storeu_ps
#define ZERO _mm512_setzero_ps
#define BROADCAST _mm512_set1_ps
#define MULTIPLY_ADD _mm512_fmadd_ps
#define SUM _mm512_reduce_add_ps
#include "linear_gemm_direct_body.h"
#undef REAL
#undef NAME
#undef LANES
#undef VECTOR
#undef MASK
#undef LOAD
#undef STORE
#undef ZERO
#undef BROADCAST
#undef MULTIPLY_ADD
#undef SUM

#define REAL double
#define NAME(x) x##_f64
#define LANES 8
#define VECTOR __m512d
#define MASK __mmask8
#define LOAD _mm512_maskz_loadu_pd
#define STORE _mm512_mask_storeu_pd
#define ZERO _mm512_setzero_pd
#define BROADCAST _mm512_set1_pd
#define MULTIPLY_ADD _mm512_fmadd_pd
#define SUM _mm512_reduce_add_pd
#include "linear_gemm_direct_body.h"

int soma_gemm_small(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a, size_t lda,
                    const float *b, size_t ldb, int accumulate, float *c, size_t ldc) {
  if (soma_linear_level() < 2) return 0;
  return small_f32(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, accumulate, c, ldc);
}

// Panels of B (depth × 24) and of A (8 × depth) fit the first-level cache together, blocks of them the second.
enum { tile_rows_count = 8, tile_columns = 24, depth_block = 160, column_block = 480, row_block = 96 };

// Under this, packing B costs more than its reuse saves.
enum { few_rows = 32 };

static pthread_key_t packed_key;
static void create_packed_key(void) { pthread_key_create(&packed_key, free); }

/// One block of each operand, kept by every thread that multiplies.
static double *packed_blocks(void) {
  static _Thread_local double *mine;
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (mine) return mine;
  pthread_once(&once, create_packed_key);
  mine = aligned_alloc(64, sizeof(double) * depth_block * (column_block + row_block));
  if (mine) pthread_setspecific(packed_key, mine);
  return mine;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

// Eight rows of eight to eight columns, `pitch` apart, in registers.
TARGET static void transpose_tile(double *to, size_t pitch, const double *a, size_t lda, __m512d alpha) {
  __m512d r[8], s[8];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 8; i++) r[i] = _mm512_mul_pd(alpha, _mm512_loadu_pd(a + i * lda));
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i += 2) {
    s[i] = _mm512_unpacklo_pd(r[i], r[i + 1]);
    s[i + 1] = _mm512_unpackhi_pd(r[i], r[i + 1]);
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 2; i++) {
    // Columns i, i + 2, i + 4, i + 6 of four pairs of rows, a quarter of a register each.
    __m512d even_low = _mm512_shuffle_f64x2(s[i], s[i + 2], 0x88), odd_low = _mm512_shuffle_f64x2(s[i], s[i + 2], 0xdd);
    __m512d even_high = _mm512_shuffle_f64x2(s[i + 4], s[i + 6], 0x88);
    __m512d odd_high = _mm512_shuffle_f64x2(s[i + 4], s[i + 6], 0xdd);
    _mm512_storeu_pd(to + pitch * i, _mm512_shuffle_f64x2(even_low, even_high, 0x88));
    _mm512_storeu_pd(to + pitch * (i + 4), _mm512_shuffle_f64x2(even_low, even_high, 0xdd));
    _mm512_storeu_pd(to + pitch * (i + 2), _mm512_shuffle_f64x2(odd_low, odd_high, 0x88));
    _mm512_storeu_pd(to + pitch * (i + 6), _mm512_shuffle_f64x2(odd_low, odd_high, 0xdd));
  }
}

TARGET static void pack_columns(double *to, const double *b, size_t ldb, int transposed, size_t depth, size_t width) {
  for (size_t j0 = 0; j0 < width; j0 += tile_columns, to += depth * tile_columns) {
    size_t columns = least(tile_columns, width - j0);
    if (columns == tile_columns && !transposed) {
      for (size_t p = 0; p < depth; p++)
        for (size_t j = 0; j < tile_columns; j++) to[p * tile_columns + j] = b[p * ldb + j0 + j];
      continue;
    }
    size_t p = 0;
    if (columns == tile_columns) {
      for (; p + 8 <= depth; p += 8)
        for (size_t j = 0; j < tile_columns; j += 8)
          transpose_tile(to + p * tile_columns + j, tile_columns, b + (j0 + j) * ldb + p, ldb, _mm512_set1_pd(1));
    }
    for (; p < depth; p++)
      for (size_t j = 0; j < columns; j++)
        to[p * tile_columns + j] = transposed ? b[(j0 + j) * ldb + p] : b[p * ldb + j0 + j];
  }
}

TARGET static void pack_rows(double *to, const double *a, size_t lda, int transposed, size_t height, size_t depth,
                             double alpha) {
  for (size_t i0 = 0; i0 < height; i0 += tile_rows_count, to += depth * tile_rows_count) {
    size_t rows = least(tile_rows_count, height - i0), p = 0;
    if (rows == tile_rows_count && transposed) {
      for (; p < depth; p++)
        for (size_t i = 0; i < tile_rows_count; i++) to[p * tile_rows_count + i] = alpha * a[p * lda + i0 + i];
    } else if (rows == tile_rows_count) {
      for (; p + 8 <= depth; p += 8)
        transpose_tile(to + p * tile_rows_count, tile_rows_count, a + i0 * lda + p, lda, _mm512_set1_pd(alpha));
    }
    for (; p < depth; p++)
      for (size_t i = 0; i < rows; i++)
        to[p * tile_rows_count + i] = alpha * (transposed ? a[p * lda + i0 + i] : a[(i0 + i) * lda + p]);
  }
}

TARGET int soma_gemm_double(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha,
                            const double *a, size_t lda, const double *b, size_t ldb, int accumulate, double *c,
                            size_t ldc) {
  if (soma_linear_level() < 2) return 0;
  if (alpha == 1 && small_f64(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, accumulate, c, ldc)) return 1;
  if (alpha == 1 && !transpose_b && m <= few_rows) {
    product_f64(m, n, k, a, transpose_a ? 1 : lda, transpose_a ? lda : 1, b, ldb, accumulate, c, ldc);
    return 1;
  }
  double *columns = packed_blocks();
  if (!columns) return 0;
  double *rows = columns + depth_block * column_block;
  for (size_t j0 = 0; j0 < n; j0 += column_block) {
    size_t width = least(column_block, n - j0);
    for (size_t p0 = 0; p0 < k; p0 += depth_block) {
      size_t depth = least(depth_block, k - p0);
      pack_columns(columns, b + (transpose_b ? j0 * ldb + p0 : p0 * ldb + j0), ldb, transpose_b, depth, width);
      for (size_t i0 = 0; i0 < m; i0 += row_block) {
        size_t height = least(row_block, m - i0);
        pack_rows(rows, a + (transpose_a ? p0 * lda + i0 : i0 * lda + p0), lda, transpose_a, height, depth, alpha);
        for (size_t j = 0; j < width; j += tile_columns)
          for (size_t i = 0; i < height; i += tile_rows_count)
            product_f64(least(tile_rows_count, height - i), least(tile_columns, width - j), depth, rows + i * depth, 1,
                        tile_rows_count, columns + j * depth, tile_columns, accumulate || p0 > 0,
                        c + (i0 + i) * ldc + j0 + j, ldc);
      }
    }
  }
  return 1;
}

#else

int soma_gemm_small(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a, size_t lda,
                    const float *b, size_t ldb, int accumulate, float *c, size_t ldc) {
  return 0;
}

int soma_gemm_double(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha, const double *a,
                     size_t lda, const double *b, size_t ldb, int accumulate, double *c, size_t ldc) {
  return 0;
}

#endif
