// Products by a loop over register tiles, for one element type REAL of which LANES make a VECTOR. Every element is one
// chain of multiply-adds in the order of k, so that its bits do not depend on how a product is divided (except products
// with up to four columns and A not transposed, or with one or two rows and B transposed, which are sums over lanes).

#define FN TARGET static
#define INLINE_FN __attribute__((always_inline)) static inline TARGET
#define ALL ((MASK)-1)

// Where a tile leaves the rows of B that it reads, `pitch` apart, for the tiles under it. That costs nothing, unlike a
// pass over B of its own: a tile multiplies for longer than it loads and stores. `next` is what the next tile reads.
typedef struct {
  REAL *to;
  size_t pitch;
  const REAL *next;
} NAME(panel);

// Two runs of memory that are needed soon, asked for a few bytes with every step of a tile.
typedef struct {
  const char *first, *second;
  size_t first_bytes, second_bytes;
} NAME(stream);

// C[rows, LANES · vectors] = A B, with A at strides (a_row, a_step), so that both transposes are the same loop.
// Only the last vector is masked. `rows` and `vectors` are constants after inlining, so the sums stay in registers.
INLINE_FN void NAME(tile)(int rows, int vectors, size_t k, const REAL *a, size_t a_row, size_t a_step, const REAL *b,
                          size_t ldb, int accumulate, REAL *c, size_t ldc, MASK last, const NAME(panel) *pack,
                          NAME(stream) *ahead) {
  // Rows of B that are on their way.
  enum { distance = 32 };
  VECTOR sum[8][8];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      MASK mask = v == vectors - 1 ? last : ALL;
      sum[i][v] = accumulate ? LOAD(mask, c + i * ldc + LANES * v) : ZERO();
    }
  }
  const char *first = ahead ? ahead->first : NULL, *second = ahead ? ahead->second : NULL;
  for (size_t p = 0; p < k; p++) {
    VECTOR row[8];
    if (ahead) {
      __builtin_prefetch(first, 0, 2);
      __builtin_prefetch(second, 0, 2);
      first += ahead->first_bytes, second += ahead->second_bytes;
    }
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      MASK mask = v == vectors - 1 ? last : ALL;
      row[v] = LOAD(mask, b + p * ldb + LANES * v);
    }
    if (pack) {
      const REAL *coming = p + distance < k ? b + (p + distance) * ldb : pack->next + (p + distance - k) * ldb;
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
        STORE(pack->to + p * pack->pitch + LANES * v, ALL, row[v]);
        __builtin_prefetch(coming + LANES * v, 0, 3);
      }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      VECTOR factor = BROADCAST(a[i * a_row + p * a_step]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sum[i][v] = MULTIPLY_ADD(factor, row[v], sum[i][v]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      STORE(c + i * ldc + LANES * v, v == vectors - 1 ? last : ALL, sum[i][v]);
  }
  if (ahead) ahead->first = first, ahead->second = second;
}

// Elements of C that the next tile adds to or writes over: they come from memory while this one is made.
INLINE_FN void NAME(await)(size_t rows, int vectors, const REAL *c, size_t ldc) {
  for (size_t r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) __builtin_prefetch(c + r * ldc + LANES * v, 1, 3);
  }
}

INLINE_FN void NAME(tile_rows)(int vectors, size_t m, size_t k, const REAL *a, size_t a_tile, size_t a_row,
                               size_t a_step, const REAL *b, size_t ldb, int accumulate, REAL *c, size_t ldc, MASK last,
                               NAME(stream) *ahead, const NAME(panel) *pack) {
  // A small C is in the nearest caches anyway.
  const int awaits = accumulate || m * ldc >= 1 << 14;
  size_t i = 0;
  if (pack) {
    if (awaits) {
      if (!accumulate) NAME(await)(8, vectors, c, ldc);
      NAME(await)(m < 16 ? m - 8 : 8, vectors, c + 8 * ldc, ldc);
    }
    NAME(tile)(8, vectors, k, a, a_row, a_step, b, ldb, accumulate, c, ldc, last, pack, NULL);
    b = pack->to, ldb = pack->pitch, i = 8;
  }
  for (; i + 8 <= m; i += 8) {
    if (awaits) NAME(await)(8, vectors, i + 16 <= m ? c + (i + 8) * ldc : c + LANES * vectors, ldc);
    NAME(tile)(8, vectors, k, a + i / 8 * a_tile, a_row, a_step, b, ldb, accumulate, c + i * ldc, ldc, last, NULL,
               ahead);
  }
  a += i / 8 * a_tile, c += i * ldc, m -= i, i = 0;
  if (i + 4 <= m) {
    NAME(tile)(4, vectors, k, a + i * a_row, a_row, a_step, b, ldb, accumulate, c + i * ldc, ldc, last, NULL, NULL);
    i += 4;
  }
  if (i + 2 <= m) {
    NAME(tile)(2, vectors, k, a + i * a_row, a_row, a_step, b, ldb, accumulate, c + i * ldc, ldc, last, NULL, NULL);
    i += 2;
  }
  if (i < m)
    NAME(tile)(1, vectors, k, a + i * a_row, a_row, a_step, b, ldb, accumulate, c + i * ldc, ldc, last, NULL, NULL);
}

