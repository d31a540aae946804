#include "levels.h"

#if defined(__x86_64__)

#define LEVEL(name) name##_avx512
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#include "structure_level.h"
#pragma clang attribute pop
#endif
