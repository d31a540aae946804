// Template: the maps of floating types.
#include "vectors_level.h"
#include "library_level.h"
#include "exponential_level.h"
#include "special_level.h"

#define DIRECT(T)                                                                                                 \
  ALWAYS_INLINE V_##T LEVEL(negate_##T)(V_##T x) { return -x; }                                                   \
  ALWAYS_INLINE V_##T LEVEL(abs_##T)(V_##T x) { return ABS(x); }                                                  \
  ALWAYS_INLINE V_##T LEVEL(sign_##T)(V_##T x) { return ABS(x) > 0 ? COPYSIGN((V_##T)1, x) : x; }                 \
  ALWAYS_INLINE V_##T LEVEL(floor_##T)(V_##T x) { return __builtin_elementwise_floor(x); }                        \
  ALWAYS_INLINE V_##T LEVEL(ceil_##T)(V_##T x) { return __builtin_elementwise_ceil(x); }                          \
  ALWAYS_INLINE V_##T LEVEL(round_##T)(V_##T x) { return __builtin_elementwise_roundeven(x); }                    \
  ALWAYS_INLINE V_##T LEVEL(sqrt_##T)(V_##T x) { return __builtin_elementwise_sqrt(x); }                          \
  ALWAYS_INLINE V_##T LEVEL(rsqrt_##T)(V_##T x) { return 1 / __builtin_elementwise_sqrt(x); }                     \
  ALWAYS_INLINE V_##T LEVEL(add_##T)(V_##T x, V_##T y) { return x + y; }                                          \
  ALWAYS_INLINE V_##T LEVEL(subtract_##T)(V_##T x, V_##T y) { return x - y; }                                     \
  ALWAYS_INLINE V_##T LEVEL(multiply_##T)(V_##T x, V_##T y) { return x * y; }                                     \
  ALWAYS_INLINE V_##T LEVEL(divide_##T)(V_##T x, V_##T y) { return x / y; }                                       \
  ALWAYS_INLINE V_##T LEVEL(maximum_##T)(V_##T x, V_##T y) { return __builtin_elementwise_maximum(x, y); }        \
  ALWAYS_INLINE V_##T LEVEL(minimum_##T)(V_##T x, V_##T y) { return __builtin_elementwise_minimum(x, y); }
DIRECT(f32)
DIRECT(f64)

// Where the quotient is small enough for its truncation to be off by one at most, the remainder is exact by a fused
// multiply-add; the other lanes take fmod.
#define REMAINDER(T, modulo, exact)                                                                               \
  ALWAYS_INLINE V_##T LEVEL(remainder_##T)(V_##T x, V_##T y) {                                                    \
    V_##T u = ABS(x), v = ABS(y), quotient = u / v;                                                               \
    V_##T r = __builtin_elementwise_fma(-__builtin_elementwise_trunc(quotient), v, u);                            \
    r = r < 0 ? r + v : r;                                                                                        \
    r = r >= v ? r - v : r;                                                                                       \
    r = COPYSIGN(r, x);                                                                                           \
    W_##T far = ~((quotient < exact) & (v < INFINITY));                                                            \
    if (ANY(far)) {                                                                                               \
      for (int i = 0; i < LANES_##T; i++) {                                                                       \
        if (far[i]) r[i] = modulo(x[i], y[i]);                                                                    \
      }                                                                                                           \
    }                                                                                                             \
    W_##T unlike = (W_##T)r ^ (W_##T)y;                                                                           \
    V_##T moved = ((V_##T)unlike < 0) | ((unlike < 0) & (r != 0)) ? r + y : r;                                    \
    return r == 0 ? COPYSIGN(r, y) : moved;                                                                       \
  }
REMAINDER(f32, fmodf, 0x1p22f)
REMAINDER(f64, fmod, 0x1p51)

MAP_LIBRARY_UNARY_TYPE(sin, f64)
MAP_LIBRARY_UNARY_TYPE(cos, f64)
MAP_COMPLETED(tan)
MAP_LIBRARY_UNARY(asin)
MAP_LIBRARY_UNARY(acos)
MAP_LIBRARY_UNARY(atan)
MAP_LIBRARY_UNARY(atanh)
MAP_LIBRARY_UNARY_TYPE(erf, f64)
MAP_LIBRARY_UNARY_TYPE(erfc, f64)
#if FUSES
MAP_UNARY(erfc, f32)
MAP_UNARY(sin, f32)
MAP_UNARY(cos, f32)
#else
MAP_LIBRARY_UNARY_TYPE(erfc, f32)
MAP_LIBRARY_UNARY_TYPE(sin, f32)
MAP_LIBRARY_UNARY_TYPE(cos, f32)
#endif
MAP_COMPLETED(asinh)
MAP_COMPLETED(acosh)
MAP_COMPLETED(lgamma)
MAP_LIBRARY_BINARY(power, pow)
MAP_LIBRARY_BINARY(atan2, atan2)