// Up to four rows, as many columns side by side as there are registers for: B passes once.
FN void NAME(product_few)(size_t m, size_t n, size_t k, const REAL *a, size_t a_row, size_t a_step, const REAL *b,
                          size_t ldb, int accumulate, REAL *c, size_t ldc) {
  const size_t most = m == 4 ? 6 : 8;
  for (size_t j = 0; j < n;) {
    size_t left = n - j, vectors = (left + LANES - 1) / LANES;
    vectors = vectors >= most ? most : vectors > 3 ? 3 : vectors;
    size_t tail = left - LANES * (vectors - 1);
    MASK last = tail >= LANES ? ALL : (MASK)((1u << tail) - 1);
#define FEW(rows, vectors)                                                                                           \
  NAME(tile)(rows, vectors, k, a, a_row, a_step, b + j, ldb, accumulate, c + j, ldc, last, NULL, NULL)
#define FEW_ROWS(rows, most)                                                                                         \
  if (vectors == most) FEW(rows, most);                                                                              \
  else if (vectors == 3) FEW(rows, 3);                                                                               \
  else if (vectors == 2) FEW(rows, 2);                                                                               \
  else FEW(rows, 1)
    switch (m) {
      case 1: FEW_ROWS(1, 8); break;
      case 2: FEW_ROWS(2, 8); break;
      case 3: FEW_ROWS(3, 8); break;
      default: FEW_ROWS(4, 6); break;
    }
#undef FEW_ROWS
#undef FEW
    j += LANES * vectors;
  }
}

// One row, eight rows of B at a time: they are read in order however long they are.
FN void NAME(product_row)(size_t n, size_t k, const REAL *a, size_t a_step, const REAL *b, size_t ldb, int accumulate,
                          REAL *c) {
  for (size_t p = 0; p < k; p += 8, b += 8 * ldb) {
    const size_t depth = k - p < 8 ? k - p : 8;
    VECTOR factor[8];
    for (size_t q = 0; q < 8; q++) factor[q] = q < depth ? BROADCAST(a[(p + q) * a_step]) : ZERO();
    for (size_t j = 0; j < n; j += LANES) {
      MASK mask = n - j >= LANES ? ALL : (MASK)((1u << (n - j)) - 1);
      VECTOR sum = accumulate || p > 0 ? LOAD(mask, c + j) : ZERO();
      if (depth == 8) {
#pragma clang loop unroll(full)
        for (size_t q = 0; q < 8; q++) sum = MULTIPLY_ADD(factor[q], LOAD(mask, b + q * ldb + j), sum);
      } else {
        for (size_t q = 0; q < depth; q++) sum = MULTIPLY_ADD(factor[q], LOAD(mask, b + q * ldb + j), sum);
      }
      STORE(c + j, mask, sum);
    }
  }
}

// Columns of one panel, at most 3 · LANES of them, and all rows (at least eight if the panel is to be packed). Eights
// of rows of A are `a_tile` apart.
FN void NAME(product_panel)(size_t m, size_t n, size_t k, const REAL *a, size_t a_tile, size_t a_row, size_t a_step,
                            const REAL *b, size_t ldb, int accumulate, REAL *c, size_t ldc, NAME(stream) *ahead,
                            const NAME(panel) *pack) {
  const size_t vectors = (n + LANES - 1) / LANES, tail = n - LANES * (vectors - 1);
  const MASK last = tail >= LANES ? ALL : (MASK)((1u << tail) - 1);
#define ROWS(vectors, ahead, pack)                                                                                   \
  NAME(tile_rows)(vectors, m, k, a, a_tile, a_row, a_step, b, ldb, accumulate, c, ldc, last, ahead, pack)
#define WIDTHS(ahead, pack)                                                                                          \
  if (vectors == 3) ROWS(3, ahead, pack);                                                                            \
  else if (vectors == 2) ROWS(2, ahead, pack);                                                                       \
  else ROWS(1, ahead, pack)
  if (pack) {
    if (ahead) WIDTHS(ahead, pack);
    else WIDTHS(NULL, pack);
  } else {
    if (ahead) WIDTHS(ahead, NULL);
    else WIDTHS(NULL, NULL);
  }
#undef WIDTHS
#undef ROWS
}

