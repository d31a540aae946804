// What the files of linear algebra share; not visible outside this module.
#ifndef SOMA_LINEAR_INTERNAL_H
#define SOMA_LINEAR_INTERNAL_H

#include "soma_linear.h"

/// Bytes of one element.
static inline size_t soma_linear_size(soma_dtype dtype) {
  switch (dtype) {
    case SOMA_F64:
    case SOMA_I64:
      return 8;
    case SOMA_F32:
    case SOMA_I32:
      return 4;
    case SOMA_BF16:
      return 2;
    default:
      return 1;
  }
}

/// 0: portable, 1: AVX2 + FMA, 2: AVX-512 (F, DQ, BW, VL).
static inline int soma_linear_level(void) {
#if defined(__x86_64__)
  static int known = -1;
  int level = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (level < 0) {
    __builtin_cpu_init();
    level = 0;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) level = 1;
    if (level == 1 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
      level = 2;
    __atomic_store_n(&known, level, __ATOMIC_RELAXED);
  }
  return level;
#else
  return 0;
#endif
}

/// Any F32 product with AVX-512, as fast as oneDNN's (0.96 to 1.2 of it, measured on Zen 5) and without its allocation in
/// every call; 0 if the processor lacks it. `alpha` is 1.
int soma_gemm_single(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a, size_t lda,
                    const float *b, size_t ldb, int accumulate, float *c, size_t ldc);

/// Any F64 product with AVX-512; 0 if the processor lacks it (or memory for the packed blocks).
int soma_gemm_double(int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha, const double *a,
                     size_t lda, const double *b, size_t ldb, int accumulate, double *c, size_t ldc);

#endif