#define MAP_UNARY_BOTH(name) MAP_UNARY(name, f32) MAP_UNARY(name, f64)
#define MAP_BINARY_BOTH(name) MAP_BINARY(name, f32) MAP_BINARY(name, f64)
MAP_UNARY_BOTH(negate)
MAP_UNARY_BOTH(abs)
MAP_UNARY_BOTH(sign)
MAP_UNARY_BOTH(floor)
MAP_UNARY_BOTH(ceil)
MAP_UNARY_BOTH(round)
MAP_UNARY_BOTH(sqrt)
MAP_UNARY_BOTH(rsqrt)
MAP_UNARY_BOTH(exp)
MAP_UNARY_BOTH(expm1)
MAP_UNARY_BOTH(log)
MAP_UNARY_BOTH(log1p)
MAP_UNARY_BOTH(logistic)
MAP_UNARY_BOTH(tanh)
MAP_UNARY_BOTH(sinh)
MAP_UNARY_BOTH(cosh)
MAP_UNARY(erf, f32)
MAP_BINARY_BOTH(add)
MAP_BINARY_BOTH(subtract)
MAP_BINARY_BOTH(multiply)
MAP_BINARY_BOTH(divide)
MAP_BINARY_BOTH(remainder)
MAP_BINARY_BOTH(maximum)
MAP_BINARY_BOTH(minimum)

/// In double precision the approximation needs no correction for F32.
ALWAYS_INLINE LEVEL(vh32) LEVEL(erf_inverse_half)(LEVEL(vh32) x) {
  V_f64 wide = __builtin_convertvector(x, V_f64), y = LEVEL(erf_inverse_rough)(wide);
  y = ABS(wide) == 1 ? wide * INFINITY : y;
  return __builtin_convertvector(y, LEVEL(vh32));
}
static void LEVEL(map_erf_inverse_f32)(void *out, const void *a, const void *b, const void *c, size_t n) {
  (void)b, (void)c;
  const f32 *x = a;
  f32 *y = out;
  for (size_t i = 0; i < n; i += LANES_f64) {
    LEVEL(vh32) v = {0};
    size_t count = n - i < LANES_f64 ? n - i : LANES_f64;
    if (count == LANES_f64) {
      memcpy(&v, x + i, sizeof v);
      v = LEVEL(erf_inverse_half)(v);
      memcpy(y + i, &v, sizeof v);
    } else {
      memcpy(&v, x + i, count * 4);
      v = LEVEL(erf_inverse_half)(v);
      memcpy(y + i, &v, count * 4);
    }
  }
}

/// One Newton step, with the complementary function where 1 - |x| keeps more digits than x.
static void LEVEL(map_erf_inverse_f64)(void *out, const void *a, const void *b, const void *c, size_t n) {
  (void)b, (void)c;
  enum { block = 128 };
  f64 x[block], y[block], size[block], erf_y[block], erfc_y[block];
  for (size_t start = 0; start < n; start += block) {
    size_t count = n - start < block ? n - start : block;
    memset(x, 0, sizeof x);
    memcpy(x, (const f64 *)a + start, count * 8);
    for (size_t i = 0; i < block; i += LANES_f64) {
      V_f64 v = LEVEL(erf_inverse_rough)(LEVEL(load_f64)(x + i));
      LEVEL(store_f64)(y + i, v);
      LEVEL(store_f64)(size + i, ABS(v));
    }
    LEVEL(library_erf_f64)(erf_y, size, block);
    LEVEL(library_erfc_f64)(erfc_y, size, block);
    for (size_t i = 0; i < block; i += LANES_f64) {
      V_f64 v = LEVEL(load_f64)(x + i), u = LEVEL(load_f64)(size + i);
      V_f64 near = ABS(v) - LEVEL(load_f64)(erf_y + i), far = LEVEL(load_f64)(erfc_y + i) - (1 - ABS(v));
      V_f64 w = FMA((ABS(v) < 0.5 ? near : far) * 0.88622692545275801, LEVEL(exp_f64)(u * u), u);
      w = COPYSIGN(w, v);
      w = ABS(v) == 1 ? v * INFINITY : w;
      LEVEL(store_f64)(y + i, ABS(v) <= 1 ? w : (V_f64)NAN);
    }
    memcpy((f64 *)out + start, y, count * 8);
  }
}

