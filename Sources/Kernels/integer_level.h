// Template: the maps of integers and bool, comparisons and selections. Plain loops, which clang vectorizes for the
// instruction set.

#define LOOP_UNARY(name, T, R, value)                                                                             \
  static void LEVEL(map_##name##_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {         \
    (void)b, (void)c;                                                                                             \
    R *z = out;                                                                                                   \
    const T *xs = a;                                                                                              \
    VECTORIZE for (size_t i = 0; i < n; i++) {                                                                    \
      T x = xs[i];                                                                                                \
      z[i] = (R)(value);                                                                                          \
    }                                                                                                             \
  }

#define LOOP_BINARY(name, T, R, value)                                                                            \
  static void LEVEL(map_##name##_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {         \
    (void)c;                                                                                                      \
    R *z = out;                                                                                                   \
    const T *xs = a, *ys = b;                                                                                     \
    VECTORIZE for (size_t i = 0; i < n; i++) {                                                                    \
      T x = xs[i], y = ys[i];                                                                                     \
      z[i] = (R)(value);                                                                                          \
    }                                                                                                             \
  }

#define LOOP_SCALAR(name, T, R, value)                                                                            \
  LOOP_BINARY(name, T, R, value)                                                                                  \
  static void LEVEL(right_##name##_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {       \
    (void)c;                                                                                                      \
    R *z = out;                                                                                                   \
    const T *xs = a, y = *(const T *)b;                                                                           \
    VECTORIZE for (size_t i = 0; i < n; i++) {                                                                    \
      T x = xs[i];                                                                                                \
      z[i] = (R)(value);                                                                                          \
    }                                                                                                             \
  }                                                                                                               \
  static void LEVEL(left_##name##_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {        \
    (void)c;                                                                                                      \
    R *z = out;                                                                                                   \
    const T x = *(const T *)a, *ys = b;                                                                           \
    VECTORIZE for (size_t i = 0; i < n; i++) {                                                                    \
      T y = ys[i];                                                                                                \
      z[i] = (R)(value);                                                                                          \
    }                                                                                                             \
  }

