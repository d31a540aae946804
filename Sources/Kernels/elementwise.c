#include "levels.h"
#include "threefry.h"

static const soma_elementwise_level *level(void) {
#if defined(__x86_64__)
  switch (soma_cpu_level()) {
  case 2: return &soma_elementwise_avx512;
  case 1: return &soma_elementwise_avx2;
  }
#endif
  return &soma_elementwise_portable;
}

soma_map soma_unary_map(soma_unary op, soma_dtype dtype) { return level()->unary[op][dtype]; }
soma_map soma_binary_map(soma_binary op, soma_dtype dtype) { return level()->binary[op][dtype]; }
soma_map soma_compare_map(soma_compare op, soma_dtype dtype) { return level()->compare[op][dtype]; }
soma_map soma_select_map(soma_dtype dtype) { return level()->select[dtype]; }
soma_map soma_cast_map(soma_dtype from, soma_dtype to) { return level()->cast[from][to]; }
soma_map soma_multiply_add_map(soma_dtype dtype) { return level()->multiply_add[dtype]; }
soma_map soma_binary_scalar_right_map(soma_binary op, soma_dtype dtype) { return level()->binary_right[op][dtype]; }
soma_map soma_binary_scalar_left_map(soma_binary op, soma_dtype dtype) { return level()->binary_left[op][dtype]; }

soma_map soma_pair_map(soma_step first, soma_step second, soma_dtype dtype) {
  return dtype == SOMA_F32 || dtype == SOMA_F64 ? level()->pairs[dtype == SOMA_F64][first][second] : NULL;
}

void soma_random_bits(const uint32_t key[2], uint32_t *out, uint64_t first, size_t n) {
  level()->random_bits(key, out, first, n);
}

void soma_threefry(const uint32_t key[2], const uint32_t counter[2], uint32_t out[2]) {
  uint32_t x = counter[0], y = counter[1], k0 = key[0], k1 = key[1];
  THREEFRY(x, y, k0, k1)
  out[0] = x, out[1] = y;
}

#define IOTA(T, value)                                                                                            \
  {                                                                                                               \
    T *y = out;                                                                                                   \
    for (size_t i = 0; i < n; i++) {                                                                              \
      int64_t v = (int64_t)((uint64_t)start + i);                                                                 \
      y[i] = value;                                                                                               \
    }                                                                                                             \
    break;                                                                                                        \
  }

void soma_iota(soma_dtype dtype, void *out, int64_t start, size_t n) {
  switch (dtype) {
  case SOMA_F32: IOTA(f32, (f32)v)
  case SOMA_F64: IOTA(f64, (f64)v)
  case SOMA_I32: IOTA(i32, (i32)v)
  case SOMA_I64: IOTA(i64, v)
  case SOMA_I8: IOTA(i8, (i8)v)
  case SOMA_U8: IOTA(u8, (u8)v)
  case SOMA_BF16: {
    int64_t block[256];
    for (size_t i = 0; i < n; i += 256) {
      size_t count = n - i < 256 ? n - i : 256;
      for (size_t j = 0; j < count; j++) block[j] = (int64_t)((uint64_t)start + i + j);
      level()->cast[SOMA_I64][SOMA_BF16]((bf16 *)out + i, block, NULL, NULL, count);
    }
    break;
  }
  case SOMA_BOOL:
  case SOMA_DTYPE_COUNT: break;
  }
}

#define FILL(T)                                                                                                   \
  {                                                                                                               \
    T value, *y = out;                                                                                            \
    memcpy(&value, element, sizeof value);                                                                        \
    for (size_t i = 0; i < n; i++) y[i] = value;                                                                  \
    break;                                                                                                        \
  }

void soma_fill(void *out, const void *element, size_t size, size_t n) {
  switch (size) {
  case 1: memset(out, *(const uint8_t *)element, n); break;
  case 2: FILL(uint16_t)
  case 4: FILL(uint32_t)
  case 8: FILL(uint64_t)
  }
}
