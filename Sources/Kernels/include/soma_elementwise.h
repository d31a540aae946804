// Elementwise maps, one function for an operation and an element type, chosen once by the caller.
#ifndef SOMA_ELEMENTWISE_H
#define SOMA_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  SOMA_F32, SOMA_F64, SOMA_I32, SOMA_I64, SOMA_BOOL, SOMA_I8, SOMA_U8, SOMA_BF16, SOMA_DTYPE_COUNT
} soma_dtype;

typedef enum {
  SOMA_NEGATE, SOMA_ABS, SOMA_SIGN, SOMA_FLOOR, SOMA_CEIL, SOMA_ROUND, SOMA_EXP, SOMA_EXPM1, SOMA_LOG, SOMA_LOG1P,
  SOMA_SQRT, SOMA_RSQRT, SOMA_SIN, SOMA_COS, SOMA_TAN, SOMA_ASIN, SOMA_ACOS, SOMA_ATAN, SOMA_SINH, SOMA_COSH,
  SOMA_TANH, SOMA_ASINH, SOMA_ACOSH, SOMA_ATANH, SOMA_ERF, SOMA_ERFC, SOMA_ERF_INVERSE, SOMA_LGAMMA, SOMA_LOGISTIC,
  SOMA_IS_FINITE, SOMA_NOT, SOMA_UNARY_COUNT
} soma_unary;

typedef enum {
  SOMA_ADD, SOMA_SUBTRACT, SOMA_MULTIPLY, SOMA_DIVIDE, SOMA_REMAINDER, SOMA_POWER, SOMA_MAXIMUM, SOMA_MINIMUM,
  SOMA_ATAN2, SOMA_AND, SOMA_OR, SOMA_XOR, SOMA_SHIFT_LEFT, SOMA_SHIFT_RIGHT, SOMA_BINARY_COUNT
} soma_binary;

typedef enum {
  SOMA_EQUAL, SOMA_NOT_EQUAL, SOMA_LESS, SOMA_LESS_EQUAL, SOMA_GREATER, SOMA_GREATER_EQUAL, SOMA_COMPARE_COUNT
} soma_compare;

/// `out[i] = f(a[i], b[i], c[i])` for `i < n`; operands that the operation lacks are ignored. `out` may be any of the
/// operands (in place) but must not overlap them partly. No alignment beyond the element's own is required.
typedef void (*soma_map)(void *out, const void *a, const void *b, const void *c, size_t n);

/// NULL where the operation has no meaning for the element type.
/// Floating types have all but NOT; integers NEGATE ABS SIGN and (bitwise) NOT; bool NOT (logical).
/// FLOOR CEIL ROUND on integers are the identity. ROUND is half to even. SIGN(NaN) is NaN, SIGN(-0) is -0.
/// IS_FINITE writes bool bytes. BF16 computes in F32 and rounds to nearest even.
soma_map soma_unary_map(soma_unary op, soma_dtype dtype);

/// Integers wrap. Integer DIVIDE is floor division, REMAINDER has the divisor's sign (as NumPy), both give 0 for a
/// zero divisor. Floating REMAINDER is NumPy's (sign of the divisor). MAXIMUM and MINIMUM propagate NaN.
/// AND OR XOR are bitwise on integers and logical on bool; shifts are arithmetic, counts outside 0..<bits give 0
/// (right shift of a negative: -1). POWER on integers wraps by repeated squaring; a negative exponent gives 0 except
/// for bases 1 and -1. bool has AND OR XOR MAXIMUM MINIMUM MULTIPLY(and) ADD(or).
soma_map soma_binary_map(soma_binary op, soma_dtype dtype);

/// Writes bool bytes (0 or 1). Comparisons with NaN are false, NOT_EQUAL true.
soma_map soma_compare_map(soma_compare op, soma_dtype dtype);

/// `out[i] = a[i] ? b[i] : c[i]`, `a` bool bytes.
soma_map soma_select_map(soma_dtype dtype);

/// Float to integer truncates toward zero and saturates, NaN gives 0; integer to narrower integer wraps; anything to
/// bool is `!= 0`.
soma_map soma_cast_map(soma_dtype from, soma_dtype to);

/// The same maps with one scalar operand, read once: `a` (left) or `b` (right) points to one element.
/// NULL where there is no such specialization; then the caller fills a block and uses the plain map.
soma_map soma_binary_scalar_right_map(soma_binary op, soma_dtype dtype);
soma_map soma_binary_scalar_left_map(soma_binary op, soma_dtype dtype);

/// One step of two: x + y, x - y, y - x, x y or the larger or smaller of both, y an array or a scalar that is read once.
typedef enum {
  SOMA_STEP_ADD, SOMA_STEP_ADD_SCALAR, SOMA_STEP_SUBTRACT, SOMA_STEP_SUBTRACT_SCALAR, SOMA_STEP_SUBTRACT_FROM,
  SOMA_STEP_SUBTRACT_FROM_SCALAR, SOMA_STEP_MULTIPLY, SOMA_STEP_MULTIPLY_SCALAR, SOMA_STEP_MAXIMUM,
  SOMA_STEP_MAXIMUM_SCALAR, SOMA_STEP_MINIMUM, SOMA_STEP_MINIMUM_SCALAR, SOMA_STEP_COUNT
} soma_step;

/// `out[i] = (a[i] first b) second c`, each step rounded, the same bits as by two maps. F32 and F64; NULL for others.
soma_map soma_pair_map(soma_step first, soma_step second, soma_dtype dtype);

/// `out[i] = a[i] * b[i] + c[i]`, with one rounding for F32 and F64, used when the caller may contract. NULL for others.
soma_map soma_multiply_add_map(soma_dtype dtype);

/// Polygamma of a given order (0: digamma, 1: trigamma …), F32 and F64.
void soma_polygamma(int order, soma_dtype dtype, void *out, const void *a, size_t n);

/// `out[i] = start + i`, for every type but bool; BF16 rounds.
void soma_iota(soma_dtype dtype, void *out, int64_t start, size_t n);

/// Repeats one element of 1, 2, 4 or 8 bytes.
void soma_fill(void *out, const void *element, size_t size, size_t n);

/// Threefry-2x32-20 (Salmon et al. 2011). Word pair `j` of the stream is the cipher of counter (low 32 bits of j,
/// high 32 bits of j) under `key`; writes words `first ..< first + n`.
void soma_random_bits(const uint32_t key[2], uint32_t *out, uint64_t first, size_t n);

/// The cipher itself, for one counter.
void soma_threefry(const uint32_t key[2], const uint32_t counter[2], uint32_t out[2]);

/// 0: portable, 1: AVX2 + FMA, 2: AVX-512 (F, DQ, BW, VL).
int soma_cpu_level(void);

/// Lowers the level for the calling thread, so that tests reach the code for lesser processors.
void soma_limit_cpu_level(int level);

#endif
