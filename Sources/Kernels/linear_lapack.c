// Dense factorizations by LAPACK. A row-major matrix is the column-major transpose, so each operation is stated for
// the transpose and nothing is moved: QR becomes LQ, the factors of an SVD trade places, systems are solved from the
// right.
#include <limits.h>
#include <math.h>
#include <string.h>

#include "linear_internal.h"

// Fortran's symbols: all arguments by address, lengths of strings at the end.
#define DECLARE(type, p)                                                                                             \
  void p##potrf_(const char *triangle, const int *n, type *a, const int *lda, int *info, size_t);                    \
  void p##syevd_(const char *job, const char *triangle, const int *n, type *a, const int *lda, type *w, type *work,  \
                 const int *lwork, int *iwork, const int *liwork, int *info, size_t, size_t);                        \
  void p##gesdd_(const char *job, const int *m, const int *n, type *a, const int *lda, type *s, type *u,             \
                 const int *ldu, type *vt, const int *ldvt, type *work, const int *lwork, int *iwork, int *info,     \
                 size_t);                                                                                            \
  void p##gelqf_(const int *m, const int *n, type *a, const int *lda, type *tau, type *work, const int *lwork,       \
                 int *info);                                                                                         \
  void p##orglq_(const int *m, const int *n, const int *k, type *a, const int *lda, const type *tau, type *work,     \
                 const int *lwork, int *info);                                                                       \
  void p##getrf_(const int *m, const int *n, type *a, const int *lda, int *pivots, int *info);                       \
  void p##trsm_(const char *side, const char *triangle, const char *transpose, const char *unit, const int *m,       \
                const int *n, const type *alpha, const type *a, const int *lda, type *b, const int *ldb, size_t,     \
                size_t, size_t, size_t);
DECLARE(float, s)
DECLARE(double, d)

// Regions of the scratch memory start on cache lines; the caller's pointer need not.
static size_t padded(size_t size) { return (size + 63) & ~(size_t)63; }

static char *first_region(void *scratch) { return (char *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63); }

// LAPACK asks for its working space by calls with a length of -1. The answers are exact in float up to 2^24, so the
// double routine is asked for both types.
static size_t eigh_work(int n, size_t *integers) {
  double work = 0, none = 0;
  int iwork = 0, query = -1, info = 0;
  dsyevd_("V", "L", &n, &none, &n, &none, &work, &query, &iwork, &query, &info, 1, 1);
  // The single-precision routine may choose other block sizes: 1 + 6 n + 2 n² is the documented minimum of both.
  size_t least = 1 + 6 * (size_t)n + 2 * (size_t)n * (size_t)n;
  *integers = 3 + 5 * (size_t)n;
  if ((size_t)iwork > *integers) *integers = (size_t)iwork;
  return (size_t)work > least ? (size_t)work : least;
}

static size_t svd_work(int m, int n) {
  double work = 0, none = 0;
  int k = m < n ? m : n, iwork = 0, query = -1, info = 0;
  dgesdd_("S", &m, &n, &none, &m, &none, &none, &m, &none, &k, &work, &query, &iwork, &info, 1);
  // Documented minimum for job 'S'.
  size_t small = (size_t)k, large = (size_t)(m < n ? n : m);
  size_t least = 4 * small * small + 7 * small;
  size_t other = 3 * small + (large > 3 * small * small + 4 * small ? large : 3 * small * small + 4 * small);
  if (other > least) least = other;
  return (size_t)work > least ? (size_t)work : least;
}

static size_t qr_work(int m, int n) {
  double work = 0, none = 0;
  int k = m < n ? m : n, query = -1, info = 0;
  dgelqf_(&n, &m, &none, &n, &none, &work, &query, &info);
  size_t most = (size_t)work;
  dorglq_(&k, &m, &k, &none, &k, &none, &work, &query, &info);
  if ((size_t)work > most) most = (size_t)work;
  // 64 columns a block, should the other precision block differently.
  size_t usual = 64 * (size_t)(m > n ? m : n);
  return most > usual ? most : usual;
}

static int is_too_large(size_t m, size_t n) { return m > INT_MAX || n > INT_MAX; }

