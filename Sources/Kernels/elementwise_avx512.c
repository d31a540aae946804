#include "levels.h"

#if defined(__x86_64__)
#include "sleef_call.h"
#include <immintrin.h>

#define LEVEL(name) name##_avx512
#define LANES_f32 16
#define LANES_f64 8
#define SLEEF_f32(name, ulp) Sleef_##name##f16_##ulp##avx512f
#define SLEEF_f64(name, ulp) Sleef_##name##d8_##ulp##avx512f
#define SLEEF_UNARY soma_sleef_unary_512
#define SLEEF_BINARY soma_sleef_binary_512
#define SCALE_f32(x, k) ((V_f32)_mm512_scalef_ps((__m512)(x), (__m512)(k)))
#define SCALE_f64(x, k) ((V_f64)_mm512_scalef_pd((__m512d)(x), (__m512d)(k)))
#define TARGET __attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")))
#pragma clang attribute push(TARGET, apply_to = function)
#include "elementwise_level.h"
#pragma clang attribute pop
#endif
