// The factorizations for one element type REAL, with names made by P(name); included once for each type.

static void P(fill_nan)(REAL *out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = (REAL)NAN;
}

// Some routines of LAPACK do not end, or print a complaint, when a value is not finite.
static int P(all_finite)(const REAL *in, size_t n) {
  REAL sum = 0;
  for (size_t i = 0; i < n; i++) sum += in[i] * 0;
  return sum == 0;
}

static int P(cholesky)(REAL *out, const REAL *in, size_t n) {
  if (out != in) memcpy(out, in, n * n * sizeof(REAL));
  int size = (int)n, info = 0;
  P(potrf_)("U", &size, out, &size, &info, 1);
  if (info == 0)
    for (size_t i = 0; i < n; i++)
      if (!(out[i * n + i] > 0)) info = (int)i + 1;
  if (info) {
    P(fill_nan)(out, n * n);
    return info;
  }
  for (size_t i = 0; i < n; i++) memset(out + i * n + i + 1, 0, (n - i - 1) * sizeof(REAL));
  return 0;
}

static int P(triangular)(int lower, int transpose, int unit, REAL *x, const REAL *a, const REAL *b, size_t n,
                         size_t m) {
  if (x != b) memcpy(x, b, n * m * sizeof(REAL));
  int rows = (int)m, columns = (int)n;
  REAL one = 1;
  P(trsm_)("R", lower ? "U" : "L", transpose ? "T" : "N", unit ? "U" : "N", &rows, &columns, &one, a, &columns, x,
           &rows, 1, 1, 1, 1);
  return 0;
}

static int P(eigh)(REAL *values, REAL *vectors, const REAL *in, size_t n, void *scratch) {
  int size = (int)n, info = 0;
  size_t integers, length = eigh_work(size, &integers);
  REAL *work = (REAL *)first_region(scratch);
  int *iwork = (int *)((char *)work + padded(length * sizeof(REAL)));
  // Halves are added, since the sum of two large values could overflow.
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j <= i; j++)
      vectors[i * n + j] = vectors[j * n + i] = (REAL)0.5 * in[i * n + j] + (REAL)0.5 * in[j * n + i];
  if (P(all_finite)(vectors, n * n)) {
    int lwork = length > INT_MAX ? INT_MAX : (int)length, liwork = (int)integers;
    P(syevd_)("V", "L", &size, vectors, &size, values, work, &lwork, iwork, &liwork, &info, 1, 1);
  } else {
    info = 1;
  }
  if (info) {
    P(fill_nan)(values, n);
    P(fill_nan)(vectors, n * n);
    return info;
  }
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < i; j++) {
      REAL other = vectors[i * n + j];
      vectors[i * n + j] = vectors[j * n + i];
      vectors[j * n + i] = other;
    }
  return 0;
}

static int P(svd)(REAL *u, REAL *s, REAL *vt, const REAL *in, size_t m, size_t n, void *scratch) {
  int rows = (int)n, columns = (int)m, k = rows < columns ? rows : columns, info = 0;
  size_t length = svd_work(rows, columns);
  REAL *copy = (REAL *)first_region(scratch);
  REAL *work = (REAL *)((char *)copy + padded(m * n * sizeof(REAL)));
  int *iwork = (int *)((char *)work + padded(length * sizeof(REAL)));
  memcpy(copy, in, m * n * sizeof(REAL));
  if (P(all_finite)(copy, m * n)) {
    int lwork = length > INT_MAX ? INT_MAX : (int)length;
    P(gesdd_)("S", &rows, &columns, copy, &rows, s, vt, &rows, u, &k, work, &lwork, iwork, &info, 1);
  } else {
    info = 1;
  }
  if (info) {
    P(fill_nan)(s, (size_t)k);
    P(fill_nan)(u, m * (size_t)k);
    P(fill_nan)(vt, (size_t)k * n);
  }
  return info;
}

