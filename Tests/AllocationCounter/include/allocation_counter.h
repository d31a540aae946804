// Counts heap allocations by thread; for tests only.
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdint.h>

/// Allocations (malloc, calloc, realloc, aligned_alloc, posix_memalign) that the calling thread has made, or -1 where the C
/// library cannot be counted.
int64_t allocation_count(void);

#endif
