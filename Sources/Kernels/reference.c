// Yardsticks for benchmarks: oneDNN and memory, without anything of Soma's but its fork-join.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <dnnl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "soma_linear.h"
#include "soma_parallel.h"
#include "soma_reference.h"

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static float *filled(size_t count) {
  float *memory = NULL;
  if (posix_memalign((void **)&memory, 64, (count ? count : 1) * sizeof(float))) return NULL;
  for (size_t i = 0; i < count; i++) memory[i] = (float)(i % 251) * 0.01f - 1.25f;
  return memory;
}

typedef struct {
  int transpose_a, transpose_b;
  size_t batch, m, n, k, parts;
  const float *a, *b;
  float *c;
  int failed;
} products;

static void run_products(products *it, size_t first, size_t end) {
  for (size_t i = first; i < end; i++) {
    dnnl_status_t status = dnnl_sgemm(
        it->transpose_a ? 'T' : 'N', it->transpose_b ? 'T' : 'N', (dnnl_dim_t)it->m, (dnnl_dim_t)it->n,
        (dnnl_dim_t)it->k, 1, it->a + i * it->m * it->k, (dnnl_dim_t)(it->transpose_a ? it->m : it->k),
        it->b + i * it->k * it->n, (dnnl_dim_t)(it->transpose_b ? it->k : it->n), 0, it->c + i * it->m * it->n,
        (dnnl_dim_t)it->n);
    if (status != dnnl_success) it->failed = 1;
  }
}

static void run_part(void *context, size_t i) {
  products *it = context;
  soma_single_threaded_libraries();
  run_products(it, it->batch * i / it->parts, it->batch * (i + 1) / it->parts);
}

double soma_reference_gemm_seconds(int threads, int transpose_a, int transpose_b, size_t batch, size_t m, size_t n,
                                   size_t k, size_t steps) {
  // The rest of the process keeps these libraries to one thread.
  soma_single_threaded_libraries();
  void (*set_threads)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  float *a = filled(batch * m * k), *b = filled(batch * k * n), *c = filled(batch * m * n);
  products it = {transpose_a, transpose_b, batch, m, n, k, (size_t)(threads > 1 ? threads : 1), a, b, c, !a || !b || !c};
  double best = -1;
  for (int divided = 0; divided < (threads > 1 ? 3 : 1) && !it.failed; divided++) {
    // 0: one thread, 1: the library's threads, 2: the batch divided.
    if (divided == 2 && batch < 2) break;
    if (divided == 1 && set_threads) set_threads(threads);
    double start = 0;
    for (size_t step = 0; step <= steps; step++) {
      if (step == 1) start = now();
      if (divided == 2) {
        soma_parallel(it.parts, &it, run_part);
      } else {
        run_products(&it, 0, batch);
      }
    }
    double seconds = (now() - start) / (double)(steps ? steps : 1);
    if (divided == 1 && set_threads) set_threads(1);
    if (best < 0 || seconds < best) best = seconds;
  }
  free(a);
  free(b);
  free(c);
  return it.failed ? -1 : best;
}

typedef struct {
  float *values;
  size_t count, parts;
} stream;

static void add_part(void *context, size_t part) {
  stream *it = context;
  size_t first = it->count * part / it->parts, end = it->count * (part + 1) / it->parts;
  float *values = it->values;
  for (size_t i = first; i < end; i++) values[i] += 1.0f;
}

double soma_reference_stream_seconds(int threads, size_t count, size_t passes) {
  stream it = {.values = filled(count), .count = count, .parts = (size_t)(threads > 1 ? threads : 1)};
  if (!it.values) return -1;
  double best = -1;
  for (size_t pass = 0; pass < passes; pass++) {
    double start = now();
    soma_parallel(it.parts, &it, add_part);
    double seconds = now() - start;
    if (best < 0 || seconds < best) best = seconds;
  }
  free(it.values);
  return best;
}

struct soma_copies {
  float *from, *to;
  size_t count, parts;
};

soma_copies *soma_copies_make(int threads, size_t count) {
  soma_copies *it = malloc(sizeof *it);
  if (!it) return NULL;
  *it = (soma_copies){filled(count), filled(count), count, (size_t)(threads > 1 ? threads : 1)};
  if (it->from && it->to) return it;
  soma_copies_free(it);
  return NULL;
}

void soma_copies_free(soma_copies *it) {
  free(it->from);
  free(it->to);
  free(it);
}

static void copy_part(void *context, size_t part) {
  soma_copies *it = context;
  size_t first = it->count * part / it->parts, end = it->count * (part + 1) / it->parts;
  memcpy(it->to + first, it->from + first, (end - first) * sizeof(float));
}

static void add_into_part(void *context, size_t part) {
  soma_copies *it = context;
  size_t first = it->count * part / it->parts, end = it->count * (part + 1) / it->parts;
  const float *restrict from = it->from;
  float *restrict to = it->to;
  for (size_t i = first; i < end; i++) to[i] = from[i] + 1.0f;
}

double soma_copies_seconds(soma_copies *it) {
  double start = now();
  soma_parallel(it->parts, it, copy_part);
  double middle = now();
  soma_parallel(it->parts, it, add_into_part);
  double end = now();
  return middle - start < end - middle ? middle - start : end - middle;
}