FN void NAME(product)(size_t m, size_t n, size_t k, const REAL *a, size_t a_row, size_t a_step, const REAL *b,
                      size_t ldb, int accumulate, REAL *c, size_t ldc) {
  if (m == 1 && n > 8 * LANES) return NAME(product_row)(n, k, a, a_step, b, ldb, accumulate, c);
  if (m <= 4) return NAME(product_few)(m, n, k, a, a_row, a_step, b, ldb, accumulate, c, ldc);
  for (size_t j = 0; j < n; j += 3 * LANES) {
    const size_t left = n - j;
    NAME(product_panel)(m, left < 3 * LANES ? left : 3 * LANES, k, a, 8 * a_row, a_row, a_step, b + j, ldb, accumulate,
                        c + j, ldc, NULL, NULL);
  }
}

// One column: dot products of rows of A (contiguous along k) with B gathered to a contiguous vector.
INLINE_FN void NAME(dot_rows)(int rows, size_t k, const REAL *a, size_t lda, const REAL *x, int accumulate, REAL *c,
                              size_t ldc) {
  const size_t whole = k & ~(size_t)(LANES - 1), pairs = k & ~(size_t)(2 * LANES - 1);
  const MASK rest = (MASK)((1u << (k - whole)) - 1);
  VECTOR s[4], t[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) s[i] = t[i] = ZERO();
  for (size_t p = 0; p < pairs; p += 2 * LANES) {
    VECTOR v = LOAD(ALL, x + p), w = LOAD(ALL, x + p + LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      s[i] = MULTIPLY_ADD(v, LOAD(ALL, a + i * lda + p), s[i]);
      t[i] = MULTIPLY_ADD(w, LOAD(ALL, a + i * lda + p + LANES), t[i]);
    }
  }
  if (whole > pairs) {
    VECTOR v = LOAD(ALL, x + pairs);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) s[i] = MULTIPLY_ADD(v, LOAD(ALL, a + i * lda + pairs), s[i]);
  }
  if (rest) {
    VECTOR v = LOAD(rest, x + whole);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) t[i] = MULTIPLY_ADD(v, LOAD(rest, a + i * lda + whole), t[i]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
    REAL sum = SUM(ADD(s[i], t[i])), *out = c + i * ldc;
    *out = accumulate ? *out + sum : sum;
  }
}

FN void NAME(dots)(size_t m, size_t k, const REAL *a, size_t lda, const REAL *x, int accumulate, REAL *c,
                   size_t ldc) {
  size_t i = 0;
  for (; i + 4 <= m; i += 4) NAME(dot_rows)(4, k, a + i * lda, lda, x, accumulate, c + i * ldc, ldc);
  for (; i < m; i++) NAME(dot_rows)(1, k, a + i * lda, lda, x, accumulate, c + i * ldc, ldc);
}

// A few columns: B lies transposed, its columns `k` apart.
INLINE_FN void NAME(dot_tile)(int rows, int columns, size_t k, const REAL *a, size_t lda, const REAL *b, size_t ldb,
                              int accumulate, REAL *c, size_t ldc) {
  const size_t whole = k & ~(size_t)(LANES - 1);
  const MASK rest = (MASK)((1u << (k - whole)) - 1);
  VECTOR s[4][4];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) s[i][j] = ZERO();
  }
  for (size_t p = 0; p < k; p += LANES) {
    const MASK mask = p < whole ? ALL : rest;
    VECTOR x[4];
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) x[j] = LOAD(mask, b + j * ldb + p);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      VECTOR y = LOAD(mask, a + i * lda + p);
#pragma clang loop unroll(full)
      for (int j = 0; j < columns; j++) s[i][j] = MULTIPLY_ADD(x[j], y, s[i][j]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) {
      REAL sum = SUM(s[i][j]), *out = c + i * ldc + j;
      *out = accumulate ? *out + sum : sum;
    }
  }
}

