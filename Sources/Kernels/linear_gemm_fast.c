// Large F32 products by Strassen's algorithm, two levels deep: 49 products of quarters of quarters instead of 64. Sums
// of blocks of A and B are made while they are packed, and a tile is added to every block of C that it belongs to while
// it is in registers, so nothing is stored in between (Huang, Smith, Henry, van de Geijn 2016).
#include <stdatomic.h>
#include <string.h>

#include "linear_internal.h"
#include "soma_parallel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma")))
#define INLINE_FN __attribute__((always_inline)) static inline TARGET

#include "linear_transpose.h"

enum { sides = 4, products = 7, tile = 8, panel = 48 };
// Of each of seven sums of blocks of B, `depth` × `width` are packed at a time; of A, `rows` × `depth` by every thread.
enum { most_depth = 768, most_width = 11 * panel, most_rows = 64 };

// A quarter of a matrix, times 1 or -1.
typedef struct {
  int row, column, sign;
} quarter;

typedef struct {
  int count;
  quarter of[2];
} quarters;

// Strassen's seven products: what is multiplied, and what the product is added to.
static const struct {
  quarters a, b, c;
} strassen[products] = {
    {{2, {{0, 0, 1}, {1, 1, 1}}}, {2, {{0, 0, 1}, {1, 1, 1}}}, {2, {{0, 0, 1}, {1, 1, 1}}}},
    {{2, {{1, 0, 1}, {1, 1, 1}}}, {1, {{0, 0, 1}}}, {2, {{1, 0, 1}, {1, 1, -1}}}},
    {{2, {{1, 0, 1}, {0, 0, -1}}}, {2, {{0, 0, 1}, {0, 1, 1}}}, {1, {{1, 1, 1}}}},
    {{1, {{0, 0, 1}}}, {2, {{0, 1, 1}, {1, 1, -1}}}, {2, {{0, 1, 1}, {1, 1, 1}}}},
    {{2, {{0, 0, 1}, {0, 1, 1}}}, {1, {{1, 1, 1}}}, {2, {{0, 0, -1}, {0, 1, 1}}}},
    {{2, {{0, 1, 1}, {1, 1, -1}}}, {2, {{1, 0, 1}, {1, 1, 1}}}, {1, {{0, 0, 1}}}},
    {{1, {{1, 1, 1}}}, {2, {{1, 0, 1}, {0, 0, -1}}}, {2, {{0, 0, 1}, {1, 0, 1}}}},
};

// A part of a block, as it lies in memory: lines of `length` elements, `pitch` apart.
typedef struct {
  const float *at;
  size_t lines, length;
  float sign;
} source;

typedef struct {
  int transpose_a, transpose_b;
  size_t m, n, k;
  const float *a, *b;
  size_t lda, ldb, ldc;
  float *c;
  // Sides of a block, a sixteenth of a matrix; the last ones may be cut off.
  size_t height, width, depth;
  // Of what is packed at a time, and how many such parts a block has.
  size_t panels_width, panels_depth, across, along;
  size_t parts;
  float *panels, *rows;
  size_t rows_pitch;
  // What is being multiplied: the outer product, and the part of the blocks.
  int outer;
  size_t p0, depth_now, j0, width_now;
  atomic_int is_bad;
} fast;

static size_t least(size_t a, size_t b) { return a < b ? a : b; }
static size_t beyond(size_t a, size_t b) { return a > b ? a - b : 0; }

/// The part of block (row, column) that begins `first_line` lines and `first` elements in and is as large as given, cut
/// off where the matrix ends. Blocks are `block_lines` × `block_length`, of a matrix of `lines` × `length`.
static source cut(const float *matrix, size_t pitch, size_t lines, size_t length, size_t block_lines,
                  size_t block_length, size_t line, size_t column, size_t first_line, size_t first, size_t most_lines,
                  size_t most_length, int sign) {
  const size_t l = line * block_lines + first_line, c = column * block_length + first;
  source out;
  out.lines = least(most_lines, least(beyond(block_lines, first_line), beyond(lines, l)));
  out.length = least(most_length, least(beyond(block_length, first), beyond(length, c)));
  out.at = matrix + (out.lines && out.length ? l * pitch + c : 0);
  out.sign = (float)sign;
  return out;
}

