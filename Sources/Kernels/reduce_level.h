// Template: reductions, extremes' places and running reductions.

#define SUM(a, b) ((a) + (b))
#define PRODUCT(a, b) ((a) * (b))
// A NaN in either operand wins.
#define LARGEST(a, b) ((((b) > (a)) | ((b) != (b))) ? (b) : (a))
#define SMALLEST(a, b) ((((b) < (a)) | ((b) != (b))) ? (b) : (a))

#define SAME_VALUE(x) (x)
#define PLAIN_VECTOR(v, p) memcpy(&v, p, sizeof v)
#define WIDENED_VECTOR(v, p)                                                                                      \
  {                                                                                                               \
    LEVEL(half_words) half_##v;                                                                                   \
    memcpy(&half_##v, p, sizeof half_##v);                                                                        \
    v = (LEVEL(lanes_f32))(__builtin_convertvector(half_##v, LEVEL(words64)) << 16);                               \
  }
typedef uint16_t LEVEL(half_words) __attribute__((ext_vector_type(64)));
typedef uint32_t LEVEL(words64) __attribute__((ext_vector_type(64)));

// `A` is the type that accumulates, in W lanes: as many for every instruction set, so that all give the same bits.
#define LANES_TYPE(A, W) typedef A LEVEL(lanes_##A) __attribute__((ext_vector_type(W)));
LANES_TYPE(f32, 64)
LANES_TYPE(f64, 32)
LANES_TYPE(i32, 64)
LANES_TYPE(uint32_t, 64)
LANES_TYPE(i64, 32)
LANES_TYPE(uint64_t, 32)
LANES_TYPE(i8, 64)
LANES_TYPE(u8, 64)
enum { LEVEL(row_block) = 16, LEVEL(column_block) = 64, LEVEL(tile) = 512 };

// A row: blocks of 16 vectors, whose totals are added pairwise with a stack as in binary counting.
// Columns: 64 rows, 64 such blocks, and the total are three sums, so that a rounding error passes through about
// 128 + n / 4096 additions.
#define REDUCE(name, T, A, W, value, load_vector, result, combine, identity)                                      \
  ALWAYS_INLINE A LEVEL(fold_##name)(const LEVEL(lanes_##A) *v) {                                                 \
    A lanes[W];                                                                                                   \
    memcpy(lanes, v, sizeof lanes);                                                                               \
    for (int width = W / 2; width > 0; width /= 2) {                                                              \
      for (int i = 0; i < width; i++) lanes[i] = (A)combine(lanes[i], lanes[i + width]);                          \
    }                                                                                                             \
    return lanes[0];                                                                                              \
  }                                                                                                               \
  ALWAYS_INLINE A LEVEL(part_##name)(const T *x, size_t n) {                                                      \
    LEVEL(lanes_##A) total = (LEVEL(lanes_##A))(A)(identity), v;                                                  \
    size_t i = 0;                                                                                                 \
    for (; i + W <= n; i += W) {                                                                                  \
      load_vector(v, x + i);                                                                                      \
      total = combine(total, v);                                                                                  \
    }                                                                                                             \
    if (i < n) {                                                                                                  \
      A last[W];                                                                                                  \
      for (int j = 0; j < W; j++) last[j] = identity;                                                             \
      for (size_t j = i; j < n; j++) last[j - i] = value(x[j]);                                                   \
      memcpy(&v, last, sizeof v);                                                                                 \
      total = combine(total, v);                                                                                  \
    }                                                                                                             \
    return LEVEL(fold_##name)(&total);                                                                            \
  }                                                                                                               \
  static A LEVEL(row_##name)(const T *x, size_t n) {                                                              \
    if (n < W) {                                                                                                  \
      A lanes[4] = {identity, identity, identity, identity};                                                      \
      size_t i = 0;                                                                                               \
      for (; i + 4 <= n; i += 4) {                                                                                \
        for (int j = 0; j < 4; j++) lanes[j] = (A)combine(lanes[j], (A)value(x[i + j]));                          \
      }                                                                                                           \
      for (; i < n; i++) lanes[i % 4] = (A)combine(lanes[i % 4], (A)value(x[i]));                                 \
      A even = (A)combine(lanes[0], lanes[2]), odd = (A)combine(lanes[1], lanes[3]);                              \
      return (A)combine(even, odd);                                                                               \
    }                                                                                                             \
    A stack[64];                                                                                                  \
    int depth = 0;                                                                                                \
    const size_t block = W * LEVEL(row_block);                                                                    \
    for (size_t i = 0, count = 1; i < n; i += block, count++) {                                                   \
      A total = LEVEL(part_##name)(x + i, n - i < block ? n - i : block);                                         \
      for (size_t bits = count; bits % 2 == 0; bits /= 2) {                                                       \
        depth--;                                                                                                  \
        total = (A)combine(stack[depth], total);                                                                  \
      }                                                                                                           \
      stack[depth++] = total;                                                                                     \
    }                                                                                                             \
    A total = stack[--depth];                                                                                     \
    while (depth > 0) {                                                                                           \
      depth--;                                                                                                    \
      total = (A)combine(stack[depth], total);                                                                    \
    }                                                                                                             \
    return total;                                                                                                 \
  }                                                                                                               \
  ALWAYS_INLINE void LEVEL(flush_##name)(A *restrict total, A *restrict part, size_t count) {                     \
    VECTORIZE for (size_t c = 0; c < count; c++) total[c] = (A)combine(total[c], part[c]);                        \
    for (size_t c = 0; c < count; c++) part[c] = identity;                                                        \
  }                                                                                                               \
  static void LEVEL(columns_##name)(T *out, const T *x, size_t n, size_t inner, size_t count) {                   \
    A sums[3][LEVEL(tile)];                                                                                       \
    A *restrict part = sums[0];                                                                                   \
    for (size_t c = 0; c < count; c++) sums[0][c] = sums[1][c] = sums[2][c] = identity;                           \
    for (size_t i = 0; i < n;) {                                                                                  \
      size_t end = i + LEVEL(column_block) < n ? i + LEVEL(column_block) : n;                                     \
      for (; i + 4 <= end; i += 4) {                                                                              \
        const T *p = x + i * inner, *q = p + inner, *r = q + inner, *s = r + inner;                               \
        VECTORIZE for (size_t c = 0; c < count; c++) {                                                            \
          A v = part[c], p_c = value(p[c]), q_c = value(q[c]), r_c = value(r[c]), s_c = value(s[c]);              \
          v = (A)combine(v, p_c);                                                                                 \
          v = (A)combine(v, q_c);                                                                                 \
          v = (A)combine(v, r_c);                                                                                 \
          part[c] = (A)combine(v, s_c);                                                                           \
        }                                                                                                         \
      }                                                                                                           \
      for (; i < end; i++) {                                                                                      \
        const T *p = x + i * inner;                                                                               \
        VECTORIZE for (size_t c = 0; c < count; c++) part[c] = (A)combine(part[c], (A)value(p[c]));               \
      }                                                                                                           \
      LEVEL(flush_##name)(sums[1], part, count);                                                                  \
      if (i % (64 * LEVEL(column_block)) == 0) LEVEL(flush_##name)(sums[2], sums[1], count);                      \
    }                                                                                                             \
    LEVEL(flush_##name)(sums[2], sums[1], count);                                                                 \
    for (size_t c = 0; c < count; c++) out[c] = result(sums[2][c]);                                               \
  }                                                                                                               \
  static void LEVEL(reduce_##name)(void *out, const void *in, size_t outer, size_t n, size_t inner, size_t first, \
                                   size_t last) {                                                                 \
    T *y = out;                                                                                                   \
    const T *x = in;                                                                                              \
    if (inner == 1) {                                                                                             \
      for (size_t o = 0; o < outer && first < last; o++) y[o] = result(LEVEL(row_##name)(x + o * n, n));          \
      return;                                                                                                     \
    }                                                                                                             \
    for (size_t o = 0; o < outer; o++) {                                                                          \
      for (size_t c = first; c < last; c += LEVEL(tile)) {                                                        \
        size_t count = last - c < LEVEL(tile) ? last - c : LEVEL(tile);                                           \
        LEVEL(columns_##name)(y + o * inner + c, x + o * n * inner + c, n, inner, count);                         \
      }                                                                                                           \
    }                                                                                                             \
  }

#define REDUCE_FLOAT(T, A, W, value, load_vector, result)                                                         \
  REDUCE(sum_##T, T, A, W, value, load_vector, result, SUM, 0)                                                    \
  REDUCE(product_##T, T, A, W, value, load_vector, result, PRODUCT, 1)                                            \
  REDUCE(max_##T, T, A, W, value, load_vector, result, LARGEST, (A)-INFINITY)                                     \
  REDUCE(min_##T, T, A, W, value, load_vector, result, SMALLEST, (A)INFINITY)
REDUCE_FLOAT(f32, f32, 64, SAME_VALUE, PLAIN_VECTOR, SAME_VALUE)
REDUCE_FLOAT(f64, f64, 32, SAME_VALUE, PLAIN_VECTOR, SAME_VALUE)
REDUCE_FLOAT(bf16, f32, 64, widen, WIDENED_VECTOR, narrow)

// Sums and products of integers wrap, so they run unsigned.
#define REDUCE_INTEGER(T, U, W, least, most)                                                                      \
  REDUCE(sum_##T, U, U, W, SAME_VALUE, PLAIN_VECTOR, SAME_VALUE, SUM, 0)                                          \
  REDUCE(product_##T, U, U, W, SAME_VALUE, PLAIN_VECTOR, SAME_VALUE, PRODUCT, 1)                                  \
  REDUCE(max_##T, T, T, W, SAME_VALUE, PLAIN_VECTOR, SAME_VALUE, LARGEST, least)                                  \
  REDUCE(min_##T, T, T, W, SAME_VALUE, PLAIN_VECTOR, SAME_VALUE, SMALLEST, most)
REDUCE_INTEGER(i32, uint32_t, 64, INT32_MIN, INT32_MAX)
REDUCE_INTEGER(i64, uint64_t, 32, INT64_MIN, INT64_MAX)
REDUCE_INTEGER(i8, u8, 64, INT8_MIN, INT8_MAX)
REDUCE_INTEGER(u8, u8, 64, 0, UINT8_MAX)
REDUCE(max_boolean, u8, u8, 64, SAME_VALUE, PLAIN_VECTOR, SAME_VALUE, LARGEST, 0)
REDUCE(min_boolean, u8, u8, 64, SAME_VALUE, PLAIN_VECTOR, SAME_VALUE, SMALLEST, 1)

#define BY_REDUCTION(prefix, T)                                                                                   \
  {LEVEL(prefix##_sum_##T), LEVEL(prefix##_product_##T), LEVEL(prefix##_max_##T), LEVEL(prefix##_min_##T)}
#define BY_TYPE(prefix)                                                                                           \
  {                                                                                                               \
    [SOMA_F32] = BY_REDUCTION(prefix, f32), [SOMA_F64] = BY_REDUCTION(prefix, f64),                               \
    [SOMA_I32] = BY_REDUCTION(prefix, i32), [SOMA_I64] = BY_REDUCTION(prefix, i64),                               \
    [SOMA_I8] = BY_REDUCTION(prefix, i8), [SOMA_U8] = BY_REDUCTION(prefix, u8),                                   \
    [SOMA_BF16] = BY_REDUCTION(prefix, bf16),                                                                     \
    /* Of truth values, the sum is "any" and the product is "all". */                                             \
    [SOMA_BOOL] = {LEVEL(prefix##_max_boolean), LEVEL(prefix##_min_boolean), LEVEL(prefix##_max_boolean),         \
                   LEVEL(prefix##_min_boolean)}                                                                   \
  }

static void LEVEL(reduce)(soma_reduction op, soma_dtype dtype, void *out, const void *in, size_t outer, size_t n,
                          size_t inner, size_t first, size_t last) {
  typedef void (*reduce)(void *, const void *, size_t, size_t, size_t, size_t, size_t);
  static const reduce table[SOMA_DTYPE_COUNT][4] = BY_TYPE(reduce);
  table[dtype][op](out, in, outer, n, inner, first, last);
}

// The place of the extreme of a row: first which block has it, then where in that block.
#define ARG_REDUCE(name, T, A, value, before)                                                                     \
  static void LEVEL(arg_##name)(int32_t *out, const void *in, size_t outer, size_t n, size_t inner) {             \
    enum { length = 2048 };                                                                                       \
    const T *x = in;                                                                                              \
    if (inner == 1) {                                                                                             \
      for (size_t o = 0; o < outer; o++, x += n) {                                                                \
        if (n <= 32) {                                                                                            \
          A most = value(x[0]);                                                                                   \
          int32_t place = 0;                                                                                      \
          for (size_t i = 1; i < n; i++) {                                                                        \
            A v = value(x[i]);                                                                                    \
            int better = (v before most) | ((v != v) & (most == most));                                           \
            most = better ? v : most;                                                                             \
            place = better ? (int32_t)i : place;                                                                  \
          }                                                                                                       \
          out[o] = place;                                                                                         \
          continue;                                                                                               \
        }                                                                                                         \
        size_t start = 0;                                                                                         \
        A best = 0;                                                                                               \
        for (size_t i = 0; i < n; i += length) {                                                                  \
          A v = LEVEL(row_##name)(x + i, n - i < length ? n - i : length);                                        \
          if (i == 0 || v before best || v != v) best = v, start = i;                                             \
          if (v != v) break;                                                                                      \
        }                                                                                                         \
        size_t i = start, end = start + length < n ? start + length : n;                                          \
        for (; i + 64 <= end; i += 64) {                                                                          \
          int found = 0;                                                                                          \
          for (int j = 0; j < 64; j++) found |= (value(x[i + j]) == best) | (value(x[i + j]) != value(x[i + j]));  \
          if (found) break;                                                                                       \
        }                                                                                                         \
        while (i < end && value(x[i]) == value(x[i]) && value(x[i]) != best) i++;                                 \
        out[o] = (int32_t)i;                                                                                      \
      }                                                                                                           \
      return;                                                                                                     \
    }                                                                                                             \
    A best[LEVEL(tile)];                                                                                          \
    for (size_t o = 0; o < outer; o++) {                                                                          \
      for (size_t c0 = 0; c0 < inner; c0 += LEVEL(tile)) {                                                        \
        size_t count = inner - c0 < LEVEL(tile) ? inner - c0 : LEVEL(tile);                                       \
        int32_t *place = out + o * inner + c0;                                                                    \
        const T *row = x + o * n * inner + c0;                                                                    \
        for (size_t c = 0; c < count; c++) best[c] = value(row[c]), place[c] = 0;                                 \
        for (size_t i = 1; i < n; i++) {                                                                          \
          row += inner;                                                                                           \
          VECTORIZE for (size_t c = 0; c < count; c++) {                                                          \
            A v = value(row[c]), w = best[c];                                                                     \
            int better = (v before w) | ((v != v) & (w == w));                                                    \
            best[c] = better ? v : w;                                                                             \
            place[c] = better ? (int32_t)i : place[c];                                                            \
          }                                                                                                       \
        }                                                                                                         \
      }                                                                                                           \
    }                                                                                                             \
  }
#define ARG_BOTH(T, A, value) ARG_REDUCE(max_##T, T, A, value, >) ARG_REDUCE(min_##T, T, A, value, <)
ARG_BOTH(f32, f32, SAME_VALUE)
ARG_BOTH(f64, f64, SAME_VALUE)
ARG_BOTH(bf16, f32, widen)
ARG_BOTH(i32, i32, SAME_VALUE)
ARG_BOTH(i64, i64, SAME_VALUE)
ARG_BOTH(i8, i8, SAME_VALUE)
ARG_BOTH(u8, u8, SAME_VALUE)

static void LEVEL(arg_reduce)(int largest, soma_dtype dtype, int32_t *out, const void *in, size_t outer, size_t n,
                              size_t inner) {
  typedef void (*arg_reduce)(int32_t *, const void *, size_t, size_t, size_t);
#define ARG_PAIR(T) {LEVEL(arg_min_##T), LEVEL(arg_max_##T)}
  static const arg_reduce table[SOMA_DTYPE_COUNT][2] = {
      [SOMA_F32] = ARG_PAIR(f32), [SOMA_F64] = ARG_PAIR(f64), [SOMA_I32] = ARG_PAIR(i32), [SOMA_I64] = ARG_PAIR(i64),
      [SOMA_BOOL] = ARG_PAIR(u8), [SOMA_I8] = ARG_PAIR(i8),   [SOMA_U8] = ARG_PAIR(u8),   [SOMA_BF16] = ARG_PAIR(bf16)};
  table[dtype][largest != 0](out, in, outer, n, inner);
}

#define CUMULATIVE(name, T, A, value, result, combine)                                                            \
  static void LEVEL(cumulative_##name)(int reverse, void *out, const void *in, size_t outer, size_t n,            \
                                       size_t inner) {                                                            \
    if (n == 0) return;                                                                                           \
    ptrdiff_t step = reverse ? -(ptrdiff_t)inner : (ptrdiff_t)inner;                                              \
    for (size_t o = 0; o < outer; o++) {                                                                          \
      const T *x = (const T *)in + o * n * inner + (reverse ? (n - 1) * inner : 0);                               \
      T *y = (T *)out + o * n * inner + (reverse ? (n - 1) * inner : 0);                                          \
      if (inner == 1) {                                                                                           \
        A total = value(x[0]);                                                                                    \
        y[0] = x[0];                                                                                              \
        for (size_t i = 1; i < n; i++) {                                                                          \
          x += step, y += step;                                                                                   \
          A v = value(x[0]);                                                                                      \
          *y = result((A)combine(total, v));                                                                      \
          total = value(*y);                                                                                      \
        }                                                                                                         \
        continue;                                                                                                 \
      }                                                                                                           \
      memmove(y, x, inner * sizeof(T));                                                                           \
      for (size_t i = 1; i < n; i++) {                                                                            \
        const T *before = y;                                                                                      \
        x += step, y += step;                                                                                     \
        VECTORIZE for (size_t c = 0; c < inner; c++) {                                                            \
          A total = value(before[c]), v = value(x[c]);                                                            \
          y[c] = result((A)combine(total, v));                                                                    \
        }                                                                                                         \
      }                                                                                                           \
    }                                                                                                             \
  }
#define CUMULATIVE_ALL(T, U, A, B, value, result)                                                                 \
  CUMULATIVE(sum_##T, U, A, value, result, SUM)                                                                   \
  CUMULATIVE(product_##T, U, A, value, result, PRODUCT)                                                           \
  CUMULATIVE(max_##T, T, B, value, result, LARGEST)                                                               \
  CUMULATIVE(min_##T, T, B, value, result, SMALLEST)
CUMULATIVE_ALL(f32, f32, f32, f32, SAME_VALUE, SAME_VALUE)
CUMULATIVE_ALL(f64, f64, f64, f64, SAME_VALUE, SAME_VALUE)
CUMULATIVE_ALL(bf16, bf16, f32, f32, widen, narrow)
CUMULATIVE_ALL(i32, uint32_t, uint32_t, i32, SAME_VALUE, SAME_VALUE)
CUMULATIVE_ALL(i64, uint64_t, uint64_t, i64, SAME_VALUE, SAME_VALUE)
CUMULATIVE_ALL(i8, u8, u8, i8, SAME_VALUE, SAME_VALUE)
CUMULATIVE_ALL(u8, u8, u8, u8, SAME_VALUE, SAME_VALUE)
CUMULATIVE(max_boolean, u8, u8, SAME_VALUE, SAME_VALUE, LARGEST)
CUMULATIVE(min_boolean, u8, u8, SAME_VALUE, SAME_VALUE, SMALLEST)

static void LEVEL(cumulative)(soma_reduction op, soma_dtype dtype, int reverse, void *out, const void *in,
                              size_t outer, size_t n, size_t inner) {
  typedef void (*cumulative)(int, void *, const void *, size_t, size_t, size_t);
  static const cumulative table[SOMA_DTYPE_COUNT][4] = BY_TYPE(cumulative);
  table[dtype][op](reverse, out, in, outer, n, inner);
}
