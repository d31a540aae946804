// Template: functions of arrays from SLEEF (Shibata and Petrogalli, arXiv:2001.09258), or from the C library where
// there are no vector instructions to gain from it.
#if defined(SLEEF_f32)
#define LIBRARY_UNARY_TYPE(name, ulp, T)                                                                          \
  void SLEEF_##T(name, ulp)(void);                                                                                \
  static void LEVEL(library_##name##_##T)(T *out, const T *x, size_t n) {                                         \
    size_t whole = n / LANES_##T, rest = n % LANES_##T;                                                           \
    SLEEF_UNARY(SLEEF_##T(name, ulp), out, x, whole);                                                             \
    if (rest == 0) return;                                                                                        \
    T last[LANES_##T] = {0};                                                                                      \
    memcpy(last, x + n - rest, rest * sizeof(T));                                                                 \
    SLEEF_UNARY(SLEEF_##T(name, ulp), last, last, 1);                                                             \
    memcpy(out + n - rest, last, rest * sizeof(T));                                                               \
  }
#define LIBRARY_BINARY_TYPE(name, ulp, T)                                                                         \
  void SLEEF_##T(name, ulp)(void);                                                                                \
  static void LEVEL(library_##name##_##T)(T *out, const T *x, const T *y, size_t n) {                             \
    size_t whole = n / LANES_##T, rest = n % LANES_##T;                                                           \
    SLEEF_BINARY(SLEEF_##T(name, ulp), out, x, y, whole);                                                         \
    if (rest == 0) return;                                                                                        \
    T last[2][LANES_##T] = {{0}};                                                                                 \
    memcpy(last[0], x + n - rest, rest * sizeof(T));                                                              \
    memcpy(last[1], y + n - rest, rest * sizeof(T));                                                              \
    SLEEF_BINARY(SLEEF_##T(name, ulp), last[0], last[0], last[1], 1);                                             \
    memcpy(out + n - rest, last[0], rest * sizeof(T));                                                            \
  }
#else
// In double precision for F32 as well, as some C libraries' float functions are off by more than promised.
#define LIBRARY_UNARY_TYPE(name, ulp, T)                                                                          \
  static void LEVEL(library_##name##_##T)(T *out, const T *x, size_t n) {                                         \
    for (size_t i = 0; i < n; i++) out[i] = (T)name((f64)x[i]);                                                   \
  }
#define LIBRARY_BINARY_TYPE(name, ulp, T)                                                                         \
  static void LEVEL(library_##name##_##T)(T *out, const T *x, const T *y, size_t n) {                             \
    for (size_t i = 0; i < n; i++) out[i] = (T)name((f64)x[i], (f64)y[i]);                                        \
  }
#endif
#define LIBRARY_UNARY(name, ulp) LIBRARY_UNARY_TYPE(name, ulp, f32) LIBRARY_UNARY_TYPE(name, ulp, f64)
#define LIBRARY_BINARY(name, ulp) LIBRARY_BINARY_TYPE(name, ulp, f32) LIBRARY_BINARY_TYPE(name, ulp, f64)

LIBRARY_UNARY(sin, u10)
LIBRARY_UNARY(cos, u10)
LIBRARY_UNARY(tan, u10)
LIBRARY_UNARY(asin, u10)
LIBRARY_UNARY(acos, u10)
LIBRARY_UNARY(atan, u10)
LIBRARY_UNARY(asinh, u10)
LIBRARY_UNARY(acosh, u10)
LIBRARY_UNARY(atanh, u10)
LIBRARY_UNARY_TYPE(erf, u10, f64)
LIBRARY_UNARY_TYPE(erfc, u15, f64)
#if !FUSES
LIBRARY_UNARY_TYPE(erfc, u15, f32)
#endif
LIBRARY_UNARY(lgamma, u10)
LIBRARY_BINARY(pow, u10)
LIBRARY_BINARY(atan2, u10)

#define MAP_LIBRARY_UNARY_TYPE(name, T)                                                                           \
  static void LEVEL(map_##name##_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {         \
    (void)b, (void)c;                                                                                             \
    LEVEL(library_##name##_##T)(out, a, n);                                                                       \
  }
#define MAP_LIBRARY_UNARY(name) MAP_LIBRARY_UNARY_TYPE(name, f32) MAP_LIBRARY_UNARY_TYPE(name, f64)

/// `out = complete(x, library(x))`, block by block.
#define MAP_COMPLETED_TYPE(name, T)                                                                               \
  static void LEVEL(map_##name##_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {         \
    (void)b, (void)c;                                                                                             \
    T *y = out, block[256];                                                                                       \
    const T *x = a;                                                                                               \
    for (size_t start = 0; start < n; start += 256) {                                                             \
      size_t count = n - start < 256 ? n - start : 256, i = 0;                                                    \
      LEVEL(library_##name##_##T)(block, x + start, count);                                                       \
      for (; i + LANES_##T <= count; i += LANES_##T) {                                                            \
        V_##T v = LEVEL(load_##T)(x + start + i);                                                                 \
        LEVEL(store_##T)(y + start + i, LEVEL(complete_##name##_##T)(v, LEVEL(load_##T)(block + i)));             \
      }                                                                                                           \
      if (i < count) {                                                                                            \
        V_##T v = LEVEL(load_part_##T)(x + start + i, count - i);                                                 \
        V_##T w = LEVEL(load_part_##T)(block + i, count - i);                                                     \
        LEVEL(store_part_##T)(y + start + i, LEVEL(complete_##name##_##T)(v, w), count - i);                      \
      }                                                                                                           \
    }                                                                                                             \
  }
#define MAP_COMPLETED(name) MAP_COMPLETED_TYPE(name, f32) MAP_COMPLETED_TYPE(name, f64)

#define MAP_LIBRARY_BINARY_TYPE(name, library, T)                                                                 \
  static void LEVEL(map_##name##_##T)(void *out, const void *a, const void *b, const void *c, size_t n) {         \
    (void)c;                                                                                                      \
    LEVEL(library_##library##_##T)(out, a, b, n);                                                                 \
  }
#define MAP_LIBRARY_BINARY(name, library)                                                                         \
  MAP_LIBRARY_BINARY_TYPE(name, library, f32) MAP_LIBRARY_BINARY_TYPE(name, library, f64)