static inline __mmask16 mask_of(size_t left) { return left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1); }

// The four blocks of a sum of quarters, [row][column][term].
typedef struct {
  int count;
  // What all of them have.
  size_t lines, length;
  source of[2][2][2];
} operand;

/// Sixteen elements of a block of the sum, of line `line` from `column` on; zero where there are none.
INLINE_FN __m512 sum_at(const operand *from, int terms, int is_inside, int row, int side, size_t pitch, size_t line,
                        size_t column, size_t ahead) {
  __m512 sum = _mm512_setzero_ps();
#pragma clang loop unroll(full)
  for (int t = 0; t < terms; t++) {
    const source *it = &from->of[row][side][t];
    const float *at = it->at + line * pitch + column;
    __m512 x;
    if (is_inside) {
      if (ahead) __builtin_prefetch(at + ahead, 0, 3);
      x = _mm512_loadu_ps(at);
    } else {
      const __mmask16 mask = line < it->lines && column < it->length ? mask_of(it->length - column) : 0;
      x = _mm512_maskz_loadu_ps(mask, mask ? at : it->at);
    }
    sum = t == 0 ? x : _mm512_fmadd_ps(x, _mm512_set1_ps(it->sign), sum);
  }
  return sum;
}

/// The seven sums of the inner products, `between` apart, at one place.
INLINE_FN void store_sums(int is_a, float *to, size_t between, __m512 x11, __m512 x12, __m512 x21, __m512 x22) {
  if (is_a) {
    _mm512_storeu_ps(to, _mm512_add_ps(x11, x22));
    _mm512_storeu_ps(to + between, _mm512_add_ps(x21, x22));
    _mm512_storeu_ps(to + 2 * between, _mm512_sub_ps(x21, x11));
    _mm512_storeu_ps(to + 3 * between, x11);
    _mm512_storeu_ps(to + 4 * between, _mm512_add_ps(x11, x12));
    _mm512_storeu_ps(to + 5 * between, _mm512_sub_ps(x12, x22));
    _mm512_storeu_ps(to + 6 * between, x22);
  } else {
    _mm512_storeu_ps(to, _mm512_add_ps(x11, x22));
    _mm512_storeu_ps(to + between, x11);
    _mm512_storeu_ps(to + 2 * between, _mm512_add_ps(x11, x12));
    _mm512_storeu_ps(to + 3 * between, _mm512_sub_ps(x12, x22));
    _mm512_storeu_ps(to + 4 * between, x22);
    _mm512_storeu_ps(to + 5 * between, _mm512_add_ps(x21, x22));
    _mm512_storeu_ps(to + 6 * between, _mm512_sub_ps(x21, x11));
  }
}

#define SUMS(is_inside, line, column, ahead)                                                                        \
  sum_at(from, terms, is_inside, 0, 0, pitch, line, column, ahead),                                                 \
      sum_at(from, terms, is_inside, 0, 1, pitch, line, column, ahead),                                             \
      sum_at(from, terms, is_inside, 1, 0, pitch, line, column, ahead),                                             \
      sum_at(from, terms, is_inside, 1, 1, pitch, line, column, ahead)

/// Lines of the seven sums of A, one after the other or, if `grouped`, in groups of sixteen columns.
INLINE_FN void sum_lines(int grouped, int terms, float *to, size_t to_pitch, size_t between, const operand *from,
                         size_t pitch, size_t lines, size_t length) {
  for (size_t i = 0; i < lines; i++)
    for (size_t p = 0; p < length; p += 16) {
#define AT(is_inside) \
  store_sums(1, grouped ? to + p * to_pitch + 16 * i : to + i * to_pitch + p, between, \
             SUMS(is_inside, i, p, (grouped ? 8 : 2) * pitch))
      if (i < from->lines && p + 16 <= from->length) AT(1); else AT(0);
#undef AT
    }
}

/// Columns of the next panel, of `left`. Sixteen columns would keep too few sums in flight.
static size_t panel_width(size_t left) { return left > panel && left <= 64 ? 32 : least(panel, left); }

