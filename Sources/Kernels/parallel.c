#include "soma_parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

// Kernels of one step follow each other within microseconds: a worker looks for the next one this many times (some
// ten microseconds) before it goes to sleep.
enum { patience = 1500, most_workers = 255 };

static struct {
  pthread_mutex_t owner;  // held by the caller whose loop is running
  // The loop. Written while it is closed and no worker is inside.
  void (*body)(void *, size_t);
  void *context;
  size_t parts;
  _Atomic size_t next;
  _Atomic int is_open;
  _Atomic int inside;
  // Sleeping workers.
  pthread_mutex_t sleep;
  pthread_cond_t wake;
  _Atomic unsigned rounds;
  _Atomic int sleeping;
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER, .sleep = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void take_parts(void) {
  for (;;) {
    size_t i = atomic_fetch_add_explicit(&pool.next, 1, memory_order_relaxed);
    if (i >= pool.parts) return;
    pool.body(pool.context, i);
  }
}

static void *work(void *unused) {
  (void)unused;
  unsigned seen = 0;
  for (;;) {
    int tries = 0;
    while (atomic_load_explicit(&pool.rounds, memory_order_acquire) == seen) {
      if (++tries < patience) {
        relax();
        continue;
      }
      pthread_mutex_lock(&pool.sleep);
      atomic_fetch_add(&pool.sleeping, 1);
      while (atomic_load(&pool.rounds) == seen) pthread_cond_wait(&pool.wake, &pool.sleep);
      atomic_fetch_sub(&pool.sleeping, 1);
      pthread_mutex_unlock(&pool.sleep);
    }
    seen = atomic_load_explicit(&pool.rounds, memory_order_acquire);
    // The caller waits for whoever is inside, so what the loop's fields say stays true while it is open.
    atomic_fetch_add(&pool.inside, 1);
    if (atomic_load(&pool.is_open)) take_parts();
    atomic_fetch_sub(&pool.inside, 1);
  }
  return NULL;
}

static void start_workers(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  long workers = cores < 1 ? 0 : cores - 1 < most_workers ? cores - 1 : most_workers;
  for (long i = 0; i < workers; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0) return;
    pthread_detach(thread);
  }
}

void soma_parallel(size_t parts, void *context, void (*body)(void *, size_t)) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (parts < 2 || pthread_mutex_trylock(&pool.owner) != 0) {
    for (size_t i = 0; i < parts; i++) body(context, i);
    return;
  }
  pthread_once(&once, start_workers);
  pool.body = body;
  pool.context = context;
  pool.parts = parts;
  atomic_store(&pool.next, 0);
  atomic_store(&pool.is_open, 1);
  atomic_fetch_add(&pool.rounds, 1);
  if (atomic_load(&pool.sleeping) > 0) {
    pthread_mutex_lock(&pool.sleep);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.sleep);
  }
  take_parts();
  atomic_store(&pool.is_open, 0);
  for (int tries = 0; atomic_load(&pool.inside) > 0; tries++) {
    // A worker that lost its core needs it back.
    if (tries < 20000) relax(); else usleep(20);
  }
  pthread_mutex_unlock(&pool.owner);
}
