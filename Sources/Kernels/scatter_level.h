// Template: scatter-add.

#define ADD_VALUE(x, y) ((x) + (y))
#define ADD_WIDENED(x, y) narrow(widen(x) + widen(y))
#define ADD_TRUTH(x, y) ((x) | (y))
#define SCATTER_ADD(name, T, add)                                                                                 \
  static void LEVEL(scatter_add_##name)(void *out, const void *updates, const void *indices, int wide,            \
                                        size_t batch, size_t outer, size_t n, size_t m, size_t inner) {           \
    const T *x = updates;                                                                                         \
    for (size_t b = 0; b < batch; b++) {                                                                          \
      for (size_t o = 0; o < outer; o++) {                                                                        \
        T *y = (T *)out + (b * outer + o) * n * inner;                                                            \
        for (size_t j = 0; j < m; j++, x += inner) {                                                              \
          int64_t i = index_at(indices, wide, b * m + j);                                                         \
          if (i < 0 || (uint64_t)i >= n) continue;                                                                \
          T *row = y + (size_t)i * inner;                                                                         \
          if (inner == 1) {                                                                                       \
            *row = (T)add(*row, *x);                                                                              \
            continue;                                                                                             \
          }                                                                                                       \
          VECTORIZE for (size_t c = 0; c < inner; c++) row[c] = (T)add(row[c], x[c]);                             \
        }                                                                                                         \
      }                                                                                                           \
    }                                                                                                             \
  }
SCATTER_ADD(f32, f32, ADD_VALUE)
SCATTER_ADD(f64, f64, ADD_VALUE)
SCATTER_ADD(i32, uint32_t, ADD_VALUE)
SCATTER_ADD(i64, uint64_t, ADD_VALUE)
SCATTER_ADD(i8, u8, ADD_VALUE)
SCATTER_ADD(bf16, bf16, ADD_WIDENED)
SCATTER_ADD(boolean, boolean, ADD_TRUTH)

static void LEVEL(scatter_add)(soma_dtype dtype, void *out, const void *updates, const void *indices, int wide,
                               size_t batch, size_t outer, size_t n, size_t m, size_t inner) {
  typedef void (*scatter)(void *, const void *, const void *, int, size_t, size_t, size_t, size_t, size_t);
  static const scatter table[SOMA_DTYPE_COUNT] = {
      [SOMA_F32] = LEVEL(scatter_add_f32),      [SOMA_F64] = LEVEL(scatter_add_f64),
      [SOMA_I32] = LEVEL(scatter_add_i32),      [SOMA_I64] = LEVEL(scatter_add_i64),
      [SOMA_BOOL] = LEVEL(scatter_add_boolean), [SOMA_I8] = LEVEL(scatter_add_i8),
      [SOMA_U8] = LEVEL(scatter_add_i8),        [SOMA_BF16] = LEVEL(scatter_add_bf16)};
  table[dtype](out, updates, indices, wide, batch, outer, n, m, inner);
}