/// Where a panel begins.
static size_t panel_start(size_t width, size_t index) {
  const size_t count = (width + panel - 1) / panel;
  if (index >= count) return width;
  return index * panel - (index > 0 && index == count - 1 && width % panel == 16 ? 16 : 0);
}

/// Lines of the seven sums as panels, from column `first` to `end` of `width`, eight lines at a time.
INLINE_FN void sum_panels(int terms, float *to, size_t between, const operand *from, size_t pitch, size_t depth,
                          size_t width, size_t first, size_t end) {
  for (size_t p0 = 0; p0 < depth; p0 += 8) {
    const size_t last = least(p0 + 8, depth);
    for (size_t j = first, wide; j < end; j += wide) {
      wide = panel_width(width - j);
      float *to_panel = to + j * depth + p0 * wide;
      for (size_t p = p0; p < last; p++)
        for (size_t v = 0; v < wide; v += 16, to_panel += 16) {
#define AT(is_inside) store_sums(0, to_panel, between, SUMS(is_inside, p, j - first + v, 8 * pitch))
          if (p < from->lines && j - first + v + 16 <= from->length) AT(1); else AT(0);
#undef AT
        }
    }
  }
}

/// The seven sums of B transposed: sixteen lines at a time become columns of `to`, whose rows are `to_pitch` apart.
INLINE_FN void sum_columns(int terms, float *to, size_t to_pitch, size_t between, const operand *from, size_t pitch,
                           size_t lines, size_t length) {
  for (size_t j = 0; j < lines; j += 16)
    for (size_t p = 0; p < length; p += 16) {
      const size_t rows = least(16, length - p);
      const int is_inside = j + 16 <= from->lines && p + 16 <= from->length;
      __m512 x[4][16];
#pragma clang loop unroll(full)
      for (int q = 0; q < 4; q++) {
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 16; i++)
          x[q][i] = is_inside ? sum_at(from, terms, 1, q / 2, q % 2, pitch, j + i, p, 32)
                              : sum_at(from, terms, 0, q / 2, q % 2, pitch, j + i, p, 0);
        transpose_registers(x[q]);
      }
      for (size_t q = 0; q < rows; q++)
        store_sums(0, to + (p + q) * to_pitch + j, between, x[0][q], x[1][q], x[2][q], x[3][q]);
    }
}

/// A quarter of A or B and its four blocks; what is read begins `line` lines and `column` columns into each block.
static void gather(operand *out, const quarters *of, int transposed, const float *matrix, size_t pitch, size_t rows,
                   size_t columns, size_t height, size_t width, size_t row, size_t column, size_t most_height,
                   size_t most_breadth) {
  out->count = of->count, out->lines = out->length = SIZE_MAX;
  for (int r = 0; r < 2; r++)
    for (int c = 0; c < 2; c++)
      for (int t = 0; t < of->count; t++) {
        const size_t i = (size_t)(2 * of->of[t].row + r), j = (size_t)(2 * of->of[t].column + c);
        source *it = &out->of[r][c][t];
        const int sign = of->of[t].sign;
        *it = transposed ? cut(matrix, pitch, columns, rows, width, height, j, i, column, row, most_breadth,
                               most_height, sign)
                         : cut(matrix, pitch, rows, columns, height, width, i, j, row, column, most_height,
                               most_breadth, sign);
        out->lines = least(out->lines, it->lines);
        out->length = least(out->length, it->length);
      }
}

