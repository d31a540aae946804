// Products, convolutions, Fourier transforms and dense linear algebra.
#ifndef SOMA_LINEAR_H
#define SOMA_LINEAR_H

#include "soma_elementwise.h"

/// `C = alpha op(A) op(B) + beta C`, row-major, op = transpose when the flag is set; op(A) is m×k, op(B) k×n; leading
/// dimensions in elements. Always on the calling thread only. F32 and F64 by own AVX-512 loops (without AVX-512, or with
/// other factors than 1 and 0, by oneDNN and OpenBLAS); I32/I64 by a blocked loop that wraps (alpha 1, beta 0 or 1).
/// Returns 0, or a negative number if the arguments make no sense or the library refuses. The first large product of a
/// type on a thread allocates its packing blocks (4.2 MB for F32, 0.7 MB for F64).
int soma_gemm(soma_dtype dtype, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, double alpha,
              const void *a, size_t lda, const void *b, size_t ldb, double beta, void *c, size_t ldc);

/// Whether `soma_gemm_fast` is worth trying: on a processor with AVX-512, for large matrices.
int soma_gemm_fast_pays(size_t m, size_t n, size_t k);
/// Bytes of scratch memory that `soma_gemm_fast` needs.
size_t soma_gemm_fast_scratch(size_t parts, size_t m, size_t n, size_t k);
/// `C = op(A) op(B)` of F32 matrices, none of their sides zero, by two levels of Strassen's algorithm on up to `parts`
/// threads (by `soma_parallel`); the bits do not depend on their number. Returns 0 if the caller must compute an ordinary
/// product instead, whatever C then holds: rows of A or columns of B differ much in size, which the error of a fast
/// product does not respect; a result is not finite; the processor lacks AVX-512.
int soma_gemm_fast(size_t parts, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a,
                   size_t lda, const float *b, size_t ldb, float *c, size_t ldc, void *scratch);

/// Must be called once on each thread before products: pins oneDNN and OpenBLAS to one thread there. Cheap to repeat.
/// Convolutions and factorizations call it themselves.
void soma_single_threaded_libraries(void);

typedef enum { SOMA_CONV_OUTPUT, SOMA_CONV_INPUT, SOMA_CONV_KERNEL } soma_conv_role;

/// A convolution in 1...3 spatial dimensions, input [n, c, spatial], kernel [o, c / groups, taps], output
/// [n, o, spatial], row-major. Dilation 1 means dense taps.
/// OUTPUT: first = input, second = kernel, result = output.
/// INPUT: first = output gradient, second = kernel, result = input gradient.
/// KERNEL: first = input, second = output gradient, result = kernel gradient.
typedef struct {
  int rank;
  int64_t n, c, o, groups;
  int64_t in[3], taps[3], out[3], stride[3], dilation[3], low[3], high[3];
} soma_conv_shape;

typedef struct soma_conv soma_conv;

/// Allocates. NULL if the library refuses the shape; then use `soma_convolve_reference`.
/// F32 by oneDNN with layouts it likes (reorders inside, in its own scratch memory, allocated here).
soma_conv *soma_conv_create(soma_conv_role role, const soma_conv_shape *shape);
/// The same with some operands' channels last ([n, spatial, channels] instead of [n, channels, spatial]), which the
/// library can mostly compute without a reorder. `operands` is the sum of 1 (first), 2 (second) and 4 (result); what is
/// a kernel stays row-major whatever its bit. The result has the same meaning, but not the same bits, in every layout.
soma_conv *soma_conv_create_channels_last(soma_conv_role role, const soma_conv_shape *shape, int operands);
void soma_conv_destroy(soma_conv *conv);
/// Not re-entrant for one `soma_conv`. Allocates no arrays (oneDNN itself makes and drops about 18 small objects). Uses
/// the calling thread only.
int soma_conv_execute(soma_conv *conv, const void *first, const void *second, void *result);
/// Bytes held by the object.
size_t soma_conv_memory(const soma_conv *conv);

/// A convolution by own loops, F32 or F64, in the layouts of `soma_conv_shape`. Creating allocates, nothing else does, and
/// one plan serves many threads. NULL if the processor lacks AVX-512 or lines are so short that most lanes would idle;
/// then use the others. Padding may be negative.
typedef struct soma_conv_plan soma_conv_plan;
soma_conv_plan *soma_conv_plan_create(soma_conv_role role, soma_dtype dtype, const soma_conv_shape *shape);
void soma_conv_plan_destroy(soma_conv_plan *plan);
/// Divisions of the work. KERNEL: images, the whole gradient of which `run` writes for the range that it gets. Else
/// the bits of a result do not depend on how units are divided.
size_t soma_conv_plan_units(const soma_conv_plan *plan);
/// OUTPUT and INPUT want the kernel packed: blocks that `pack` can do apart, and the bytes they take. KERNEL has none.
size_t soma_conv_plan_blocks(const soma_conv_plan *plan);
size_t soma_conv_plan_packed(const soma_conv_plan *plan);
void soma_conv_plan_pack(const soma_conv_plan *plan, const void *kernel, void *packed, size_t first, size_t end);
/// Bytes of scratch memory that every call running at a time needs.
size_t soma_conv_plan_scratch(const soma_conv_plan *plan);
/// Units `first_unit ..< end_unit`. `second` is the packed kernel, or for KERNEL the output gradient.
void soma_conv_plan_run(const soma_conv_plan *plan, const void *first, const void *second, void *result, void *scratch,
                        size_t first_unit, size_t end_unit);

