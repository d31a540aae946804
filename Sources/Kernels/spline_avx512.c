#include "levels.h"

#if defined(__x86_64__)

#define LEVEL(name) name##_avx512
#define TARGET __attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")))
#pragma clang attribute push(TARGET, apply_to = function)
#include "spline_level.h"
#pragma clang attribute pop
#endif
