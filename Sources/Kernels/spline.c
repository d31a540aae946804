#include "levels.h"

static const soma_spline_level *level(void) {
#if defined(__x86_64__)
  switch (soma_cpu_level()) {
  case 2: return &soma_spline_avx512;
  case 1: return &soma_spline_avx2;
  }
#endif
  return &soma_spline_portable;
}

void soma_spline_output(soma_dtype dtype, const soma_spline *spline, void *out, const void *x, const void *knots,
                        const void *c, const void *u, size_t first, size_t last) {
  level()->output[dtype == SOMA_F64](spline, out, x, knots, c, u, first, last);
}

void soma_spline_coefficients(soma_dtype dtype, const soma_spline *spline, void *out, const void *x, const void *knots,
                              const void *g, const void *u, size_t first, size_t last) {
  level()->coefficients[dtype == SOMA_F64](spline, out, x, knots, g, u, first, last);
}

void soma_spline_weights(soma_dtype dtype, const soma_spline *spline, void *out, const void *x, const void *knots,
                         const void *c, const void *g, size_t first, size_t last) {
  level()->weights[dtype == SOMA_F64](spline, out, x, knots, c, g, first, last);
}
