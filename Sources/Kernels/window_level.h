// Template: window reductions (pooling).

/// Positions `first ..< last` of an axis whose window element `e` falls inside the input.
ALWAYS_INLINE void LEVEL(inside)(const soma_window *w, int axis, int64_t e, int64_t *first, int64_t *last) {
  int64_t shift = e * w->dilation[axis] - w->low[axis], stride = w->stride[axis];
  *first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
  int64_t room = w->in[axis] - 1 - shift;
  *last = room < 0 ? 0 : room / stride + 1;
  if (*last > w->out[axis]) *last = w->out[axis];
}

/// Missing axes become ones in front.
ALWAYS_INLINE soma_window LEVEL(three_axes)(const soma_window *w) {
  soma_window full = {3, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}};
  for (int i = 0; i < w->rank; i++) {
    int axis = 3 - w->rank + i;
    full.in[axis] = w->in[i], full.out[axis] = w->out[i], full.size[axis] = w->size[i];
    full.stride[axis] = w->stride[i], full.dilation[axis] = w->dilation[i], full.low[axis] = w->low[i];
  }
  return full;
}

#define ACCUMULATE_STRIDE(A, value, combine, step)                                                                \
  VECTORIZE for (int64_t i = 0; i < count; i++) {                                                                 \
    A v = value(from[i * step]);                                                                                  \
    into[i] = (A)combine(into[i], v);                                                                             \
  }

