#include "levels.h"

static int detect(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
               ? 2
               : 1;
  }
#endif
  return 0;
}

// One more than the level, so that the zero of static storage means "not asked yet". Racing threads write the same.
static int detected;
static _Thread_local int limit = 2;

int soma_cpu_level(void) {
  int known = __atomic_load_n(&detected, __ATOMIC_RELAXED);
  if (known == 0) {
    known = detect() + 1;
    __atomic_store_n(&detected, known, __ATOMIC_RELAXED);
  }
  return known - 1 < limit ? known - 1 : limit;
}

void soma_limit_cpu_level(int level) { limit = level; }