/// Floor division of numbers that `F` holds exactly with bits to spare, so that the quotient cannot round up to the
/// next integer.
#define FLOOR_DIVIDE(T, F, Wide)                                                                                  \
  ALWAYS_INLINE T LEVEL(floor_divide_##T)(T x, T y) {                                                             \
    F quotient = __builtin_elementwise_floor((F)x / (F)(y == 0 ? 1 : y));                                         \
    return y == 0 ? 0 : (T)(Wide)quotient;                                                                        \
  }                                                                                                               \
  ALWAYS_INLINE T LEVEL(floor_remainder_##T)(T x, T y) {                                                          \
    return y == 0 ? 0 : (T)((Wide)x - (Wide)LEVEL(floor_divide_##T)(x, y) * (Wide)y);                             \
  }
FLOOR_DIVIDE(i8, f32, i32)
FLOOR_DIVIDE(u8, f32, i32)
FLOOR_DIVIDE(i32, f64, i64)
ALWAYS_INLINE i64 LEVEL(floor_divide_i64)(i64 x, i64 y) {
  if (y == 0) return 0;
  if (y == -1) return (i64)(0 - (uint64_t)x);
  i64 quotient = x / y;
  return quotient - ((x % y != 0) & ((x ^ y) < 0));
}
ALWAYS_INLINE i64 LEVEL(floor_remainder_i64)(i64 x, i64 y) {
  if (y == 0 || y == -1) return 0;
  i64 r = x % y;
  return r != 0 && (r ^ y) < 0 ? r + y : r;
}

ALWAYS_INLINE uint64_t LEVEL(integer_power)(uint64_t x, uint64_t y) {
  uint64_t power = 1;
  for (; y; y >>= 1, x *= x) power *= y & 1 ? x : 1;
  return power;
}
#define NEGATIVE_POWER(x, y) ((x) == 1 ? 1 : (x) == -1 ? ((y) & 1 ? -1 : 1) : 0)

#define INTEGER(T, U, bits, is_signed)                                                                            \
  LOOP_UNARY(negate, T, T, 0 - (U)x)                                                                              \
  LOOP_UNARY(abs, T, T, is_signed && x < 0 ? (U)(0 - (U)x) : (U)x)                                                \
  LOOP_UNARY(sign, T, T, (x > 0) - (is_signed && x < 0))                                                          \
  LOOP_UNARY(same, T, T, x)                                                                                       \
  LOOP_UNARY(not, T, T, ~x)                                                                                       \
  LOOP_SCALAR(add, T, T, (U)x + (U)y)                                                                             \
  LOOP_SCALAR(subtract, T, T, (U)x - (U)y)                                                                        \
  LOOP_SCALAR(multiply, T, T, (U)x *(U)y)                                                                         \
  LOOP_SCALAR(divide, T, T, LEVEL(floor_divide_##T)(x, y))                                                        \
  LOOP_SCALAR(remainder, T, T, LEVEL(floor_remainder_##T)(x, y))                                                  \
  LOOP_SCALAR(power, T, T,                                                                                        \
              is_signed && y < 0 ? (U)NEGATIVE_POWER(x, y) : (U)LEVEL(integer_power)((uint64_t)x, (uint64_t)y))   \
  LOOP_SCALAR(maximum, T, T, x > y ? x : y)                                                                       \
  LOOP_SCALAR(minimum, T, T, x < y ? x : y)                                                                       \
  LOOP_SCALAR(and, T, T, x &y)                                                                                    \
  LOOP_SCALAR(or, T, T, x | y)                                                                                    \
  LOOP_SCALAR(xor, T, T, x ^ y)                                                                                   \
  LOOP_SCALAR(shift_left, T, T, (U)y < bits ? (U)((U)x << (y & (bits - 1))) : (U)0)                               \
  LOOP_SCALAR(shift_right, T, T, (U)y < bits ? x >> (y & (bits - 1)) : is_signed && x < 0 ? (T) - 1 : (T)0)
INTEGER(i8, u8, 8, 1)
INTEGER(u8, u8, 8, 0)
INTEGER(i32, uint32_t, 32, 1)
INTEGER(i64, uint64_t, 64, 1)

LOOP_UNARY(not, boolean, boolean, x == 0)
LOOP_SCALAR(and, boolean, boolean, x &y)
LOOP_SCALAR(or, boolean, boolean, x | y)
LOOP_SCALAR(xor, boolean, boolean, x ^ y)

#define COMPARISONS(T, value)                                                                                     \
  LOOP_BINARY(equal, T, boolean, value(x) == value(y))                                                            \
  LOOP_BINARY(not_equal, T, boolean, value(x) != value(y))                                                        \
  LOOP_BINARY(less, T, boolean, value(x) < value(y))                                                              \
  LOOP_BINARY(less_equal, T, boolean, value(x) <= value(y))                                                       \
  LOOP_BINARY(greater, T, boolean, value(x) > value(y))                                                           \
  LOOP_BINARY(greater_equal, T, boolean, value(x) >= value(y))
COMPARISONS(f32, )
COMPARISONS(f64, )
COMPARISONS(i32, )
COMPARISONS(i64, )
COMPARISONS(i8, )
COMPARISONS(u8, )
COMPARISONS(bf16, widen)

#define SELECT(T)                                                                                                 \
  static void LEVEL(select_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {               \
    T *z = out;                                                                                                   \
    const boolean *xs = a;                                                                                        \
    const T *ys = b, *zs = c;                                                                                     \
    VECTORIZE for (size_t i = 0; i < n; i++) {                                                                    \
      T y = ys[i], w = zs[i];                                                                                     \
      z[i] = xs[i] ? y : w;                                                                                       \
    }                                                                                                             \
  }
SELECT(u8)
SELECT(bf16)
SELECT(i32)
SELECT(i64)

#define INTEGER_UNARY_OPERATIONS(X)                                                                               \
  X(NEGATE, negate) X(ABS, abs) X(SIGN, sign) X(FLOOR, same) X(CEIL, same) X(ROUND, same) X(NOT, not)
#define INTEGER_BINARY_OPERATIONS(X)                                                                              \
  X(ADD, add) X(SUBTRACT, subtract) X(MULTIPLY, multiply) X(DIVIDE, divide) X(REMAINDER, remainder)               \
  X(POWER, power) X(MAXIMUM, maximum) X(MINIMUM, minimum) X(AND, and) X(OR, or) X(XOR, xor)                       \
  X(SHIFT_LEFT, shift_left) X(SHIFT_RIGHT, shift_right)
#define BOOL_BINARY_OPERATIONS(X)                                                                                 \
  X(AND, and) X(MULTIPLY, and) X(MINIMUM, and) X(OR, or) X(ADD, or) X(MAXIMUM, or) X(XOR, xor)
#define COMPARE_OPERATIONS(X)                                                                                     \
  X(EQUAL, equal) X(NOT_EQUAL, not_equal) X(LESS, less) X(LESS_EQUAL, less_equal) X(GREATER, greater)             \
  X(GREATER_EQUAL, greater_equal)
