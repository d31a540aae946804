// Counts the heap allocations of the whole process; for tests only.
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdint.h>

/// Allocations (malloc, calloc, realloc, aligned_alloc, posix_memalign) of every thread since the process began, or -1
/// where the C library cannot be counted.
int64_t allocation_count(void);

#endif
