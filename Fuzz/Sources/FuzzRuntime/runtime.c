#include "FuzzRuntime.h"

#include <stdatomic.h>

extern int LLVMFuzzerRunDriver(int *count, char ***arguments, fuzz_reader reader);
extern int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                                     void (*on_free)(const volatile void *));
extern size_t __sanitizer_get_allocated_size(const volatile void *block);

static _Atomic long held;
static _Atomic long peak;

static void on_malloc(const volatile void *block, size_t size) {
  (void)block;
  const long now = atomic_fetch_add(&held, (long)size) + (long)size;
  long most = atomic_load(&peak);
  while (now > most && !atomic_compare_exchange_weak(&peak, &most, now)) {
  }
}

static void on_free(const volatile void *block) {
  if (block) atomic_fetch_sub(&held, (long)__sanitizer_get_allocated_size(block));
}

void fuzz_watch_memory(void) {
  // Blocks from before the watch may be freed during it, so the count can fall below zero; it begins anew each time.
  atomic_store(&held, 0);
  atomic_store(&peak, 0);
}

size_t fuzz_peak_memory(void) { return (size_t)atomic_load(&peak); }

int fuzz_run(int count, char **arguments, fuzz_reader reader) {
  __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  return LLVMFuzzerRunDriver(&count, &arguments, reader);
}