/// Packs the seven sums of B for what is multiplied next, a part of their panels.
TARGET static void pack_part(void *context, size_t part) {
  const fast *it = context;
  const size_t depth = it->depth_now, width = it->width_now, between = it->panels_depth * it->panels_width;
  const size_t count = (width + panel - 1) / panel;
  const size_t first = panel_start(width, count * part / it->parts);
  const size_t end = panel_start(width, count * (part + 1) / it->parts);
  if (first == end) return;
  operand from;
  if (!it->transpose_b) {
    gather(&from, &strassen[it->outer].b, 0, it->b, it->ldb, it->k, it->n, it->depth, it->width, it->p0, it->j0 + first,
           depth, end - first);
#define PANELS(terms) \
  sum_panels(terms, it->panels, between, &from, it->ldb, depth, width, first, end)
    if (from.count == 1) PANELS(1); else PANELS(2);
#undef PANELS
    return;
  }
  for (size_t j = first, wide; j < end; j += wide) {
    wide = panel_width(width - j);
    gather(&from, &strassen[it->outer].b, 1, it->b, it->ldb, it->k, it->n, it->depth, it->width, it->p0, it->j0 + j,
           depth, wide);
#define COLUMNS(terms) \
  sum_columns(terms, it->panels + j * depth, wide, between, &from, it->ldb, wide, depth)
    if (from.count == 1) COLUMNS(1); else COLUMNS(2);
#undef COLUMNS
  }
}

/// A place in C that a tile is added to.
typedef struct {
  float *at;
  size_t rows, columns;
  float sign;
  int is_first, is_last;
} destination;

/// Eight rows times a panel, added to all of its places in C, which come from memory meanwhile, as does `next`.
INLINE_FN void multiply_tile(int vectors, int grouped, size_t depth, const float *a, size_t pitch, const float *b,
                             int count, const destination *to, size_t ldc, const char *next, size_t next_bytes,
                             __m512 *bad) {
  __m512 sum[tile][3];
#pragma clang loop unroll(full)
  for (int i = 0; i < tile; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sum[i][v] = _mm512_setzero_ps();
  }
  const float *coming[4 * tile];
  for (int t = 0; t < count; t++)
    for (size_t i = 0; i < tile; i++) coming[(size_t)t * tile + i] = to[t].at + i * ldc;
  const size_t stride = ((size_t)(count * tile) << 16) / depth;
  for (size_t p = 0; p < depth; p++) {
    const float *line = coming[p * stride >> 16];
    __m512 row[3];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      __builtin_prefetch(line + 16 * v, 1, 3);
      row[v] = _mm512_loadu_ps(b + p * 16 * (size_t)vectors + 16 * v);
    }
    __builtin_prefetch(next, 0, 2);
    next += next_bytes;
#pragma clang loop unroll(full)
    for (int i = 0; i < tile; i++) {
      __m512 x = _mm512_set1_ps(grouped ? a[16 * p + (size_t)i] : a[(size_t)i * pitch + p]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sum[i][v] = _mm512_fmadd_ps(x, row[v], sum[i][v]);
    }
  }
  for (int t = 0; t < count; t++) {
    const __m512 sign = _mm512_set1_ps(to[t].sign);
    float *at = to[t].at;
    if (to[t].rows == tile && to[t].columns == 16 * (size_t)vectors) {
#pragma clang loop unroll(full)
      for (int i = 0; i < tile; i++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
          float *place = at + (size_t)i * ldc + 16 * v;
          __m512 new = _mm512_fmadd_ps(sum[i][v], sign, to[t].is_first ? _mm512_setzero_ps() : _mm512_loadu_ps(place));
          if (to[t].is_last) *bad = _mm512_fmadd_ps(new, _mm512_setzero_ps(), *bad);
          _mm512_storeu_ps(place, new);
        }
      }
    } else {
#pragma clang loop unroll(full)
      for (int i = 0; i < tile; i++) {
        if ((size_t)i < to[t].rows) {
#pragma clang loop unroll(full)
          for (int v = 0; v < vectors; v++) {
            const __mmask16 mask = 16 * (size_t)v < to[t].columns ? mask_of(to[t].columns - 16 * (size_t)v) : 0;
            float *place = at + (size_t)i * ldc + 16 * v;
            __m512 old = to[t].is_first ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, place);
            __m512 new = _mm512_fmadd_ps(sum[i][v], sign, old);
            if (to[t].is_last) *bad = _mm512_mask3_fmadd_ps(new, _mm512_setzero_ps(), *bad, mask);
            _mm512_mask_storeu_ps(place, mask, new);
          }
        }
      }
    }
  }
}