/// Any type with arithmetic (F32, F64, I32, I64), by im2col + gemm or a direct loop; `scratch` of
/// `soma_convolve_scratch` bytes.
size_t soma_convolve_scratch(soma_conv_role role, soma_dtype dtype, const soma_conv_shape *shape);
int soma_convolve_reference(soma_conv_role role, soma_dtype dtype, const soma_conv_shape *shape, const void *first,
                            const void *second, void *result, void *scratch);

/// Unnormalized discrete Fourier transforms of any length along the middle axis of [outer, n, inner], split real and
/// imaginary arrays (F32 or F64). A plan allocates; executing does not, given `soma_fft_scratch` bytes.
typedef struct soma_fft_plan soma_fft_plan;
soma_fft_plan *soma_fft_create(soma_dtype dtype, size_t n);
void soma_fft_destroy(soma_fft_plan *plan);
size_t soma_fft_scratch(const soma_fft_plan *plan);
/// Complex to complex; forward has exp(-2πi jk/n). In place allowed. `in_imaginary` may be NULL (zeros).
void soma_fft_complex(const soma_fft_plan *plan, int inverse, void *out_real, void *out_imaginary, const void *in_real,
                      const void *in_imaginary, size_t outer, size_t inner, void *scratch);
/// Real to half-complex: [outer, n, inner] → [outer, n / 2 + 1, inner] twice.
void soma_fft_real(const soma_fft_plan *plan, void *out_real, void *out_imaginary, const void *in, size_t outer,
                   size_t inner, void *scratch);
/// Half-complex to real, inverse sign, unnormalized; the imaginary parts of bin 0 (and n/2 if even) are ignored.
void soma_fft_real_inverse(const soma_fft_plan *plan, void *out, const void *in_real, const void *in_imaginary,
                           size_t outer, size_t inner, void *scratch);

/// Dense factorizations by LAPACK for F32 and F64, row-major, one matrix a call. Each returns LAPACK's info
/// (0: success). `scratch` of `soma_lapack_scratch(op, dtype, m, n)` bytes.
typedef enum { SOMA_CHOLESKY, SOMA_EIGH, SOMA_SVD, SOMA_QR, SOMA_SOLVE, SOMA_LOG_DETERMINANT } soma_factorization;
size_t soma_lapack_scratch(soma_factorization op, soma_dtype dtype, size_t m, size_t n);
/// Lower factor, upper part zeroed. On failure `out` is filled with NaN.
int soma_cholesky(soma_dtype dtype, void *out, const void *in, size_t n, void *scratch);
/// Solves op(A) X = B for triangular A [n, n], B and X [n, m]; `unit`: the diagonal counts as ones.
int soma_triangular_solve(soma_dtype dtype, int lower, int transpose, int unit, void *x, const void *a, const void *b,
                          size_t n, size_t m);
/// Ascending eigenvalues [n], eigenvectors in columns [n, n], of the symmetrized input (A + Aᵀ)/2.
int soma_eigh(soma_dtype dtype, void *values, void *vectors, const void *in, size_t n, void *scratch);
/// Thin: in [m, n], k = min(m, n), u [m, k], s [k] descending, vt [k, n].
int soma_svd(soma_dtype dtype, void *u, void *s, void *vt, const void *in, size_t m, size_t n, void *scratch);
/// Reduced: q [m, k], r [k, n]; the diagonal of r is made non-negative so that the factorization is unique.
int soma_qr(soma_dtype dtype, void *q, void *r, const void *in, size_t m, size_t n, void *scratch);
/// A X = B by LU with partial pivoting, A [n, n], B and X [n, m]; if `transpose`, Aᵀ X = B. Singular: NaN.
int soma_solve(soma_dtype dtype, int transpose, void *x, const void *a, const void *b, size_t n, size_t m,
               void *scratch);
/// Sign (-1, 0 or 1) and log |det|, of A [n, n].
int soma_log_determinant(soma_dtype dtype, void *sign, void *log_abs, const void *a, size_t n, void *scratch);

#endif
