// Template: conversions between all pairs of types.

/// Saturates; NaN gives 0. `end` is the first value beyond the type, exact in `F`.
#define FLOAT_TO_INTEGER(F, T, Via, least, most, end)                                                             \
  ALWAYS_INLINE T LEVEL(T##_from_##F)(F x) {                                                                      \
    return x != x ? 0 : x >= end ? most : x <= least ? least : (T)(Via)x;                                         \
  }
#define FLOAT_TO_INTEGERS(F)                                                                                      \
  FLOAT_TO_INTEGER(F, i8, i32, INT8_MIN, INT8_MAX, 128)                                                           \
  FLOAT_TO_INTEGER(F, u8, i32, 0, UINT8_MAX, 256)                                                                 \
  FLOAT_TO_INTEGER(F, i32, i32, INT32_MIN, INT32_MAX, 0x1p31f)                                                    \
  FLOAT_TO_INTEGER(F, i64, i64, INT64_MIN, INT64_MAX, 0x1p63f)
FLOAT_TO_INTEGERS(f32)
FLOAT_TO_INTEGERS(f64)

/// Rounds to odd, so that rounding the result once more to BF16 is as good as rounding once.
ALWAYS_INLINE f32 LEVEL(sticky_f32)(f64 x) {
  f32 y = (f32)x;
  f64 back = (f64)y;
  i32 bits;
  memcpy(&bits, &y, 4);
  i32 odd = (bits - (__builtin_fabs(back) > __builtin_fabs(x))) | 1;
  bits = back == x || x != x ? bits : odd;
  memcpy(&y, &bits, 4);
  return y;
}
/// The same for integers which double precision does not hold.
ALWAYS_INLINE f64 LEVEL(sticky_f64)(i64 x) {
  i64 rounded = (x & ~0xfffLL) | (x & 0xfff ? 0x800 : 0);
  return (f64)(x >= (1LL << 53) || x <= -(1LL << 53) ? rounded : x);
}
#define BF16_FROM_f32(x) narrow(x)
#define BF16_FROM_f64(x) narrow(LEVEL(sticky_f32)(x))
#define BF16_FROM_i32(x) narrow(LEVEL(sticky_f32)((f64)(x)))
#define BF16_FROM_i64(x) narrow(LEVEL(sticky_f32)(LEVEL(sticky_f64)(x)))
#define BF16_FROM_i8(x) narrow((f32)(x))
#define BF16_FROM_u8(x) narrow((f32)(x))
#define BF16_FROM_boolean(x) narrow((f32)(x))

#define CAST(From, To, value)                                                                                     \
  static void LEVEL(cast_##From##_to_##To)(void *out, const void *a, const void *b, const void *c, size_t n) {    \
    (void)b, (void)c;                                                                                             \
    To *y = out;                                                                                                  \
    const From *xs = a;                                                                                           \
    VECTORIZE for (size_t i = 0; i < n; i++) {                                                                    \
      From x = xs[i];                                                                                             \
      y[i] = (To)(value);                                                                                         \
    }                                                                                                             \
  }
#define CAST_FROM_FLOAT(From, F, value)                                                                           \
  CAST(From, f32, value)                                                                                          \
  CAST(From, f64, value)                                                                                          \
  CAST(From, i32, LEVEL(i32_from_##F)(value))                                                                     \
  CAST(From, i64, LEVEL(i64_from_##F)(value))                                                                     \
  CAST(From, boolean, value != 0)                                                                                 \
  CAST(From, i8, LEVEL(i8_from_##F)(value))                                                                       \
  CAST(From, u8, LEVEL(u8_from_##F)(value))
CAST_FROM_FLOAT(f32, f32, x)
CAST_FROM_FLOAT(f64, f64, x)
CAST_FROM_FLOAT(bf16, f32, widen(x))
CAST(f32, bf16, narrow(x))
CAST(f64, bf16, BF16_FROM_f64(x))
CAST(bf16, bf16, x)
#define CAST_FROM_INTEGER(From)                                                                                   \
  CAST(From, f32, x)                                                                                              \
  CAST(From, f64, x)                                                                                              \
  CAST(From, i32, x)                                                                                              \
  CAST(From, i64, x)                                                                                              \
  CAST(From, boolean, x != 0)                                                                                     \
  CAST(From, i8, x)                                                                                               \
  CAST(From, u8, x)                                                                                               \
  CAST(From, bf16, BF16_FROM_##From(x))
CAST_FROM_INTEGER(i32)
CAST_FROM_INTEGER(i64)
CAST_FROM_INTEGER(i8)
CAST_FROM_INTEGER(u8)
CAST_FROM_INTEGER(boolean)

#define CASTS_FROM(From)                                                                                          \
  {                                                                                                               \
    [SOMA_F32] = LEVEL(cast_##From##_to_f32), [SOMA_F64] = LEVEL(cast_##From##_to_f64),                           \
    [SOMA_I32] = LEVEL(cast_##From##_to_i32), [SOMA_I64] = LEVEL(cast_##From##_to_i64),                           \
    [SOMA_BOOL] = LEVEL(cast_##From##_to_boolean), [SOMA_I8] = LEVEL(cast_##From##_to_i8),                        \
    [SOMA_U8] = LEVEL(cast_##From##_to_u8), [SOMA_BF16] = LEVEL(cast_##From##_to_bf16)                            \
  }
