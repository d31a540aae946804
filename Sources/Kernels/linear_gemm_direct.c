// Products on AVX-512 without a library: entering one costs more than a small product's work, oneDNN allocates in every
// call, and OpenBLAS may not know the processor and then reaches half of its speed.
#include <pthread.h>
#include <stdlib.h>

#include "linear_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Measured against dnnl_sgemm (Zen 5, one thread): 64×2×32 0.07 against 0.25 µs, 64×32×32 0.49 against 0.70, even at
// 64×64×64. A transposed B is copied to `panel` first.
enum { multiplications = 1 << 18, panel_elements = 4096 };

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma")))

#include "linear_single.h"
#include "linear_gemm_direct_body.h"
#include "linear_undefine.h"
#include "linear_double.h"
#include "linear_gemm_direct_body.h"
#include "linear_undefine.h"

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

// F32: panels of B (depth × 48) stay in the first-level cache while the rows of A pass. A is mostly read where it lies:
// eight of its rows are eight streams.
enum { single_columns = 48, single_depth = 192, single_block = 10 * single_columns, single_rows = 128 };

static pthread_key_t panel_key;
static void create_panel_key(void) { pthread_key_create(&panel_key, free); }

/// One block of each operand, kept by every thread that multiplies.
static float *packed_panels(void) {
  static _Thread_local float *mine;
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (mine) return mine;
  pthread_once(&once, create_panel_key);
  mine = aligned_alloc(64, sizeof(float) * single_depth * (single_block + single_rows));
  if (mine) pthread_setspecific(panel_key, mine);
  return mine;
}

// Sixteen rows of sixteen columns become columns `pitch` apart.
TARGET static void transpose_square(float *to, size_t pitch, const float *b, size_t ldb) {
  __m512 r[16], s[16];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 16; i++) r[i] = _mm512_loadu_ps(b + i * ldb);
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 2) {
    s[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    s[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 4) {
#pragma clang loop unroll(full)
    for (int h = 0; h < 2; h++) {
      __m512d low = _mm512_castps_pd(s[i + h]), high = _mm512_castps_pd(s[i + 2 + h]);
      r[i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
      r[i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
    }
  }
  // r[4 g + c] holds, in quarter q, column 4 q + c of rows 4 g … 4 g + 3.
#pragma clang loop unroll(full)
  for (size_t c = 0; c < 4; c++) {
    __m512 a = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x88), d = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xdd);
    __m512 e = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x88), f = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xdd);
    _mm512_storeu_ps(to + pitch * c, _mm512_shuffle_f32x4(a, e, 0x88));
    _mm512_storeu_ps(to + pitch * (c + 8), _mm512_shuffle_f32x4(a, e, 0xdd));
    _mm512_storeu_ps(to + pitch * (c + 4), _mm512_shuffle_f32x4(d, f, 0x88));
    _mm512_storeu_ps(to + pitch * (c + 12), _mm512_shuffle_f32x4(d, f, 0xdd));
  }
}

TARGET static void pack_panels(float *to, const float *b, size_t ldb, int transposed, size_t depth, size_t width,
                               size_t wide) {
  if (!transposed) {
    // Row by row, so that memory is read in order.
    const size_t whole = width / wide * wide, left = width - whole;
    for (size_t p = 0; p < depth; p++, b += ldb) {
      float *row = to + p * wide;
      for (size_t j0 = 0; j0 < whole; j0 += wide, row += depth * wide)
        for (size_t j = 0; j < wide; j += 16) _mm512_storeu_ps(row + j, _mm512_loadu_ps(b + j0 + j));
      for (size_t j = 0; j < left; j += 16) {
        __mmask16 mask = left - j >= 16 ? 0xffff : (__mmask16)((1u << (left - j)) - 1);
        _mm512_mask_storeu_ps(row + j, mask, _mm512_maskz_loadu_ps(mask, b + whole + j));
      }
    }
    return;
  }
  for (size_t j0 = 0; j0 < width; j0 += wide, to += depth * wide) {
    size_t columns = least(wide, width - j0);
    size_t whole = columns & ~(size_t)15, p = 0;
    for (; p + 16 <= depth; p += 16) {
      for (size_t j = 0; j < whole; j += 16)
        transpose_square(to + p * wide + j, wide, b + (j0 + j) * ldb + p, ldb);
      for (size_t j = whole; j < columns; j++)
        for (size_t q = p; q < p + 16; q++) to[q * wide + j] = b[(j0 + j) * ldb + q];
    }
    for (; p < depth; p++)
      for (size_t j = 0; j < columns; j++) to[p * wide + j] = b[(j0 + j) * ldb + p];
  }
}

// A block of A as it lies, closer together.
TARGET static void copy_block(float *to, size_t pitch, const float *a, size_t lda, size_t lines, size_t length) {
  for (size_t i = 0; i < lines; i++, a += lda, to += pitch) {
    size_t j = 0;
    for (; j + 16 <= length; j += 16) _mm512_storeu_ps(to + j, _mm512_loadu_ps(a + j));
    for (; j < length; j++) to[j] = a[j];
  }
}

TARGET int soma_gemm_single(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a, size_t lda,
                            const float *b, size_t ldb, int accumulate, float *c, size_t ldc) {
  if (soma_linear_level() < 2) return 0;
  if (small_f32(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, accumulate, c, ldc)) return 1;
  const size_t a_row = transpose_a ? 1 : lda, a_step = transpose_a ? lda : 1;
  if (!transpose_b && m <= few_rows) {
    product_f32(m, n, k, a, a_row, a_step, b, ldb, accumulate, c, ldc);
    return 1;
  }
  float *panels = packed_panels();
  if (!panels) return 0;
  float *block = panels + single_depth * single_block;
  // Sixteen columns left over would keep too few sums in flight.
  const size_t wide = n > single_columns && n <= 64 ? 32 : single_columns;
  // Lines of A that are far apart share the places of a cache, and columns are short pieces of many lines.
  const int copies = transpose_a ? k >= 1024 && n >= 32 : lda >= 1024 && n >= 8 * single_columns;
  for (size_t j0 = 0; j0 < n; j0 += single_block) {
    size_t width = least(single_block, n - j0);
    for (size_t p0 = 0; p0 < k; p0 += single_depth) {
      size_t depth = least(single_depth, k - p0);
      pack_panels(panels, b + (transpose_b ? j0 * ldb + p0 : p0 * ldb + j0), ldb, transpose_b, depth, width,
                  wide);
      for (size_t i0 = 0; i0 < m; i0 += single_rows) {
        size_t height = least(single_rows, m - i0), row = a_row, step = a_step;
        const float *rows = a + p0 * a_step + i0 * a_row;
        if (copies && transpose_a) {
          copy_block(block, single_rows, rows, lda, depth, height);
          rows = block, step = single_rows;
        } else if (copies) {
          copy_block(block, single_depth, rows, lda, height, depth);
          rows = block, row = single_depth;
        }
        for (size_t j = 0; j < width; j += wide)
          product_f32(height, least(wide, width - j), depth, rows, row, step, panels + j * depth, wide,
                      accumulate || p0 > 0, c + i0 * ldc + j0 + j, ldc);
      }
    }
  }
  return 1;
}

#else

int soma_gemm_single(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a, size_t lda,
                     const float *b, size_t ldb, int accumulate, float *c, size_t ldc) {
  return 0;
}

int soma_gemm_double(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha, const double *a,
                     size_t lda, const double *b, size_t ldb, int accumulate, double *c, size_t ldc) {
  return 0;
}

#endif
