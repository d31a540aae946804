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

#include "linear_transpose.h"

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

// F32: panels of B (depth × 48) are packed by the first eight rows of A that meet them and stay in the second-level
// cache while a block of rows of A passes. A is mostly read where it lies: eight of its rows are eight streams.
enum { single_columns = 48 };

// Of B, `depth` × `width` are packed; of A, up to `rows` × `depth` are copied. A long contraction of narrow matrices is
// read once from memory: its blocks and the next ones share the second-level cache.
enum { single_depth = 1024, stream_depth = 256, single_width = 20 * single_columns, single_rows = 64 };

static pthread_key_t panel_key;
static void create_panel_key(void) { pthread_key_create(&panel_key, free); }

/// A block of each operand, kept by every thread that multiplies.
static float *packed_panels(void) {
  static _Thread_local float *mine;
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (mine) return mine;
  pthread_once(&once, create_panel_key);
  mine = aligned_alloc(64, sizeof(float) * (single_depth * (single_width + single_rows) + 3 * single_rows));
  if (mine) pthread_setspecific(panel_key, mine);
  return mine;
}

// Columns of the next panel. Sixteen columns left over would keep too few sums in flight.
static inline size_t panel_width(size_t left) { return left > single_columns && left <= 64 ? 32 : single_columns; }

// One panel of B that lies transposed.
TARGET static void pack_transposed(float *to, size_t wide, const float *b, size_t ldb, size_t depth, size_t columns) {
  const size_t whole = columns & ~(size_t)15;
  size_t p = 0;
  for (; p + 16 <= depth; p += 16) {
    for (size_t j = 0; j < whole; j += 16) transpose_square(to + p * wide + j, wide, b + j * ldb + p, ldb);
    for (size_t j = whole; j < columns; j++)
      for (size_t q = p; q < p + 16; q++) to[q * wide + j] = b[j * ldb + q];
  }
  for (; p < depth; p++)
    for (size_t j = 0; j < columns; j++) to[p * wide + j] = b[j * ldb + p];
}

// A block of A as it lies, closer together.
TARGET static void copy_block(float *to, size_t pitch, const float *a, size_t lda, size_t lines, size_t length) {
  for (size_t i = 0; i < lines; i++, a += lda, to += pitch) {
    size_t j = 0;
    if (i + 8 < lines)
      for (; j < length; j += 16) __builtin_prefetch(a + 8 * lda + j, 0, 3);
    for (j = 0; j + 16 <= length; j += 16) _mm512_storeu_ps(to + j, _mm512_loadu_ps(a + j));
    for (; j < length; j++) to[j] = a[j];
  }
}

// A block of A that lies transposed, eight rows side by side and the next eight `pitch` on.
TARGET static void pack_eights(float *to, size_t pitch, const float *a, size_t lda, size_t depth, size_t height) {
  for (size_t p = 0; p < depth; p++, a += lda, to += 8) {
    size_t i = 0;
    if (p + 8 < depth)
      for (; i < height; i += 16) __builtin_prefetch(a + 8 * lda + i, 0, 3);
    for (i = 0; i + 8 <= height; i += 8) _mm256_storeu_ps(to + i / 8 * pitch, _mm256_loadu_ps(a + i));
    for (; i < height; i++) to[i / 8 * pitch + i % 8] = a[i];
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
  float *block = panels + single_depth * single_width;
  // Lines of A that are far apart share the places of a cache, and columns are short pieces of many lines.
  const int copies = transpose_a ? n > 64 : lda >= 1024 && n >= 8 * single_columns;
  // What is read once from memory comes while what was read before is multiplied: the next blocks of a long
  // contraction, the next rows of a long A and C.
  const int is_tall = !transpose_a && n <= 4 * single_columns && lda <= 2 * k && ldc <= 2 * n;
  const int is_stream = transpose_a && !transpose_b && k >= 4 * m && k >= 4 * n && lda <= 2 * m && ldb <= 2 * n;
  // Blocks of about equal depth and width.
  const size_t deepest = is_stream ? stream_depth : single_depth;
  const size_t count = (k + deepest - 1) / deepest, most = (k + count - 1) / count;
  const size_t sides = (n + single_width - 1) / single_width;
  const size_t widest = ((n + sides - 1) / sides + single_columns - 1) / single_columns * single_columns;
  for (size_t j0 = 0; j0 < n; j0 += widest) {
    const size_t width = least(widest, n - j0);
    for (size_t p0 = 0; p0 < k; p0 += most) {
      const size_t depth = least(most, k - p0), next = least(most, k - p0 - depth);
      const float *block_b = b + (transpose_b ? j0 * ldb + p0 : p0 * ldb + j0);
      const size_t steps = (width + single_columns - 1) / single_columns * depth;
      stream_f32 ahead = {(const char *)(a + (p0 + depth) * lda), (const char *)(b + (p0 + depth) * ldb),
                          next * lda * sizeof(float) / ((m + 7) / 8 * steps) + 1,
                          next * ldb * sizeof(float) / ((m + 7) / 8 * steps) + 1};
      for (size_t i0 = 0; i0 < m; i0 += single_rows) {
        const size_t height = least(single_rows, m - i0);
        size_t row = a_row, step = a_step, eight = 8 * a_row;
        const float *rows = a + p0 * a_step + i0 * a_row;
        const int streams = is_stream ? next > 0 : is_tall && i0 + height < m;
        if (is_tall)
          ahead = (stream_f32){(const char *)(rows + height * lda), (const char *)(c + (i0 + height) * ldc + j0),
                               8 * lda * sizeof(float) / steps + 1, 8 * ldc * sizeof(float) / steps + 1};
        if (copies && transpose_a) {
          // Not a power of two: the eights are written side by side.
          eight = 8 * depth + 24;
          pack_eights(block, eight, rows, lda, depth, height);
          rows = block, step = 8;
        } else if (copies) {
          copy_block(block, depth, rows, lda, height, depth);
          rows = block, row = depth, eight = 8 * depth;
        }
        for (size_t j = 0, wide; j < width; j += wide) {
          wide = panel_width(width - j);
          const size_t columns = least(wide, width - j);
          const panel_f32 pack = {panels + j * depth, wide, block_b + j + columns};
          const int packs = i0 == 0 && !transpose_b && height >= 8;
          if (i0 == 0 && transpose_b) pack_transposed(pack.to, wide, block_b + j * ldb, ldb, depth, columns);
          product_panel_f32(height, columns, depth, rows, eight, row, step, packs ? block_b + j : pack.to,
                            packs ? ldb : wide, accumulate || p0 > 0, c + i0 * ldc + j0 + j, ldc,
                            streams ? &ahead : NULL, packs ? &pack : NULL);
        }
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