INLINE_FN void NAME(few_columns)(int columns, size_t m, size_t k, const REAL *a, size_t lda, const REAL *b, size_t ldb,
                                 int accumulate, REAL *c, size_t ldc) {
  size_t i = 0;
  for (; i + 4 <= m; i += 4) {
    // There is little to do for each row that is read.
    if (i + 12 <= m)
      for (size_t r = 8; r < 12; r++)
        for (size_t p = 0; p < k; p += LANES) __builtin_prefetch(a + (i + r) * lda + p, 0, 3);
    NAME(dot_tile)(4, columns, k, a + i * lda, lda, b, ldb, accumulate, c + i * ldc, ldc);
  }
  for (; i < m; i++) NAME(dot_tile)(1, columns, k, a + i * lda, lda, b, ldb, accumulate, c + i * ldc, ldc);
}

// A few columns, A transposed: Cᵀ = Bᵀ A' where A' [k, m] is what memory holds, some hundred columns at a time.
FN void NAME(product_transposed)(size_t m, size_t n, size_t k, const REAL *a, size_t lda, const REAL *b, size_t b_row,
                                 size_t b_column, int accumulate, REAL *c, size_t ldc) {
  enum { length = 8 * LANES };
  REAL part[4 * length];
  for (size_t i0 = 0; i0 < m; i0 += length) {
    const size_t width = m - i0 < length ? m - i0 : length;
    if (accumulate)
      for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < width; i++) part[j * length + i] = c[(i0 + i) * ldc + j];
    NAME(product_few)(n, width, k, b, b_column, b_row, a + i0, lda, accumulate, part, length);
    for (size_t j = 0; j < n; j++)
      for (size_t i = 0; i < width; i++) c[(i0 + i) * ldc + j] = part[j * length + i];
  }
}

// Products of one or a few rows or columns, and tiny ones; 0 if it is none of these.
FN int NAME(small)(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const REAL *a, size_t lda,
                   const REAL *b, size_t ldb, int accumulate, REAL *c, size_t ldc) {
  REAL panel[panel_elements];
  const size_t b_row = transpose_b ? 1 : ldb, b_column = transpose_b ? ldb : 1;
  if (n == 1 && !transpose_a && (b_row == 1 || k <= panel_elements)) {
    const REAL *x = b;
    if (b_row != 1) {
      for (size_t p = 0; p < k; p++) panel[p] = b[p * b_row];
      x = panel;
    }
    NAME(dots)(m, k, a, lda, x, accumulate, c, ldc);
    return 1;
  }
  if (n > 1 && n <= 4 && !transpose_a && k >= LANES && (transpose_b || n * k <= panel_elements)) {
    if (!transpose_b) {
      for (size_t p = 0; p < k; p++)
        for (size_t j = 0; j < n; j++) panel[j * k + p] = b[p * ldb + j];
    }
    const REAL *x = transpose_b ? b : panel;
    const size_t pitch = transpose_b ? ldb : k;
    switch (n) {
      case 2: NAME(few_columns)(2, m, k, a, lda, x, pitch, accumulate, c, ldc); break;
      case 3: NAME(few_columns)(3, m, k, a, lda, x, pitch, accumulate, c, ldc); break;
      default: NAME(few_columns)(4, m, k, a, lda, x, pitch, accumulate, c, ldc); break;
    }
    return 1;
  }
  if (n == 1 && transpose_a && ldc == 1) {
    NAME(product)(1, m, k, b, 0, b_row, a, lda, accumulate, c, m);
    return 1;
  }
  if (n <= 4 && transpose_a && m >= LANES) {
    NAME(product_transposed)(m, n, k, a, lda, b, b_row, b_column, accumulate, c, ldc);
    return 1;
  }
  if (transpose_b && m <= 2 && (!transpose_a || k <= panel_elements)) {
    // Rows of B are contiguous along k: the transposed product is a matrix times a vector.
    for (size_t i = 0; i < m; i++) {
      const REAL *x = a + i * lda;
      if (transpose_a) {
        for (size_t p = 0; p < k; p++) panel[p] = a[p * lda + i];
        x = panel;
      }
      NAME(dots)(n, k, b, ldb, x, accumulate, c + i * ldc, 1);
    }
    return 1;
  }
  if (m > 4096 || n > 4096 || k > 4096 || m * n * k > multiplications) return 0;
  if (transpose_b) {
    if (n * k > panel_elements) return 0;
    for (size_t j = 0; j < n; j++)
      for (size_t p = 0; p < k; p++) panel[p * n + j] = b[j * ldb + p];
    b = panel;
    ldb = n;
  }
  NAME(product)(m, n, k, a, transpose_a ? 1 : lda, transpose_a ? lda : 1, b, ldb, accumulate, c, ldc);
  return 1;
}

#undef FN
#undef INLINE_FN
#undef ALL
