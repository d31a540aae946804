// What the files of this folder share: element types and the dispatch over instruction sets.
//
// Files named `*_level.h` are templates. Each is compiled once for every instruction set, with `LEVEL(name)` giving
// the functions distinct names, and fills one table of function pointers.
#ifndef SOMA_LEVELS_H
#define SOMA_LEVELS_H

#include "soma_elementwise.h"
#include "soma_spline.h"
#include "soma_structure.h"
#include <math.h>
#include <string.h>

typedef uint8_t boolean;
typedef uint16_t bf16;
typedef int8_t i8;
typedef uint8_t u8;
typedef int32_t i32;
typedef int64_t i64;
typedef float f32;
typedef double f64;

typedef struct {
  soma_map unary[SOMA_UNARY_COUNT][SOMA_DTYPE_COUNT];
  soma_map binary[SOMA_BINARY_COUNT][SOMA_DTYPE_COUNT];
  soma_map binary_right[SOMA_BINARY_COUNT][SOMA_DTYPE_COUNT];
  soma_map binary_left[SOMA_BINARY_COUNT][SOMA_DTYPE_COUNT];
  soma_map compare[SOMA_COMPARE_COUNT][SOMA_DTYPE_COUNT];
  soma_map select[SOMA_DTYPE_COUNT];
  soma_map cast[SOMA_DTYPE_COUNT][SOMA_DTYPE_COUNT];
  soma_map multiply_add[SOMA_DTYPE_COUNT];
  // F32, F64.
  soma_map pairs[2][SOMA_STEP_COUNT][SOMA_STEP_COUNT];
  void (*random_bits)(const uint32_t *key, uint32_t *out, uint64_t first, size_t n);
} soma_elementwise_level;

extern const soma_elementwise_level soma_elementwise_portable;
#if defined(__x86_64__)
extern const soma_elementwise_level soma_elementwise_avx2;
extern const soma_elementwise_level soma_elementwise_avx512;
#endif

typedef struct {
  void (*reduce)(soma_reduction, soma_dtype, void *, const void *, size_t, size_t, size_t, size_t, size_t);
  void (*arg_reduce)(int, soma_dtype, int32_t *, const void *, size_t, size_t, size_t);
  void (*cumulative)(soma_reduction, soma_dtype, int, void *, const void *, size_t, size_t, size_t);
  void (*copy_strided)(size_t, void *, const int64_t *, const void *, const int64_t *, const int64_t *, int);
  void (*scatter_add)(soma_dtype, void *, const void *, const void *, int, size_t, size_t, size_t, size_t, size_t);
  void (*window_reduce)(soma_reduction, soma_dtype, void *, const void *, size_t, const soma_window *);
  void (*window_arg_max)(soma_dtype, int32_t *, const void *, size_t, const soma_window *);
} soma_structure_level;

extern const soma_structure_level soma_structure_portable;
#if defined(__x86_64__)
extern const soma_structure_level soma_structure_avx2;
extern const soma_structure_level soma_structure_avx512;
#endif

typedef struct {
  // F32, F64.
  void (*output[2])(const soma_spline *, void *, const void *, const void *, const void *, const void *, size_t, size_t);
  void (*coefficients[2])(const soma_spline *, void *, const void *, const void *, const void *, const void *, size_t,
                          size_t);
  void (*weights[2])(const soma_spline *, void *, const void *, const void *, const void *, const void *, size_t, size_t);
} soma_spline_level;

extern const soma_spline_level soma_spline_portable;
#if defined(__x86_64__)
extern const soma_spline_level soma_spline_avx2;
extern const soma_spline_level soma_spline_avx512;
#endif

// A hint that fails (64-bit division, powers) leaves a scalar loop, which is fine.
#pragma clang diagnostic ignored "-Wpass-failed"
#define VECTORIZE _Pragma("clang loop vectorize(assume_safety)")
#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE f32 widen(bf16 x) {
  uint32_t bits = (uint32_t)x << 16;
  f32 y;
  memcpy(&y, &bits, 4);
  return y;
}

/// Nearest even; a NaN stays a NaN.
ALWAYS_INLINE bf16 narrow(f32 x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return (bf16)(x != x ? (bits >> 16) | 0x40 : rounded);
}

#endif
