// Template: all elementwise maps of one instruction set, as one table.
#include "float_level.h"
#include "pair_level.h"
#include "integer_level.h"
#include "cast_level.h"
#include "random_level.h"

const soma_elementwise_level LEVEL(soma_elementwise) = {
#define X(OP, name) [SOMA_##OP][SOMA_F32] = LEVEL(map_##name##_f32), [SOMA_##OP][SOMA_F64] = LEVEL(map_##name##_f64), \
                    [SOMA_##OP][SOMA_BF16] = LEVEL(map_##name##_bf16),
#define Y(OP, name)                                                                                               \
  [SOMA_##OP][SOMA_I32] = LEVEL(map_##name##_i32), [SOMA_##OP][SOMA_I64] = LEVEL(map_##name##_i64),               \
  [SOMA_##OP][SOMA_I8] = LEVEL(map_##name##_i8), [SOMA_##OP][SOMA_U8] = LEVEL(map_##name##_u8),
#define Z(OP, name) [SOMA_##OP][SOMA_BOOL] = LEVEL(map_##name##_boolean),
    .unary = {FLOAT_UNARY_OPERATIONS(X) X(IS_FINITE, is_finite) INTEGER_UNARY_OPERATIONS(Y) Z(NOT, not)},
    .binary = {FLOAT_BINARY_OPERATIONS(X) INTEGER_BINARY_OPERATIONS(Y) BOOL_BINARY_OPERATIONS(Z)},
    // Bytes 0 and 1 order as numbers do.
#define B(OP, name) [SOMA_##OP][SOMA_BOOL] = LEVEL(map_##name##_u8),
    .compare = {COMPARE_OPERATIONS(X) COMPARE_OPERATIONS(Y) COMPARE_OPERATIONS(B)},
#undef B
#undef X
#undef Y
#undef Z
#define SCALAR_TABLES(side)                                                                                       \
  .binary_##side = {FLOAT_SCALAR_OPERATIONS(X) INTEGER_BINARY_OPERATIONS(Y) BOOL_BINARY_OPERATIONS(Z)}
#define X(OP, name)                                                                                               \
  [SOMA_##OP][SOMA_F32] = LEVEL(right_##name##_f32), [SOMA_##OP][SOMA_F64] = LEVEL(right_##name##_f64),
#define Y(OP, name)                                                                                               \
  [SOMA_##OP][SOMA_I32] = LEVEL(right_##name##_i32), [SOMA_##OP][SOMA_I64] = LEVEL(right_##name##_i64),           \
  [SOMA_##OP][SOMA_I8] = LEVEL(right_##name##_i8), [SOMA_##OP][SOMA_U8] = LEVEL(right_##name##_u8),
#define Z(OP, name) [SOMA_##OP][SOMA_BOOL] = LEVEL(right_##name##_boolean),
    SCALAR_TABLES(right),
#undef X
#undef Y
#undef Z
#define X(OP, name)                                                                                               \
  [SOMA_##OP][SOMA_F32] = LEVEL(left_##name##_f32), [SOMA_##OP][SOMA_F64] = LEVEL(left_##name##_f64),
#define Y(OP, name)                                                                                               \
  [SOMA_##OP][SOMA_I32] = LEVEL(left_##name##_i32), [SOMA_##OP][SOMA_I64] = LEVEL(left_##name##_i64),             \
  [SOMA_##OP][SOMA_I8] = LEVEL(left_##name##_i8), [SOMA_##OP][SOMA_U8] = LEVEL(left_##name##_u8),
#define Z(OP, name) [SOMA_##OP][SOMA_BOOL] = LEVEL(left_##name##_boolean),
    SCALAR_TABLES(left),
    .select = {[SOMA_F32] = LEVEL(select_i32), [SOMA_F64] = LEVEL(select_i64), [SOMA_I32] = LEVEL(select_i32),
               [SOMA_I64] = LEVEL(select_i64), [SOMA_BOOL] = LEVEL(select_u8), [SOMA_I8] = LEVEL(select_u8),
               [SOMA_U8] = LEVEL(select_u8), [SOMA_BF16] = LEVEL(select_bf16)},
    .cast = {[SOMA_F32] = CASTS_FROM(f32), [SOMA_F64] = CASTS_FROM(f64), [SOMA_I32] = CASTS_FROM(i32),
             [SOMA_I64] = CASTS_FROM(i64), [SOMA_BOOL] = CASTS_FROM(boolean), [SOMA_I8] = CASTS_FROM(i8),
             [SOMA_U8] = CASTS_FROM(u8), [SOMA_BF16] = CASTS_FROM(bf16)},
    .multiply_add = {[SOMA_F32] = LEVEL(map_multiply_add_f32), [SOMA_F64] = LEVEL(map_multiply_add_f64)},
    .pairs = {{STEPS(PAIR_NAMES_AFTER, f32)}, {STEPS(PAIR_NAMES_AFTER, f64)}},
    .random_bits = LEVEL(random_bits),
};
