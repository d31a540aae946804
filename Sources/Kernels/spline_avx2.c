#include "levels.h"

#if defined(__x86_64__)

#define LEVEL(name) name##_avx2
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "spline_level.h"
#pragma clang attribute pop
#endif
