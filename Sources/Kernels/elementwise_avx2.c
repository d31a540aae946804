#include "levels.h"

#if defined(__x86_64__)
#include "sleef_call.h"

#define LEVEL(name) name##_avx2
#define LANES_f32 8
#define LANES_f64 4
#define SLEEF_f32(name, ulp) Sleef_##name##f8_##ulp##avx2
#define SLEEF_f64(name, ulp) Sleef_##name##d4_##ulp##avx2
#define SLEEF_UNARY soma_sleef_unary_256
#define SLEEF_BINARY soma_sleef_binary_256
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "elementwise_level.h"
#pragma clang attribute pop
#endif
