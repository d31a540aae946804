// Products by a loop over register tiles, for one element type REAL of which LANES make a VECTOR. Every element is one
// chain of multiply-adds in the order of k, so that its bits do not depend on how a product is divided (except products
// with a single column, or with one or two rows and B transposed, which are sums over lanes).

#define FN TARGET static
#define INLINE_FN __attribute__((always_inline)) static inline TARGET
#define ALL ((MASK)-1)

// C[rows, LANES · vectors] = A B, with A at strides (a_row, a_step), so that both transposes are the same loop.
// Only the last vector is masked. `rows` and `vectors` are constants after inlining, so the sums stay in registers.
INLINE_FN void NAME(tile)(int rows, int vectors, size_t k, const REAL *a, size_t a_row, size_t a_step, const REAL *b,
                          size_t ldb, int accumulate, REAL *c, size_t ldc, MASK last) {
  VECTOR sum[8][3];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      MASK mask = v == vectors - 1 ? last : ALL;
      sum[i][v] = accumulate ? LOAD(mask, c + i * ldc + LANES * v) : ZERO();
    }
  }
  for (size_t p = 0; p < k; p++) {
    VECTOR row[3];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      MASK mask = v == vectors - 1 ? last : ALL;
      row[v] = LOAD(mask, b + p * ldb + LANES * v);
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
}

INLINE_FN void NAME(tile_rows)(int vectors, size_t m, size_t k, const REAL *a, size_t a_row, size_t a_step,
                               const REAL *b, size_t ldb, int accumulate, REAL *c, size_t ldc, MASK last) {
  size_t i = 0;
  for (; i + 8 <= m; i += 8)
    NAME(tile)(8, vectors, k, a + i * a_row, a_row, a_step, b, ldb, accumulate, c + i * ldc, ldc, last);
  if (i + 4 <= m) {
    NAME(tile)(4, vectors, k, a + i * a_row, a_row, a_step, b, ldb, accumulate, c + i * ldc, ldc, last);
    i += 4;
  }
  for (; i < m; i++)
    NAME(tile)(1, vectors, k, a + i * a_row, a_row, a_step, b, ldb, accumulate, c + i * ldc, ldc, last);
}

FN void NAME(product)(size_t m, size_t n, size_t k, const REAL *a, size_t a_row, size_t a_step, const REAL *b,
                      size_t ldb, int accumulate, REAL *c, size_t ldc) {
  for (size_t j = 0; j < n; j += 3 * LANES) {
    size_t left = n - j;
    size_t vectors = left >= 3 * LANES ? 3 : (left + LANES - 1) / LANES;
    size_t tail = left - LANES * (vectors - 1);
    MASK last = tail >= LANES ? ALL : (MASK)((1u << tail) - 1);
    if (vectors == 3)
      NAME(tile_rows)(3, m, k, a, a_row, a_step, b + j, ldb, accumulate, c + j, ldc, last);
    else if (vectors == 2)
      NAME(tile_rows)(2, m, k, a, a_row, a_step, b + j, ldb, accumulate, c + j, ldc, last);
    else
      NAME(tile_rows)(1, m, k, a, a_row, a_step, b + j, ldb, accumulate, c + j, ldc, last);
  }
}

// One column: dot products of rows of A (contiguous along k) with B gathered to a contiguous vector.
FN void NAME(dots)(size_t m, size_t k, const REAL *a, size_t lda, const REAL *x, int accumulate, REAL *c,
                   size_t ldc) {
  size_t whole = k & ~(size_t)(LANES - 1);
  MASK rest = (MASK)((1u << (k - whole)) - 1);
  size_t i = 0;
  for (; i + 4 <= m; i += 4) {
    const REAL *row = a + i * lda;
    VECTOR s0 = ZERO(), s1 = s0, s2 = s0, s3 = s0;
    for (size_t p = 0; p < whole; p += LANES) {
      VECTOR v = LOAD(ALL, x + p);
      s0 = MULTIPLY_ADD(v, LOAD(ALL, row + p), s0);
      s1 = MULTIPLY_ADD(v, LOAD(ALL, row + lda + p), s1);
      s2 = MULTIPLY_ADD(v, LOAD(ALL, row + 2 * lda + p), s2);
      s3 = MULTIPLY_ADD(v, LOAD(ALL, row + 3 * lda + p), s3);
    }
    if (rest) {
      VECTOR v = LOAD(rest, x + whole);
      s0 = MULTIPLY_ADD(v, LOAD(rest, row + whole), s0);
      s1 = MULTIPLY_ADD(v, LOAD(rest, row + lda + whole), s1);
      s2 = MULTIPLY_ADD(v, LOAD(rest, row + 2 * lda + whole), s2);
      s3 = MULTIPLY_ADD(v, LOAD(rest, row + 3 * lda + whole), s3);
    }
    REAL sums[4] = {SUM(s0), SUM(s1), SUM(s2),
                     SUM(s3)};
    for (size_t r = 0; r < 4; r++) {
      REAL *out = c + (i + r) * ldc;
      *out = accumulate ? *out + sums[r] : sums[r];
    }
  }
  for (; i < m; i++) {
    const REAL *row = a + i * lda;
    VECTOR s = ZERO();
    for (size_t p = 0; p < whole; p += LANES) s = MULTIPLY_ADD(LOAD(ALL, x + p), LOAD(ALL, row + p), s);
    if (rest)
      s = MULTIPLY_ADD(LOAD(rest, x + whole), LOAD(rest, row + whole), s);
    REAL sum = SUM(s);
    REAL *out = c + i * ldc;
    *out = accumulate ? *out + sum : sum;
  }
}

FN int NAME(small)(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const REAL *a, size_t lda,
                   const REAL *b, size_t ldb, int accumulate, REAL *c, size_t ldc) {
  if (m > 4096 || n > 4096 || k > 4096 || m * n * k > multiplications) return 0;
  REAL panel[panel_elements];
  if (n == 1 && !transpose_a) {
    const REAL *x = b;
    if (!transpose_b && ldb != 1) {
      for (size_t p = 0; p < k; p++) panel[p] = b[p * ldb];
      x = panel;
    }
    NAME(dots)(m, k, a, lda, x, accumulate, c, ldc);
    return 1;
  }
  if (n == 1 && ldc == 1) {
    // A column with A transposed: Cᵀ = Bᵀ A' where A' [k, m] is what memory holds.
    NAME(product)(1, m, k, b, 0, transpose_b ? 1 : ldb, a, lda, accumulate, c, m);
    return 1;
  }
  if (transpose_b && m <= 2) {
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
