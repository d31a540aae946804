#include "strides.h"

static const soma_structure_level *level(void) {
#if defined(__x86_64__)
  switch (soma_cpu_level()) {
  case 2: return &soma_structure_avx512;
  case 1: return &soma_structure_avx2;
  }
#endif
  return &soma_structure_portable;
}

void soma_reduce(soma_reduction op, soma_dtype dtype, void *out, const void *in, size_t outer, size_t n, size_t inner) {
  level()->reduce(op, dtype, out, in, outer, n, inner, 0, inner);
}

void soma_reduce_columns(soma_reduction op, soma_dtype dtype, void *out, const void *in, size_t outer, size_t n,
                         size_t inner, size_t first, size_t last) {
  level()->reduce(op, dtype, out, in, outer, n, inner, first, last);
}

void soma_arg_reduce(int largest, soma_dtype dtype, int32_t *out, const void *in, size_t outer, size_t n,
                     size_t inner) {
  level()->arg_reduce(largest, dtype, out, in, outer, n, inner);
}

void soma_cumulative(soma_reduction op, soma_dtype dtype, int reverse, void *out, const void *in, size_t outer,
                     size_t n, size_t inner) {
  level()->cumulative(op, dtype, reverse, out, in, outer, n, inner);
}

void soma_copy_strided(size_t size, void *out, const int64_t *out_strides, const void *in, const int64_t *in_strides,
                       const int64_t *dims, int rank) {
  level()->copy_strided(size, out, out_strides, in, in_strides, dims, rank);
}

void soma_scatter_add(soma_dtype dtype, void *out, const void *updates, const void *indices, int wide, size_t batch,
                      size_t outer, size_t n, size_t m, size_t inner) {
  level()->scatter_add(dtype, out, updates, indices, wide, batch, outer, n, m, inner);
}

void soma_window_reduce(soma_reduction op, soma_dtype dtype, void *out, const void *in, size_t outer,
                        const soma_window *window) {
  level()->window_reduce(op, dtype, out, in, outer, window);
}

void soma_window_arg_max(soma_dtype dtype, int32_t *out, const void *in, size_t outer, const soma_window *window) {
  level()->window_arg_max(dtype, out, in, outer, window);
}

#define GATHER_ONE(T)                                                                                             \
  for (size_t j = 0; j < m; j++) {                                                                                \
    int64_t i = index_at(indices, wide, b * m + j);                                                               \
    ((T *)y)[j] = i < 0 || (uint64_t)i >= n ? 0 : ((const T *)x)[i];                                              \
  }

void soma_gather(size_t size, void *out, const void *in, const void *indices, int wide, size_t batch, size_t outer,
                 size_t n, size_t m, size_t inner) {
  size_t run = size * inner;
  char *y = out;
  for (size_t b = 0; b < batch; b++) {
    for (size_t o = 0; o < outer; o++) {
      const char *x = (const char *)in + (b * outer + o) * n * run;
      if (inner == 1) {
        switch (size) {
        case 1: GATHER_ONE(uint8_t) break;
        case 2: GATHER_ONE(uint16_t) break;
        case 4: GATHER_ONE(uint32_t) break;
        case 8: GATHER_ONE(uint64_t) break;
        }
        y += m * size;
        continue;
      }
      for (size_t j = 0; j < m; j++, y += run) {
        int64_t i = index_at(indices, wide, b * m + j);
        if (i < 0 || (uint64_t)i >= n) {
          memset(y, 0, run);
        } else {
          memcpy(y, x + (size_t)i * run, run);
        }
      }
    }
  }
}
