#include "levels.h"

#if defined(__x86_64__)
#include "sleef_call.h"

#define LEVEL(name) name##_avx512
#define LANES_f32 16
#define LANES_f64 8
#define SLEEF_f32(name, ulp) Sleef_##name##f16_##ulp##avx512f
#define SLEEF_f64(name, ulp) Sleef_##name##d8_##ulp##avx512f
#define SLEEF_UNARY soma_sleef_unary_512
#define SLEEF_BINARY soma_sleef_binary_512
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#include "elementwise_level.h"
#pragma clang attribute pop
#endif