/// Whether product `index` is the first (or, if `last`, the last) that is added to a quarter.
static int is_end(int last, quarter q, int index) {
  for (int i = last ? index + 1 : 0; i < (last ? products : index); i++)
    for (int t = 0; t < strassen[i].c.count; t++)
      if (strassen[i].c.of[t].row == q.row && strassen[i].c.of[t].column == q.column) return 0;
  return 1;
}

/// A block of C that an inner product is added to: where it begins, and how.
typedef struct {
  size_t row, column;
  float sign;
  int is_first, is_last;
} target;

static int targets_of(const fast *it, int inner, target *out) {
  int count = 0;
  const quarters *outer = &strassen[it->outer].c, *of = &strassen[inner].c;
  for (int o = 0; o < outer->count; o++)
    for (int t = 0; t < of->count; t++, count++) {
      const quarter x = outer->of[o], y = of->of[t];
      out[count].row = (size_t)(2 * x.row + y.row) * it->height;
      out[count].column = (size_t)(2 * x.column + y.column) * it->width;
      out[count].sign = (float)(x.sign * y.sign);
      out[count].is_first = it->p0 == 0 && is_end(0, x, it->outer) && is_end(0, y, inner);
      out[count].is_last = it->p0 + it->depth_now == it->depth && is_end(1, x, it->outer) && is_end(1, y, inner);
    }
  return count;
}

/// What a tile at a place in these blocks is added to; blocks may be cut off before it.
static int destinations(const fast *it, int count, const target *of, size_t i, size_t j, size_t wide, destination *to) {
  int used = 0;
  for (int t = 0; t < count; t++) {
    const size_t row = of[t].row + i, column = of[t].column + j;
    if (row >= it->m || column >= it->n) continue;
    to[used].at = it->c + row * it->ldc + column;
    to[used].rows = least(tile, it->m - row);
    to[used].columns = least(wide, it->n - column);
    to[used].sign = of[t].sign;
    to[used].is_first = of[t].is_first;
    to[used].is_last = of[t].is_last;
    used++;
  }
  return used;
}

/// A part of the rows, times all panels that are packed.
TARGET static void multiply_part(void *context, size_t part) {
  fast *it = context;
  const size_t units = it->height / tile, end = units * (part + 1) / it->parts * tile;
  const size_t pitch = it->rows_pitch, between = most_rows * pitch, depth = it->depth_now, width = it->width_now;
  float *rows = it->rows + part * products * between;
  __m512 bad = _mm512_setzero_ps();
  for (size_t i0 = units * part / it->parts * tile; i0 < end; i0 += most_rows) {
    const size_t height = least(most_rows, end - i0);
    operand from;
    gather(&from, &strassen[it->outer].a, it->transpose_a, it->a, it->lda, it->m, it->k, it->height, it->depth, i0,
           it->p0, height, depth);
    // Transposed, sixteen rows lie side by side.
    if (it->transpose_a) {
#define LINES(terms) sum_lines(1, terms, rows, pitch, between, &from, it->lda, depth, height)
      if (from.count == 1) LINES(1); else LINES(2);
#undef LINES
    } else {
#define LINES(terms) sum_lines(0, terms, rows, pitch, between, &from, it->lda, height, depth)
      if (from.count == 1) LINES(1); else LINES(2);
#undef LINES
    }
    for (int inner = 0; inner < products; inner++) {
      const float *block = rows + (size_t)inner * between;
      target targets[4];
      const int most = targets_of(it, inner, targets);
      const float *panels = it->panels + (size_t)inner * it->panels_depth * it->panels_width;
      for (size_t j = 0, wide; j < width; j += wide) {
        wide = panel_width(width - j);
        for (size_t i = 0; i < height; i += tile) {
          destination to[4];
          const int count = destinations(it, most, targets, i0 + i, it->j0 + j, wide, to);
          if (count == 0) continue;
          const float *a = block + (it->transpose_a ? i / 16 * 16 * pitch + i % 16 : i * pitch);
          const float *b = panels + j * depth;
          const size_t next_bytes = wide * sizeof(float) * tile / height;
          const char *next = (const char *)(b + depth * wide) + i / tile * depth * next_bytes;
#define TILE(vectors, grouped) \
  multiply_tile(vectors, grouped, depth, a, pitch, b, count, to, it->ldc, next, next_bytes, &bad)
#define WIDTHS(grouped)                              \
  switch (wide) {                                    \
    case 48: TILE(3, grouped); break;                \
    case 32: TILE(2, grouped); break;                \
    default: TILE(1, grouped); break;                \
  }
          if (it->transpose_a) WIDTHS(1) else WIDTHS(0)
#undef WIDTHS
#undef TILE
        }
      }
    }
  }
  if (_mm512_cmp_ps_mask(bad, bad, _CMP_UNORD_Q)) atomic_store_explicit(&it->is_bad, 1, memory_order_relaxed);
}

