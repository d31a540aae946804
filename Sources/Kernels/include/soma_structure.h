// Kernels that move, order or reduce elements.
#ifndef SOMA_STRUCTURE_H
#define SOMA_STRUCTURE_H

#include "soma_elementwise.h"

typedef enum { SOMA_REDUCE_SUM, SOMA_REDUCE_PRODUCT, SOMA_REDUCE_MAX, SOMA_REDUCE_MIN } soma_reduction;

/// `in` is [outer, n, inner], `out` [outer, inner]. Sums of floats are blocked (pairwise-like error growth) and have a
/// fixed order that does not depend on `outer`, so that splitting `outer` or `inner` over threads changes no bit.
/// Max and min propagate NaN; an empty reduction gives the identity (0, 1, lowest, highest).
/// bool: max is any, min is all. Integers wrap. BF16 accumulates in F32.
void soma_reduce(soma_reduction op, soma_dtype dtype, void *out, const void *in, size_t outer, size_t n, size_t inner);

/// The same restricted to the range `first ..< last` of inner columns, for threads.
void soma_reduce_columns(soma_reduction op, soma_dtype dtype, void *out, const void *in, size_t outer, size_t n,
                         size_t inner, size_t first, size_t last);

/// Index (int32) of the first largest or smallest element; NaN counts as the extreme (first NaN wins).
void soma_arg_reduce(int largest, soma_dtype dtype, int32_t *out, const void *in, size_t outer, size_t n, size_t inner);

/// Running reduction along n; `reverse` runs from the end. Sequential, in the element type.
void soma_cumulative(soma_reduction op, soma_dtype dtype, int reverse, void *out, const void *in, size_t outer,
                     size_t n, size_t inner);

/// Copies `dims` elements of `size` bytes; strides are in elements, may be zero (source) or negative. The fast cases
/// (inner stride 1, inner stride 0, 2-d transposition in cache blocks) are special-cased. rank <= 16.
void soma_copy_strided(size_t size, void *out, const int64_t *out_strides, const void *in, const int64_t *in_strides,
                       const int64_t *dims, int rank);

/// `in` [batch, outer, n, inner], `indices` [batch, m] (int32, or int64 if `wide`), `out` [batch, outer, m, inner].
/// Index i < 0 or i >= n gives zeros.
void soma_gather(size_t size, void *out, const void *in, const void *indices, int wide, size_t batch, size_t outer,
                 size_t n, size_t m, size_t inner);

/// Adds `updates` [batch, outer, m, inner] into `out` [batch, outer, n, inner]; indices out of range are dropped.
void soma_scatter_add(soma_dtype dtype, void *out, const void *updates, const void *indices, int wide, size_t batch,
                      size_t outer, size_t n, size_t m, size_t inner);

/// Stable order along n; NaN last in both directions. `scratch` holds at least `soma_argsort_scratch(n)` bytes.
size_t soma_argsort_scratch(size_t n);
void soma_argsort(int descending, soma_dtype dtype, int32_t *out, const void *in, size_t outer, size_t n, size_t inner,
                  void *scratch);

/// Indices of the k largest of each row of [rows, n], in descending order, ties by lower index, NaN largest.
void soma_top_k(soma_dtype dtype, int32_t *out, const void *in, size_t rows, size_t n, size_t k, void *scratch);

/// Windows over the last `rank` (1...3) axes; `outer` is the product of the others. Window position `w`, element `e`
/// reads input `w * stride + e * dilation - low` if inside, else nothing. SUM, MAX, MIN, PRODUCT.
typedef struct {
  int rank;
  int64_t in[3], out[3], size[3], stride[3], dilation[3], low[3];
} soma_window;
void soma_window_reduce(soma_reduction op, soma_dtype dtype, void *out, const void *in, size_t outer,
                        const soma_window *window);
/// Flat index (within the windowed axes of the input) of the first largest element; -1 for an empty window.
void soma_window_arg_max(soma_dtype dtype, int32_t *out, const void *in, size_t outer, const soma_window *window);

#endif