size_t soma_lapack_scratch(soma_factorization op, soma_dtype dtype, size_t m, size_t n) {
  if (is_too_large(m, n) || m == 0 || n == 0) return 64;
  size_t size = soma_linear_size(dtype), k = m < n ? m : n, integers;
  switch (op) {
    case SOMA_CHOLESKY:
      return 64;
    case SOMA_EIGH: {
      size_t work = eigh_work((int)n, &integers);
      return 64 + padded(work * size) + padded(integers * sizeof(int));
    }
    case SOMA_SVD:
      return 64 + padded(m * n * size) + padded(svd_work((int)n, (int)m) * size) + padded(8 * k * sizeof(int));
    case SOMA_QR:
      return 64 + padded(m * n * size) + padded(k * size) + padded(qr_work((int)m, (int)n) * size);
    case SOMA_SOLVE: {
      // The matrix is square; whichever argument carries the right-hand sides, the larger covers it.
      size_t side = m > n ? m : n;
      return 64 + padded(side * side * size) + padded(side * sizeof(int));
    }
    case SOMA_LOG_DETERMINANT:
      return 64 + padded(n * n * size) + padded(n * sizeof(int));
  }
  return 64;
}

#define REAL float
#define P(name) s##name
#include "linear_lapack_body.h"
#undef REAL
#undef P
#define REAL double
#define P(name) d##name
#include "linear_lapack_body.h"

#define CHOOSE(name, ...) (dtype == SOMA_F32 ? s##name(__VA_ARGS__) : d##name(__VA_ARGS__))

// Negative as LAPACK's own report of a bad argument; 0 if the call makes sense.
static int refusal(soma_dtype dtype, size_t m, size_t n) {
  if (dtype != SOMA_F32 && dtype != SOMA_F64) return -1;
  if (is_too_large(m, n)) return -2;
  soma_single_threaded_libraries();
  return 0;
}

int soma_cholesky(soma_dtype dtype, void *out, const void *in, size_t n, void *scratch) {
  (void)scratch;
  int refused = refusal(dtype, n, n);
  if (refused || n == 0) return refused;
  return CHOOSE(cholesky, out, in, n);
}

int soma_triangular_solve(soma_dtype dtype, int lower, int transpose, int unit, void *x, const void *a, const void *b,
                          size_t n, size_t m) {
  int refused = refusal(dtype, m, n);
  if (refused || n == 0 || m == 0) return refused;
  return CHOOSE(triangular, lower, transpose, unit, x, a, b, n, m);
}

int soma_eigh(soma_dtype dtype, void *values, void *vectors, const void *in, size_t n, void *scratch) {
  int refused = refusal(dtype, n, n);
  if (refused || n == 0) return refused;
  return CHOOSE(eigh, values, vectors, in, n, scratch);
}

int soma_svd(soma_dtype dtype, void *u, void *s, void *vt, const void *in, size_t m, size_t n, void *scratch) {
  int refused = refusal(dtype, m, n);
  if (refused || n == 0 || m == 0) return refused;
  return CHOOSE(svd, u, s, vt, in, m, n, scratch);
}

int soma_qr(soma_dtype dtype, void *q, void *r, const void *in, size_t m, size_t n, void *scratch) {
  int refused = refusal(dtype, m, n);
  if (refused || n == 0 || m == 0) return refused;
  return CHOOSE(qr, q, r, in, m, n, scratch);
}

int soma_solve(soma_dtype dtype, int transpose, void *x, const void *a, const void *b, size_t n, size_t m,
               void *scratch) {
  int refused = refusal(dtype, m, n);
  if (refused || n == 0 || m == 0) return refused;
  return CHOOSE(solve, transpose, x, a, b, n, m, scratch);
}

int soma_log_determinant(soma_dtype dtype, void *sign, void *log_abs, const void *a, size_t n, void *scratch) {
  int refused = refusal(dtype, n, n);
  if (refused) return refused;
  if (n == 0) {
    if (dtype == SOMA_F32) *(float *)sign = 1, *(float *)log_abs = 0;
    else *(double *)sign = 1, *(double *)log_abs = 0;
    return 0;
  }
  return CHOOSE(log_determinant, sign, log_abs, a, n, scratch);
}