// How much larger than others a row of A or a column of B may be. The error of a fast product is that of the largest.
static const float most_uneven = 8;

// Largest magnitudes of the lines of a matrix and, for every part, of its columns.
typedef struct {
  const float *at;
  size_t pitch, lines, length;
  float *of_lines, *of_columns;
} magnitudes;

TARGET static void measure(const magnitudes *it, size_t part, size_t parts) {
  float *columns = it->of_columns + part * it->length;
  memset(columns, 0, it->length * sizeof(float));
  for (size_t i = it->lines * part / parts, end = it->lines * (part + 1) / parts; i < end; i += 4) {
    const size_t rows = least(4, end - i);
    // Lines that are not there are read twice.
    const float *at[4];
    __m512 most[4];
    for (size_t r = 0; r < 4; r++) at[r] = it->at + (i + least(r, rows - 1)) * it->pitch, most[r] = _mm512_setzero_ps();
    for (size_t j = 0; j < it->length; j += 16) {
      const __mmask16 mask = mask_of(it->length - j);
      __m512 column = _mm512_maskz_loadu_ps(mask, columns + j);
#pragma clang loop unroll(full)
      for (int r = 0; r < 4; r++) {
        __m512 x = _mm512_abs_ps(_mm512_maskz_loadu_ps(mask, at[r] + j));
        most[r] = _mm512_max_ps(x, most[r]);
        column = _mm512_max_ps(x, column);
      }
      _mm512_mask_storeu_ps(columns + j, mask, column);
    }
    for (size_t r = 0; r < rows; r++) it->of_lines[i + r] = _mm512_reduce_max_ps(most[r]);
  }
}

typedef struct {
  magnitudes a, b;
  size_t parts;
} both;

static void measure_part(void *context, size_t part) {
  const both *it = context;
  measure(&it->a, part, it->parts);
  measure(&it->b, part, it->parts);
}

static void join_columns(const magnitudes *it, size_t parts) {
  for (size_t part = 1; part < parts; part++)
    for (size_t j = 0; j < it->length; j++) {
      const float x = it->of_columns[part * it->length + j];
      if (x > it->of_columns[j]) it->of_columns[j] = x;
    }
}

static int is_even(const float *x, size_t count) {
  float low = x[0], high = x[0];
  for (size_t i = 1; i < count; i++) low = x[i] < low ? x[i] : low, high = x[i] > high ? x[i] : high;
  return high <= most_uneven * low;
}

/// Whether a fast product loses little against an ordinary one, whose error is bounded element by element: no row of A
/// or column of B is much smaller than another, and along the contraction what is large in one operand does not meet
/// what is small in the other.
static int suits(const fast *it, float *scratch) {
  both of = {{it->a, it->lda, it->transpose_a ? it->k : it->m, it->transpose_a ? it->m : it->k, NULL, NULL},
             {it->b, it->ldb, it->transpose_b ? it->n : it->k, it->transpose_b ? it->k : it->n, NULL, NULL},
             it->parts};
  of.a.of_lines = scratch, of.a.of_columns = of.a.of_lines + of.a.lines;
  of.b.of_lines = of.a.of_columns + it->parts * of.a.length, of.b.of_columns = of.b.of_lines + of.b.lines;
  soma_parallel(it->parts, &of, measure_part);
  join_columns(&of.a, it->parts);
  join_columns(&of.b, it->parts);
  if (!is_even(it->transpose_a ? of.a.of_columns : of.a.of_lines, it->m)) return 0;
  if (!is_even(it->transpose_b ? of.b.of_lines : of.b.of_columns, it->n)) return 0;
  const float *left = it->transpose_a ? of.a.of_lines : of.a.of_columns;
  const float *right = it->transpose_b ? of.b.of_columns : of.b.of_lines;
  double high_left = 0, high_right = 0, sum = 0;
  for (size_t p = 0; p < it->k; p++) {
    high_left = left[p] > high_left ? left[p] : high_left;
    high_right = right[p] > high_right ? right[p] : high_right;
    sum += (double)left[p] * right[p];
  }
  return high_left * high_right * (double)it->k <= most_uneven * sum;
}

