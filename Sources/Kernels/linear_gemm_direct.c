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

// F32: panels of B (depth × 48) stay in the first-level cache while the rows of A pass. A is mostly read where it lies:
// eight of its rows are eight streams.
enum { single_columns = 48 };

// Of B, `depth` × `columns` are packed; of A, up to `rows` × `depth` are copied.
typedef struct {
  size_t depth, columns, rows;
} blocking;

// Blocks of B in the second-level cache.
static const blocking usual = {200, 10 * single_columns, 128};
// In the third: a large A and C then pass through the nearer caches fewer times. (Zen 5, one thread, 2048³: 71 ms with the
// usual blocks, 67 ms with these.)
static const blocking large = {704, 44 * single_columns, 32};
// Short rows of B are read where they lie.
static const blocking direct = {128, 10 * single_columns, 128};
enum { direct_rows = 256, direct_columns = 128 };

static pthread_key_t panel_key;
static void create_panel_key(void) { pthread_key_create(&panel_key, free); }

/// A block of each operand, kept by every thread that multiplies.
static float *packed_panels(blocking blocks) {
  static _Thread_local float *mine;
  static _Thread_local size_t capacity;
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const size_t needed = blocks.depth * (blocks.columns + blocks.rows);
  if (needed <= capacity) return mine;
  pthread_once(&once, create_panel_key);
  float *larger = aligned_alloc(64, sizeof(float) * needed);
  if (!larger) return NULL;
  free(mine);
  mine = larger;
  capacity = needed;
  pthread_setspecific(panel_key, mine);
  return mine;
}

// Columns of the next panel. Sixteen columns left over would keep too few sums in flight.
static inline size_t panel_width(size_t left) { return left > single_columns && left <= 64 ? 32 : single_columns; }

TARGET static void pack_panels(float *to, const float *b, size_t ldb, int transposed, size_t depth, size_t width) {
  if (!transposed) {
    // Some rows at a time: few enough lines to be read in order, enough to be written in order.
    for (size_t p0 = 0; p0 < depth; p0 += 8) {
      const size_t rows = least(8, depth - p0);
      for (size_t j0 = 0, wide; j0 < width; j0 += wide) {
        wide = panel_width(width - j0);
        float *panel = to + j0 * depth + p0 * wide;
        const float *from = b + p0 * ldb + j0;
        if (width - j0 >= single_columns && wide == single_columns) {
          for (size_t p = 0; p < rows; p++, from += ldb, panel += single_columns)
            for (size_t j = 0; j < single_columns; j += 16) _mm512_storeu_ps(panel + j, _mm512_loadu_ps(from + j));
          continue;
        }
        const size_t columns = least(wide, width - j0);
        for (size_t p = 0; p < rows; p++, from += ldb, panel += wide) {
          for (size_t j = 0; j < columns; j += 16) {
            __mmask16 mask = columns - j >= 16 ? 0xffff : (__mmask16)((1u << (columns - j)) - 1);
            _mm512_mask_storeu_ps(panel + j, mask, _mm512_maskz_loadu_ps(mask, from + j));
          }
        }
      }
    }
    return;
  }
  for (size_t j0 = 0, wide; j0 < width; j0 += wide, to += depth * wide) {
    wide = panel_width(width - j0);
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
  const int is_direct = !transpose_b && m <= direct_rows && ldb <= direct_columns;
  const int is_large = m >= 256 && n >= 512 && k >= 512;
  const blocking blocks = is_direct ? direct : is_large ? large : usual;
  float *panels = packed_panels(blocks);
  if (!panels) return 0;
  float *block = panels + blocks.depth * blocks.columns;
  // Lines of A that are far apart share the places of a cache, and columns are short pieces of many lines.
  const int copies = transpose_a ? lda >= 512 && n >= 2 * single_columns : lda >= 1024 && n >= 8 * single_columns;
  // Blocks of about equal depth.
  const size_t count = (k + blocks.depth - 1) / blocks.depth, most = (k + count - 1) / count;
  for (size_t j0 = 0; j0 < n; j0 += blocks.columns) {
    const size_t width = least(blocks.columns, n - j0);
    for (size_t p0 = 0; p0 < k; p0 += most) {
      const size_t depth = least(most, k - p0), next = least(most, k - p0 - depth);
      const float *block_b = b + (transpose_b ? j0 * ldb + p0 : p0 * ldb + j0);
      if (!is_direct) pack_panels(panels, block_b, ldb, transpose_b, depth, width);
      // Every block of a long contraction is read once from memory: the next ones come while this is multiplied.
      stream_f32 ahead = {NULL, NULL, NULL, NULL};
      if (is_direct && transpose_a && lda <= 2 * m && next > 0) {
        ahead.next = (const char *)(a + (p0 + depth) * lda), ahead.end = ahead.next + next * lda * sizeof(float);
        ahead.other = (const char *)(b + (p0 + depth) * ldb), ahead.other_end = ahead.other + next * ldb * sizeof(float);
      }
      for (size_t i0 = 0; i0 < m; i0 += blocks.rows) {
        size_t height = least(blocks.rows, m - i0), row = a_row, step = a_step;
        const float *rows = a + p0 * a_step + i0 * a_row;
        if (copies && transpose_a) {
          copy_block(block, blocks.rows, rows, lda, depth, height);
          rows = block, step = blocks.rows;
        } else if (copies) {
          copy_block(block, blocks.depth, rows, lda, height, depth);
          rows = block, row = blocks.depth;
        }
        for (size_t j = 0, wide; j < width; j += wide) {
          wide = panel_width(width - j);
          product_ahead_f32(height, least(wide, width - j), depth, rows, row, step,
                            is_direct ? block_b + j : panels + j * depth, is_direct ? ldb : wide,
                            accumulate || p0 > 0, c + i0 * ldc + j0 + j, ldc, ahead.next ? &ahead : NULL);
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
