#include "allocation_counter.h"

#if defined(__linux__) && defined(__GLIBC__) || __has_include(<gnu/libc-version.h>)
#include <errno.h>
#include <stddef.h>

// Defining these in the executable puts them before the C library's; the `__libc_` names are the originals.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Thread_local int64_t allocations;

static void count(void) { allocations++; }

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}
void *calloc(size_t n, size_t size) {
  count();
  return __libc_calloc(n, size);
}
void *realloc(void *p, size_t size) {
  count();
  return __libc_realloc(p, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
void *memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **p, size_t alignment, size_t size) {
  count();
  *p = __libc_memalign(alignment, size);
  return *p ? 0 : ENOMEM;
}

int64_t allocation_count(void) { return allocations; }
#else
int64_t allocation_count(void) { return -1; }
#endif