// One row of outputs at a time; each window element adds a (strided) piece of an input row to it. `into` is the
// output row itself, or a buffer if the type accumulates in another.
#define WINDOW(name, T, A, value, result, combine, identity)                                                      \
  ALWAYS_INLINE void LEVEL(accumulate_##name)(A *into, const T *from, int64_t count, int64_t stride) {            \
    if (stride == 1) {                                                                                            \
      ACCUMULATE_STRIDE(A, value, combine, 1)                                                                     \
    } else if (stride == 2) {                                                                                     \
      ACCUMULATE_STRIDE(A, value, combine, 2)                                                                     \
    } else {                                                                                                      \
      ACCUMULATE_STRIDE(A, value, combine, stride)                                                                \
    }                                                                                                             \
  }                                                                                                               \
  static void LEVEL(window_##name)(void *out, const void *in, size_t outer, const soma_window *given) {           \
    enum { width = 256 };                                                                                         \
    const soma_window w = LEVEL(three_axes)(given);                                                               \
    T *y = out;                                                                                                   \
    const T *x = in;                                                                                              \
    A row[width];                                                                                                 \
    /* Few outputs of long rows: reduce along the window instead. */                                              \
    const int along = w.out[2] < w.size[2] && w.dilation[2] == 1;                                                 \
    for (size_t o = 0; o < outer; o++, x += w.in[0] * w.in[1] * w.in[2]) {                                        \
      for (int64_t y0 = 0; y0 < w.out[0]; y0++) {                                                                 \
        for (int64_t y1 = 0; y1 < w.out[1]; y1++, y += w.out[2]) {                                                \
          for (int64_t left = 0; left < w.out[2]; left += width) {                                                \
            int64_t right = left + width < w.out[2] ? left + width : w.out[2];                                    \
            for (int64_t i = 0; i < right - left; i++) row[i] = identity;                                         \
            for (int64_t e0 = 0; e0 < w.size[0]; e0++) {                                                          \
              int64_t x0 = y0 * w.stride[0] + e0 * w.dilation[0] - w.low[0];                                      \
              if (x0 < 0 || x0 >= w.in[0]) continue;                                                              \
              for (int64_t e1 = 0; e1 < w.size[1]; e1++) {                                                        \
                int64_t x1 = y1 * w.stride[1] + e1 * w.dilation[1] - w.low[1];                                    \
                if (x1 < 0 || x1 >= w.in[1]) continue;                                                            \
                const T *from = x + (x0 * w.in[1] + x1) * w.in[2];                                                \
                for (int64_t i = left; along && i < right; i++) {                                                 \
                  int64_t first = i * w.stride[2] - w.low[2], last = first + w.size[2];                           \
                  first = first > 0 ? first : 0;                                                                  \
                  last = last < w.in[2] ? last : w.in[2];                                                         \
                  if (first >= last) continue;                                                                    \
                  A v = LEVEL(row_##name)(from + first, (size_t)(last - first));                                  \
                  row[i - left] = (A)combine(row[i - left], v);                                                   \
                }                                                                                                 \
                if (along) continue;                                                                              \
                for (int64_t e2 = 0; e2 < w.size[2]; e2++) {                                                      \
                  int64_t first, last;                                                                            \
                  LEVEL(inside)(&w, 2, e2, &first, &last);                                                        \
                  first = first > left ? first : left;                                                            \
                  last = last < right ? last : right;                                                             \
                  if (first >= last) continue;                                                                    \
                  int64_t start = first * w.stride[2] + e2 * w.dilation[2] - w.low[2];                            \
                  LEVEL(accumulate_##name)(row + first - left, from + start, last - first, w.stride[2]);          \
                }                                                                                                 \
              }                                                                                                   \
            }                                                                                                     \
            for (int64_t i = left; i < right; i++) y[i] = result(row[i - left]);                                  \
          }                                                                                                       \
        }                                                                                                         \
      }                                                                                                           \
    }                                                                                                             \
  }
#define WINDOW_ALL(T, U, A, B, value, result, least, most)                                                        \
  WINDOW(sum_##T, U, A, value, result, SUM, 0)                                                                    \
  WINDOW(product_##T, U, A, value, result, PRODUCT, 1)                                                            \
  WINDOW(max_##T, T, B, value, result, LARGEST, least)                                                            \
  WINDOW(min_##T, T, B, value, result, SMALLEST, most)
WINDOW_ALL(f32, f32, f32, f32, SAME_VALUE, SAME_VALUE, -INFINITY, INFINITY)
WINDOW_ALL(f64, f64, f64, f64, SAME_VALUE, SAME_VALUE, -INFINITY, INFINITY)
WINDOW_ALL(bf16, bf16, f32, f32, widen, narrow, -INFINITY, INFINITY)
WINDOW_ALL(i32, uint32_t, uint32_t, i32, SAME_VALUE, SAME_VALUE, INT32_MIN, INT32_MAX)
WINDOW_ALL(i64, uint64_t, uint64_t, i64, SAME_VALUE, SAME_VALUE, INT64_MIN, INT64_MAX)
WINDOW_ALL(i8, u8, u8, i8, SAME_VALUE, SAME_VALUE, INT8_MIN, INT8_MAX)
WINDOW_ALL(u8, u8, u8, u8, SAME_VALUE, SAME_VALUE, 0, UINT8_MAX)
WINDOW(max_boolean, u8, u8, SAME_VALUE, SAME_VALUE, LARGEST, 0)
WINDOW(min_boolean, u8, u8, SAME_VALUE, SAME_VALUE, SMALLEST, 1)

static void LEVEL(window_reduce)(soma_reduction op, soma_dtype dtype, void *out, const void *in, size_t outer,
                                 const soma_window *window) {
  typedef void (*window_reduce)(void *, const void *, size_t, const soma_window *);
  static const window_reduce table[SOMA_DTYPE_COUNT][4] = BY_TYPE(window);
  table[dtype][op](out, in, outer, window);
}

// The same walk, with each output's place beside its value. Elements come in the order of their places, so the first
// of equals stays.
#define WINDOW_ARG_MAX(T, A, value)                                                                               \
  static void LEVEL(window_arg_max_##T)(int32_t *out, const void *in, size_t outer, const soma_window *given) {   \
    enum { width = 256 };                                                                                         \
    const soma_window w = LEVEL(three_axes)(given);                                                               \
    const T *x = in;                                                                                              \
    A best[width];                                                                                                \
    int32_t place[width];                                                                                         \
    for (size_t o = 0; o < outer; o++, x += w.in[0] * w.in[1] * w.in[2]) {                                        \
      for (int64_t y0 = 0; y0 < w.out[0]; y0++) {                                                                 \
        for (int64_t y1 = 0; y1 < w.out[1]; y1++, out += w.out[2]) {                                              \
          for (int64_t left = 0; left < w.out[2]; left += width) {                                                \
            int64_t right = left + width < w.out[2] ? left + width : w.out[2];                                    \
            for (int64_t i = 0; i < right - left; i++) best[i] = 0, place[i] = -1;                                \
            for (int64_t e0 = 0; e0 < w.size[0]; e0++) {                                                          \
              int64_t x0 = y0 * w.stride[0] + e0 * w.dilation[0] - w.low[0];                                      \
              if (x0 < 0 || x0 >= w.in[0]) continue;                                                              \
              for (int64_t e1 = 0; e1 < w.size[1]; e1++) {                                                        \
                int64_t x1 = y1 * w.stride[1] + e1 * w.dilation[1] - w.low[1];                                    \
                if (x1 < 0 || x1 >= w.in[1]) continue;                                                            \
                for (int64_t e2 = 0; e2 < w.size[2]; e2++) {                                                      \
                  int64_t first, last;                                                                            \
                  LEVEL(inside)(&w, 2, e2, &first, &last);                                                        \
                  first = first > left ? first : left;                                                            \
                  last = last < right ? last : right;                                                             \
                  int64_t start = (x0 * w.in[1] + x1) * w.in[2] + first * w.stride[2];                            \
                  start += e2 * w.dilation[2] - w.low[2];                                                         \
                  A *b = best + first - left;                                                                     \
                  int32_t *p = place + first - left, step = (int32_t)w.stride[2];                                 \
                  VECTORIZE for (int32_t i = 0; i < (int32_t)(last - first); i++) {                               \
                    A v = value(x[start + i * step]), u = b[i];                                                   \
                    int better = (p[i] < 0) | (v > u) | ((v != v) & (u == u));                                    \
                    b[i] = better ? v : u;                                                                        \
                    p[i] = better ? (int32_t)start + i * step : p[i];                                             \
                  }                                                                                               \
                }                                                                                                 \
              }                                                                                                   \
            }                                                                                                     \
            memcpy(out + left, place, (size_t)(right - left) * 4);                                                \
          }                                                                                                       \
        }                                                                                                         \
      }                                                                                                           \
    }                                                                                                             \
  }
WINDOW_ARG_MAX(f32, f32, SAME_VALUE)
WINDOW_ARG_MAX(f64, f64, SAME_VALUE)
WINDOW_ARG_MAX(bf16, f32, widen)
WINDOW_ARG_MAX(i32, i32, SAME_VALUE)
WINDOW_ARG_MAX(i64, i64, SAME_VALUE)
WINDOW_ARG_MAX(i8, i8, SAME_VALUE)
WINDOW_ARG_MAX(u8, u8, SAME_VALUE)

static void LEVEL(window_arg_max)(soma_dtype dtype, int32_t *out, const void *in, size_t outer,
                                  const soma_window *window) {
  typedef void (*arg_max)(int32_t *, const void *, size_t, const soma_window *);
  static const arg_max table[SOMA_DTYPE_COUNT] = {
      [SOMA_F32] = LEVEL(window_arg_max_f32), [SOMA_F64] = LEVEL(window_arg_max_f64),
      [SOMA_I32] = LEVEL(window_arg_max_i32), [SOMA_I64] = LEVEL(window_arg_max_i64),
      [SOMA_BOOL] = LEVEL(window_arg_max_u8), [SOMA_I8] = LEVEL(window_arg_max_i8),
      [SOMA_U8] = LEVEL(window_arg_max_u8),   [SOMA_BF16] = LEVEL(window_arg_max_bf16)};
  table[dtype](out, in, outer, window);
}
