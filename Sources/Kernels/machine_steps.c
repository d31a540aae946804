#include "machine_build.h"

#include <math.h>

/// The larger or smaller; NaN if one is NaN, and -0 is less than 0. The instructions give their last operand where one
/// is NaN or both are zero.
static int32_t extreme(step_list *list, int is_maximum, int32_t a, int32_t b) {
  if (list->values[a].home == HOME_CONSTANT) {
    const int32_t other = a;
    a = b, b = other;
  }
  const instruction what = is_maximum ? MAXIMUM : MINIMUM;
  if (list->values[b].home == HOME_CONSTANT && !isnan(known(list, b))) {
    const double x = known(list, b);
    if (x != 0 || signbit(x) == is_maximum) return binary(list, what, b, a);
    // 0 + -0 is 0.
    if (is_maximum) return binary(list, ADD, binary(list, what, b, a), b);
  }
  // RANGE orders zeros, but gives the number where the other is NaN.
  const int32_t r = is_in_memory(list, a) ? binary_with(list, RANGE, b, a, is_maximum ? 5 : 4)
                                          : binary_with(list, RANGE, a, b, is_maximum ? 5 : 4);
  const int32_t unordered = is_in_memory(list, a) ? compare(list, IS_UNORDERED, b, a) : compare(list, IS_UNORDERED, a, b);
  return blend(list, unordered, commuting(list, ADD, a, b), r);
}

static int32_t unary_operation(step_list *list, soma_unary code, soma_dtype dtype, int32_t a) {
  if (dtype == SOMA_BOOL) return mask_operation(list, MASK_NOT, a, -1);
  const instruction round = list->is_double ? ROUND_F64 : ROUND_F32;
  const uint64_t sign = sign_bit(list);
  switch (code) {
  case SOMA_NEGATE: return binary(list, BITS_XOR, a, constant(list, sign));
  case SOMA_ABS: return binary(list, BITS_AND, a, constant(list, sign - 1));
  case SOMA_SIGN: {
    const int32_t s = binary(list, BITS_AND, a, constant(list, sign));
    const int32_t one = binary(list, BITS_OR, s, number(list, 1));
    return blend(list, compare(list, IS_UNLIKE, a, number(list, 0)), one, a);
  }
  // The last bit of the immediates' 8: no exception for a result that is not exact.
  case SOMA_FLOOR: return unary(list, round, a, 9);
  case SOMA_CEIL: return unary(list, round, a, 10);
  case SOMA_ROUND: return unary(list, round, a, 8);
  case SOMA_SQRT: return unary(list, SQUARE_ROOT, a, 0);
  case SOMA_RSQRT: return binary(list, DIVIDE, number(list, 1), unary(list, SQUARE_ROOT, a, 0));
  case SOMA_IS_FINITE: {
    // Quiet NaN, both infinities, signaling NaN.
    const int32_t other = add_step(list, (step){STEP_CLASSIFY, CLASSIFY, 0, a, -1, -1, 0x99}, 1);
    return mask_operation(list, MASK_NOT, other, -1);
  }
  default: return soma_machine_function_steps(list, code, a);
  }
}

static int32_t binary_operation(step_list *list, soma_binary code, soma_dtype dtype, int32_t a, int32_t b) {
  if (dtype == SOMA_BOOL) {
    switch (code) {
    case SOMA_AND: case SOMA_MULTIPLY: case SOMA_MINIMUM: return mask_operation(list, MASK_AND, a, b);
    case SOMA_OR: case SOMA_ADD: case SOMA_MAXIMUM: return mask_operation(list, MASK_OR, a, b);
    case SOMA_XOR: return mask_operation(list, MASK_XOR, a, b);
    default: list->failed = 1; return 0;
    }
  }
  switch (code) {
  case SOMA_ADD: return commuting(list, ADD, a, b);
  case SOMA_SUBTRACT: return binary(list, SUBTRACT, a, b);
  case SOMA_MULTIPLY: return commuting(list, MULTIPLY, a, b);
  case SOMA_DIVIDE: return binary(list, DIVIDE, a, b);
  case SOMA_MAXIMUM: return extreme(list, 1, a, b);
  case SOMA_MINIMUM: return extreme(list, 0, a, b);
  default: list->failed = 1; return 0;
  }
}

static int32_t comparison(step_list *list, soma_compare code, soma_dtype dtype, int32_t a, int32_t b) {
  if (dtype == SOMA_BOOL) {
    switch (code) {
    case SOMA_EQUAL: return mask_operation(list, MASK_SAME, a, b);
    case SOMA_NOT_EQUAL: return mask_operation(list, MASK_XOR, a, b);
    case SOMA_LESS: return mask_operation(list, MASK_AND_NOT, a, b);
    case SOMA_GREATER: return mask_operation(list, MASK_AND_NOT, b, a);
    case SOMA_LESS_EQUAL: return mask_operation(list, MASK_OR, mask_operation(list, MASK_NOT, a, -1), b);
    case SOMA_GREATER_EQUAL: return mask_operation(list, MASK_OR, mask_operation(list, MASK_NOT, b, -1), a);
    default: list->failed = 1; return 0;
    }
  }
  static const uint8_t predicates[] = {IS_EQUAL, IS_NOT_EQUAL, IS_LESS, IS_LESS_EQUAL, IS_GREATER, IS_GREATER_EQUAL},
                       exchanged[] = {IS_EQUAL, IS_NOT_EQUAL, IS_GREATER, IS_GREATER_EQUAL, IS_LESS, IS_LESS_EQUAL};
  return is_in_memory(list, a) ? compare(list, exchanged[code], b, a) : compare(list, predicates[code], a, b);
}

static int32_t conversion(step_list *list, soma_dtype from, soma_dtype to, int32_t a) {
  if (to == SOMA_BOOL) return compare(list, IS_NOT_EQUAL, a, number(list, 0));
  (void)from;
  return add_step(list, (step){STEP_KEEP, list->is_double ? REPEAT_F64 : REPEAT_F32, 0, -1, number(list, 1), a, 0}, 0);
}

int32_t soma_machine_steps(step_list *list, const soma_operation *o, const int32_t x[3]) {
  switch (o->kind) {
  case SOMA_OPERATION_UNARY: return unary_operation(list, (soma_unary)o->code, o->dtype, x[0]);
  case SOMA_OPERATION_BINARY: return binary_operation(list, (soma_binary)o->code, o->dtype, x[0], x[1]);
  case SOMA_OPERATION_COMPARE: return comparison(list, (soma_compare)o->code, o->dtype, x[0], x[1]);
  case SOMA_OPERATION_SELECT:
    if (o->dtype == SOMA_BOOL) {
      const int32_t yes = mask_operation(list, MASK_AND, x[0], x[1]);
      return mask_operation(list, MASK_OR, yes, mask_operation(list, MASK_AND_NOT, x[0], x[2]));
    }
    return blend(list, x[0], x[1], x[2]);
  case SOMA_OPERATION_CAST: return conversion(list, o->dtype, (soma_dtype)o->code, x[0]);
  }
  list->failed = 1;
  return 0;
}