#define MULTIPLY_ADD(T)                                                                                           \
  static void LEVEL(map_multiply_add_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {     \
    T *w = out;                                                                                                   \
    const T *x = a, *y = b, *z = c;                                                                               \
    size_t i = 0;                                                                                                 \
    for (; i + LANES_##T <= n; i += LANES_##T) {                                                                  \
      V_##T v = LEVEL(load_##T)(x + i);                                                                           \
      v = __builtin_elementwise_fma(v, LEVEL(load_##T)(y + i), LEVEL(load_##T)(z + i));                           \
      LEVEL(store_##T)(w + i, v);                                                                                 \
    }                                                                                                             \
    for (; i < n; i++) w[i] = __builtin_elementwise_fma(x[i], y[i], z[i]);                                        \
  }
MULTIPLY_ADD(f32)
MULTIPLY_ADD(f64)

#define IS_FINITE(T, value)                                                                                       \
  static void LEVEL(map_is_finite_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {        \
    (void)b, (void)c;                                                                                             \
    boolean *y = out;                                                                                             \
    const T *x = a;                                                                                               \
    VECTORIZE for (size_t i = 0; i < n; i++) y[i] = value;                                                        \
  }
IS_FINITE(f32, __builtin_fabsf(x[i]) < INFINITY)
IS_FINITE(f64, __builtin_fabs(x[i]) < INFINITY)
IS_FINITE(bf16, (x[i] & 0x7f80) != 0x7f80)

// BF16 goes through F32, block by block.
ALWAYS_INLINE void LEVEL(widen_block)(f32 *out, const bf16 *x, size_t n) {
  VECTORIZE for (size_t i = 0; i < n; i++) out[i] = widen(x[i]);
}
ALWAYS_INLINE void LEVEL(narrow_block)(bf16 *out, const f32 *x, size_t n) {
  VECTORIZE for (size_t i = 0; i < n; i++) out[i] = narrow(x[i]);
}
#define BF16_UNARY(name)                                                                                          \
  static void LEVEL(map_##name##_bf16)(void *out, const void *a, const void *b, const void *c, size_t n) {        \
    f32 x[256];                                                                                                   \
    for (size_t i = 0; i < n; i += 256) {                                                                         \
      size_t count = n - i < 256 ? n - i : 256;                                                                   \
      LEVEL(widen_block)(x, (const bf16 *)a + i, count);                                                          \
      LEVEL(map_##name##_f32)(x, x, b, c, count);                                                                 \
      LEVEL(narrow_block)((bf16 *)out + i, x, count);                                                             \
    }                                                                                                             \
  }
#define BF16_BINARY(name)                                                                                         \
  static void LEVEL(map_##name##_bf16)(void *out, const void *a, const void *b, const void *c, size_t n) {        \
    f32 x[256], y[256];                                                                                           \
    for (size_t i = 0; i < n; i += 256) {                                                                         \
      size_t count = n - i < 256 ? n - i : 256;                                                                   \
      LEVEL(widen_block)(x, (const bf16 *)a + i, count);                                                          \
      LEVEL(widen_block)(y, (const bf16 *)b + i, count);                                                          \
      LEVEL(map_##name##_f32)(x, x, y, c, count);                                                                 \
      LEVEL(narrow_block)((bf16 *)out + i, x, count);                                                             \
    }                                                                                                             \
  }

// Every floating operation by name, for the tables.
#define FLOAT_UNARY_OPERATIONS(X)                                                                                 \
  X(NEGATE, negate) X(ABS, abs) X(SIGN, sign) X(FLOOR, floor) X(CEIL, ceil) X(ROUND, round) X(EXP, exp)           \
  X(EXPM1, expm1) X(LOG, log) X(LOG1P, log1p) X(SQRT, sqrt) X(RSQRT, rsqrt) X(SIN, sin) X(COS, cos) X(TAN, tan)   \
  X(ASIN, asin) X(ACOS, acos) X(ATAN, atan) X(SINH, sinh) X(COSH, cosh) X(TANH, tanh) X(ASINH, asinh)             \
  X(ACOSH, acosh) X(ATANH, atanh) X(ERF, erf) X(ERFC, erfc) X(ERF_INVERSE, erf_inverse) X(LGAMMA, lgamma)         \
  X(LOGISTIC, logistic)
#define FLOAT_SCALAR_OPERATIONS(X)                                                                                \
  X(ADD, add) X(SUBTRACT, subtract) X(MULTIPLY, multiply) X(DIVIDE, divide) X(REMAINDER, remainder)               \
  X(MAXIMUM, maximum) X(MINIMUM, minimum)
#define FLOAT_BINARY_OPERATIONS(X) FLOAT_SCALAR_OPERATIONS(X) X(POWER, power) X(ATAN2, atan2)

#define X(OP, name) BF16_UNARY(name)
FLOAT_UNARY_OPERATIONS(X)
#undef X
#define X(OP, name) BF16_BINARY(name)
FLOAT_BINARY_OPERATIONS(X)
#undef X
