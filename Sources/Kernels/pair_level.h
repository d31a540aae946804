// Template: two simple operations in a row, so that the value between them is not stored.

#define STEP_ADD(x, y) ((x) + (y))
#define STEP_SUBTRACT(x, y) ((x) - (y))
#define STEP_SUBTRACT_FROM(x, y) ((y) - (x))
#define STEP_MULTIPLY(x, y) ((x) * (y))
#define STEP_MAXIMUM(x, y) __builtin_elementwise_maximum(x, y)
#define STEP_MINIMUM(x, y) __builtin_elementwise_minimum(x, y)

// The steps are statements of their own: within one the compiler might fuse them, which rounds once.
#define PAIR(T, FIRST, first_scalar, SECOND, second_scalar)                                                       \
  static void LEVEL(pair_##FIRST##first_scalar##_##SECOND##second_scalar##_##T)(                                  \
      void *out, const void *a, const void *b, const void *c, size_t n) {                                         \
    T *w = out;                                                                                                   \
    const T *x = a, *y = b, *z = c;                                                                               \
    const V_##T y0 = (V_##T)y[0], z0 = (V_##T)z[0];                                                               \
    size_t i = 0;                                                                                                 \
    for (; i + LANES_##T <= n; i += LANES_##T) {                                                                  \
      V_##T between = STEP_##FIRST(LEVEL(load_##T)(x + i), first_scalar ? y0 : LEVEL(load_##T)(y + i));           \
      V_##T result = STEP_##SECOND(between, second_scalar ? z0 : LEVEL(load_##T)(z + i));                         \
      LEVEL(store_##T)(w + i, result);                                                                            \
    }                                                                                                             \
    if (i < n) {                                                                                                  \
      size_t rest = n - i;                                                                                        \
      V_##T y1 = first_scalar ? y0 : LEVEL(load_part_##T)(y + i, rest);                                           \
      V_##T z1 = second_scalar ? z0 : LEVEL(load_part_##T)(z + i, rest);                                          \
      V_##T between = STEP_##FIRST(LEVEL(load_part_##T)(x + i, rest), y1);                                        \
      V_##T result = STEP_##SECOND(between, z1);                                                                  \
      LEVEL(store_part_##T)(w + i, result, rest);                                                                 \
    }                                                                                                             \
  }

// In the order of `soma_step`. Twice, because a macro is not expanded within itself.
#define STEPS(X, ...)                                                                                             \
  X(__VA_ARGS__, ADD, 0) X(__VA_ARGS__, ADD, 1) X(__VA_ARGS__, SUBTRACT, 0) X(__VA_ARGS__, SUBTRACT, 1)           \
  X(__VA_ARGS__, SUBTRACT_FROM, 0) X(__VA_ARGS__, SUBTRACT_FROM, 1) X(__VA_ARGS__, MULTIPLY, 0)                   \
  X(__VA_ARGS__, MULTIPLY, 1) X(__VA_ARGS__, MAXIMUM, 0) X(__VA_ARGS__, MAXIMUM, 1) X(__VA_ARGS__, MINIMUM, 0)    \
  X(__VA_ARGS__, MINIMUM, 1)
#define SECOND_STEPS(X, ...)                                                                                      \
  X(__VA_ARGS__, ADD, 0) X(__VA_ARGS__, ADD, 1) X(__VA_ARGS__, SUBTRACT, 0) X(__VA_ARGS__, SUBTRACT, 1)           \
  X(__VA_ARGS__, SUBTRACT_FROM, 0) X(__VA_ARGS__, SUBTRACT_FROM, 1) X(__VA_ARGS__, MULTIPLY, 0)                   \
  X(__VA_ARGS__, MULTIPLY, 1) X(__VA_ARGS__, MAXIMUM, 0) X(__VA_ARGS__, MAXIMUM, 1) X(__VA_ARGS__, MINIMUM, 0)    \
  X(__VA_ARGS__, MINIMUM, 1)

#define PAIRS_AFTER(T, FIRST, first_scalar) SECOND_STEPS(PAIR, T, FIRST, first_scalar)
STEPS(PAIRS_AFTER, f32)
STEPS(PAIRS_AFTER, f64)

#define PAIR_NAME(T, FIRST, first_scalar, SECOND, second_scalar)                                                  \
  LEVEL(pair_##FIRST##first_scalar##_##SECOND##second_scalar##_##T),
#define PAIR_NAMES_AFTER(T, FIRST, first_scalar) {SECOND_STEPS(PAIR_NAME, T, FIRST, first_scalar)},