static size_t rounded(size_t x, size_t unit) { return (x + unit - 1) / unit * unit; }

static void plan(fast *it, size_t parts, size_t m, size_t n, size_t k) {
  it->m = m, it->n = n, it->k = k, it->parts = parts;
  it->height = rounded((m + sides - 1) / sides, tile);
  it->width = rounded((n + sides - 1) / sides, 16);
  it->depth = rounded((k + sides - 1) / sides, 16);
  it->along = (it->depth + most_depth - 1) / most_depth;
  it->panels_depth = rounded((it->depth + it->along - 1) / it->along, 16);
  it->across = (it->width + most_width - 1) / most_width;
  it->panels_width = least(it->width, rounded((it->width + it->across - 1) / it->across, panel));
  // Sixteen floats more than a power of two.
  it->rows_pitch = it->panels_depth + 16;
}

// Below, additions cost more than an eighth of the multiplications (Zen 5, one and two threads).
enum { least_side = 1536 };

int soma_gemm_fast_pays(size_t m, size_t n, size_t k) {
  if (soma_cpu_level() < 2 || least(m, least(n, k)) < least_side) return 0;
  fast it;
  plan(&it, 1, m, n, k);
  // Blocks that are cut off are multiplied whole.
  const double whole = (double)(sides * it.height) * (double)(sides * it.width) * (double)(sides * it.depth);
  return whole <= 1.06 * (double)m * (double)n * (double)k;
}

size_t soma_gemm_fast_scratch(size_t parts, size_t m, size_t n, size_t k) {
  fast it;
  plan(&it, parts, m, n, k);
  const size_t packed = products * (it.panels_depth * it.panels_width + parts * most_rows * it.rows_pitch);
  const size_t measured = (parts + 1) * (m + n + 2 * k);
  return sizeof(float) * (packed > measured ? packed : measured) + 64;
}

int soma_gemm_fast(size_t parts, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a,
                   size_t lda, const float *b, size_t ldb, float *c, size_t ldc, void *scratch) {
  if (soma_cpu_level() < 2) return 0;
  fast it;
  plan(&it, parts, m, n, k);
  it.transpose_a = transpose_a, it.transpose_b = transpose_b;
  it.a = a, it.b = b, it.c = c, it.lda = lda, it.ldb = ldb, it.ldc = ldc;
  it.panels = (float *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
  it.rows = it.panels + products * it.panels_depth * it.panels_width;
  atomic_init(&it.is_bad, 0);
  if (!suits(&it, it.panels)) return 0;
  for (it.outer = 0; it.outer < products; it.outer++)
    for (it.j0 = 0; it.j0 < it.width; it.j0 += it.panels_width)
      for (it.p0 = 0; it.p0 < it.depth; it.p0 += it.panels_depth) {
        it.width_now = least(it.panels_width, it.width - it.j0);
        it.depth_now = least(it.panels_depth, it.depth - it.p0);
        soma_parallel(parts, &it, pack_part);
        soma_parallel(parts, &it, multiply_part);
      }
  return !atomic_load(&it.is_bad);
}

#else
int soma_gemm_fast_pays(size_t m, size_t n, size_t k) { return 0; }
size_t soma_gemm_fast_scratch(size_t parts, size_t m, size_t n, size_t k) { return 0; }
int soma_gemm_fast(size_t parts, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a,
                   size_t lda, const float *b, size_t ldb, float *c, size_t ldc, void *scratch) {
  return 0;
}
#endif
