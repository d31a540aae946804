// Template: the instruction set's vectors, and loops over them. `T` is f32 or f64 throughout.
typedef f32 LEVEL(vf32) __attribute__((ext_vector_type(LANES_f32)));
typedef i32 LEVEL(vi32) __attribute__((ext_vector_type(LANES_f32)));
typedef f64 LEVEL(vf64) __attribute__((ext_vector_type(LANES_f64)));
// `long` and not int64_t, which is another type of 64 bits on some systems: comparisons of f64 give vectors of `long`.
typedef long LEVEL(vi64) __attribute__((ext_vector_type(LANES_f64)));
typedef f32 LEVEL(vh32) __attribute__((ext_vector_type(LANES_f64)));
#define V_f32 LEVEL(vf32)
#define V_f64 LEVEL(vf64)
#define W_f32 LEVEL(vi32)
#define W_f64 LEVEL(vi64)

#if defined(__x86_64__) && !defined(SLEEF_f32)
// Fusing would be a library call here.
#define FUSES 0
#define FMA(a, b, c) ((a) * (b) + (c))
#else
#define FUSES 1
#define FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#endif

#define ABS(x) __builtin_elementwise_abs(x)
#define COPYSIGN(x, y) __builtin_elementwise_copysign(x, y)
#define ANY(mask) (__builtin_reduce_or(mask) != 0)

/// Whole numbers of small size between the number types.
ALWAYS_INLINE W_f32 LEVEL(integer_f32)(V_f32 x) { return __builtin_convertvector(x, W_f32); }
#if defined(__x86_64__) && !defined(SCALE_f64)
// Without a conversion instruction: adding 1.5 · 2^52 leaves the integer in the low bits.
ALWAYS_INLINE W_f64 LEVEL(integer_f64)(V_f64 x) { return (W_f64)(x + 0x1.8p52) - 0x4338000000000000LL; }
ALWAYS_INLINE V_f64 LEVEL(number_f64)(W_f64 x) { return (V_f64)(x + 0x4338000000000000LL) - 0x1.8p52; }
#else
ALWAYS_INLINE W_f64 LEVEL(integer_f64)(V_f64 x) { return __builtin_convertvector(x, W_f64); }
ALWAYS_INLINE V_f64 LEVEL(number_f64)(W_f64 x) { return __builtin_convertvector(x, V_f64); }
#endif

#define LOAD_STORE(T)                                                                                             \
  ALWAYS_INLINE V_##T LEVEL(load_##T)(const T *p) {                                                               \
    V_##T v;                                                                                                      \
    memcpy(&v, p, sizeof v);                                                                                      \
    return v;                                                                                                     \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(load_part_##T)(const T *p, size_t n) {                                                \
    V_##T v = {0};                                                                                                \
    memcpy(&v, p, n * sizeof(T));                                                                                 \
    return v;                                                                                                     \
  }                                                                                                               \
  ALWAYS_INLINE void LEVEL(store_##T)(T *p, V_##T v) { memcpy(p, &v, sizeof v); }                                 \
  ALWAYS_INLINE void LEVEL(store_part_##T)(T *p, V_##T v, size_t n) { memcpy(p, &v, n * sizeof(T)); }
LOAD_STORE(f32)
LOAD_STORE(f64)

// Every element goes through the same vector code wherever it stands, so its bits do not depend on its place.
#define MAP_UNARY(name, T)                                                                                        \
  static void LEVEL(map_##name##_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {         \
    (void)b, (void)c;                                                                                             \
    T *y = out;                                                                                                   \
    const T *x = a;                                                                                               \
    size_t i = 0;                                                                                                 \
    for (; i + LANES_##T <= n; i += LANES_##T) {                                                                  \
      LEVEL(store_##T)(y + i, LEVEL(name##_##T)(LEVEL(load_##T)(x + i)));                                         \
    }                                                                                                             \
    if (i < n) LEVEL(store_part_##T)(y + i, LEVEL(name##_##T)(LEVEL(load_part_##T)(x + i, n - i)), n - i);         \
  }

#define MAP_BINARY_VARIANT(variant, name, T, X, X_PART, Y, Y_PART)                                                \
  static void LEVEL(variant##_##name##_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {   \
    (void)c;                                                                                                      \
    T *z = out;                                                                                                   \
    const T *x = a, *y = b;                                                                                       \
    const V_##T x0 = (V_##T)x[0], y0 = (V_##T)y[0];                                                               \
    (void)x0, (void)y0;                                                                                           \
    size_t i = 0;                                                                                                 \
    for (; i + LANES_##T <= n; i += LANES_##T) LEVEL(store_##T)(z + i, LEVEL(name##_##T)(X, Y));                   \
    if (i < n) LEVEL(store_part_##T)(z + i, LEVEL(name##_##T)(X_PART, Y_PART), n - i);                             \
  }
#define MAP_BINARY(name, T)                                                                                       \
  MAP_BINARY_VARIANT(map, name, T, LEVEL(load_##T)(x + i), LEVEL(load_part_##T)(x + i, n - i),                     \
                     LEVEL(load_##T)(y + i), LEVEL(load_part_##T)(y + i, n - i))                                   \
  MAP_BINARY_VARIANT(right, name, T, LEVEL(load_##T)(x + i), LEVEL(load_part_##T)(x + i, n - i), y0, y0)           \
  MAP_BINARY_VARIANT(left, name, T, x0, x0, LEVEL(load_##T)(y + i), LEVEL(load_part_##T)(y + i, n - i))
