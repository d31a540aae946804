// Sums of B-splines, of which only order + 1 are not zero at any place.
#ifndef SOMA_SPLINE_H
#define SOMA_SPLINE_H

#include "soma_elementwise.h"

/// The form Σ u[s,i] B⁽ᵈ⁾[r](x[s,i]) c[i,r,o] g[s,o] over samples s, inputs i, splines r, outputs o: three kernels give its
/// derivatives by g, c and u. Every input has its own ascending knots, `splines + order + 1` of them; outside the first and the
/// last every spline is zero. x, u: [samples, inputs]; knots: [inputs, knots]; c: [inputs, splines, outputs]; g: [samples,
/// outputs]. `u` may be null: ones. F32 and F64.
typedef struct {
  int order, derivative;
  size_t samples, inputs, splines, outputs;
} soma_spline;

/// Samples that are worked on together.
#define SOMA_SPLINE_CHUNK 128
/// The highest order.
#define SOMA_SPLINE_ORDER 9

/// out[s,o] = Σ u B c for the samples `first ..< last`.
void soma_spline_output(soma_dtype dtype, const soma_spline *spline, void *out, const void *x, const void *knots,
                        const void *c, const void *u, size_t first, size_t last);
/// out[i,r,o] = Σ u B g for the inputs `first ..< last`.
void soma_spline_coefficients(soma_dtype dtype, const soma_spline *spline, void *out, const void *x, const void *knots,
                              const void *g, const void *u, size_t first, size_t last);
/// out[s,i] = Σ B c g for the samples `first ..< last`.
void soma_spline_weights(soma_dtype dtype, const soma_spline *spline, void *out, const void *x, const void *knots,
                         const void *c, const void *g, size_t first, size_t last);

#endif