static int P(qr)(REAL *q, REAL *r, const REAL *in, size_t m, size_t n, void *scratch) {
  int rows = (int)n, columns = (int)m, k = rows < columns ? rows : columns, info = 0;
  size_t length = qr_work(columns, rows), kept = (size_t)k;
  REAL *copy = (REAL *)first_region(scratch);
  REAL *tau = (REAL *)((char *)copy + padded(m * n * sizeof(REAL)));
  REAL *work = (REAL *)((char *)tau + padded(kept * sizeof(REAL)));
  memcpy(copy, in, m * n * sizeof(REAL));
  int lwork = length > INT_MAX ? INT_MAX : (int)length;
  P(gelqf_)(&rows, &columns, copy, &rows, tau, work, &lwork, &info);
  if (info) return info;
  for (size_t i = 0; i < m; i++) memcpy(q + i * kept, copy + i * n, kept * sizeof(REAL));
  for (size_t i = 0; i < kept; i++)
    for (size_t j = 0; j < n; j++) r[i * n + j] = j < i ? 0 : copy[i * n + j];
  P(orglq_)(&k, &columns, &k, q, &k, tau, work, &lwork, &info);
  for (size_t i = 0; i < kept; i++) {
    if (!(r[i * n + i] < 0)) continue;
    for (size_t j = i; j < n; j++) r[i * n + j] = -r[i * n + j];
    for (size_t j = 0; j < m; j++) q[j * kept + i] = -q[j * kept + i];
  }
  return info;
}

static void P(swap_rows)(REAL *x, size_t i, size_t j, size_t m) {
  if (i == j) return;
  for (size_t c = 0; c < m; c++) {
    REAL other = x[i * m + c];
    x[i * m + c] = x[j * m + c];
    x[j * m + c] = other;
  }
}

// What memory holds is F = Aᵀ = P L U in column-major order, and X and B are Xᵀ and Bᵀ.
// A X = B is Xᵀ P L U = Bᵀ; Aᵀ X = B is Xᵀ Uᵀ Lᵀ Pᵀ = Bᵀ.
static int P(solve)(int transpose, REAL *x, const REAL *a, const REAL *b, size_t n, size_t m, void *scratch) {
  int size = (int)n, sides = (int)m, info = 0;
  REAL one = 1, *copy = (REAL *)first_region(scratch);
  int *pivots = (int *)((char *)copy + padded(n * n * sizeof(REAL)));
  memcpy(copy, a, n * n * sizeof(REAL));
  P(getrf_)(&size, &size, copy, &size, pivots, &info);
  if (info) {
    P(fill_nan)(x, n *m);
    return info;
  }
  if (x != b) memcpy(x, b, n * m * sizeof(REAL));
  if (transpose) {
    for (size_t i = 0; i < n; i++) P(swap_rows)(x, i, (size_t)pivots[i] - 1, m);
    P(trsm_)("R", "L", "T", "U", &sides, &size, &one, copy, &size, x, &sides, 1, 1, 1, 1);
    P(trsm_)("R", "U", "T", "N", &sides, &size, &one, copy, &size, x, &sides, 1, 1, 1, 1);
  } else {
    P(trsm_)("R", "U", "N", "N", &sides, &size, &one, copy, &size, x, &sides, 1, 1, 1, 1);
    P(trsm_)("R", "L", "N", "U", &sides, &size, &one, copy, &size, x, &sides, 1, 1, 1, 1);
    for (size_t i = n; i-- > 0;) P(swap_rows)(x, i, (size_t)pivots[i] - 1, m);
  }
  return 0;
}

static int P(log_determinant)(REAL *sign, REAL *log_abs, const REAL *a, size_t n, void *scratch) {
  int size = (int)n, info = 0;
  REAL *copy = (REAL *)first_region(scratch);
  int *pivots = (int *)((char *)copy + padded(n * n * sizeof(REAL)));
  memcpy(copy, a, n * n * sizeof(REAL));
  P(getrf_)(&size, &size, copy, &size, pivots, &info);
  double sum = 0, direction = 1;
  for (size_t i = 0; i < n; i++) {
    double value = (double)copy[i * n + i];
    sum += log(fabs(value));
    if ((value < 0) != ((size_t)pivots[i] != i + 1)) direction = -direction;
    if (value == 0) direction = 0;
    if (value != value) direction = NAN;
  }
  if (direction == 0) sum = -INFINITY;
  *sign = (REAL)direction;
  *log_abs = (REAL)sum;
  return 0;
}
