// Adds steps to a list, one function for a kind of step.
#ifndef SOMA_MACHINE_BUILD_H
#define SOMA_MACHINE_BUILD_H

#include "machine_steps.h"

static inline int32_t new_value(step_list *list, int is_mask) {
  if (list->value_count == most_values) {
    list->failed = 1;
    return 0;
  }
  list->values[list->value_count] = (value){.is_mask = is_mask, .home = HOME_NOWHERE, .last_use = -1};
  return list->value_count++;
}

static inline int32_t constant(step_list *list, uint64_t bits) {
  for (int i = 0; i < list->constant_count; i++)
    if (list->constants[i] == bits) return list->constant_values[i];
  if (list->constant_count == most_constants) {
    list->failed = 1;
    return 0;
  }
  const int32_t v = new_value(list, 0), number = list->constant_count++;
  list->constants[number] = bits;
  list->constant_values[number] = v;
  list->values[v].home = HOME_CONSTANT;
  list->values[v].number = number;
  return v;
}

static inline int32_t number(step_list *list, double x) {
  uint64_t bits = 0;
  const float single = (float)x;
  if (list->is_double) memcpy(&bits, &x, 8); else memcpy(&bits, &single, 4);
  return constant(list, bits);
}

static inline int32_t add_step(step_list *list, step s, int gives_mask) {
  if (list->step_count == most_steps) list->failed = 1;
  if (list->failed) return 0;
  s.out = new_value(list, gives_mask);
  list->steps[list->step_count++] = s;
  return s.out;
}

static inline int32_t binary(step_list *list, instruction what, int32_t a, int32_t b) {
  return add_step(list, (step){STEP_BINARY, what, 0, a, b, -1, 0}, 0);
}
static inline int32_t multiply_add(step_list *list, int32_t a, int32_t b, int32_t c) {
  return add_step(list, (step){STEP_MULTIPLY_ADD, {0}, 0, a, b, c, 0}, 0);
}
/// c - a b
static inline int32_t subtract_product(step_list *list, int32_t a, int32_t b, int32_t c) {
  return add_step(list, (step){STEP_MULTIPLY_ADD, {0}, 0, a, b, c, 1}, 0);
}
/// Where `mask` is true, `code` of x by a call; else y, which nobody else may read.
static inline int32_t rarely(step_list *list, int32_t mask, soma_unary code, int32_t x, int32_t y) {
  return add_step(list, (step){STEP_RARE, {0}, 0, y, x, mask, (int32_t)code}, 0);
}
static inline int32_t binary_with(step_list *list, instruction what, int32_t a, int32_t b, int immediate) {
  return add_step(list, (step){STEP_BINARY, what, 0, a, b, -1, immediate}, 0);
}
static inline int32_t unary(step_list *list, instruction what, int32_t a, int immediate) {
  return add_step(list, (step){STEP_UNARY, what, 0, a, -1, -1, immediate}, 0);
}
static inline int32_t compare(step_list *list, int predicate, int32_t a, int32_t b) {
  return add_step(list, (step){STEP_COMPARE, COMPARE, 0, a, b, -1, predicate}, 1);
}
static inline int32_t blend(step_list *list, int32_t mask, int32_t yes, int32_t no) {
  return add_step(list, (step){STEP_BLEND, BLEND, 0, no, yes, mask, 0}, 0);
}
static inline int32_t mask_operation(step_list *list, int opcode, int32_t a, int32_t b) {
  return add_step(list, (step){STEP_MASK, {0, 0, (uint8_t)opcode, 0, 0}, 0, a, b, -1, 0}, 1);
}

static inline int is_in_memory(const step_list *list, int32_t v) {
  return list->values[v].home == HOME_CONSTANT || list->values[v].home == HOME_SCALAR;
}
/// Of operations whose operands may be exchanged: the last one can be an element in memory that is repeated.
static inline int32_t commuting(step_list *list, instruction what, int32_t a, int32_t b) {
  return is_in_memory(list, a) ? binary(list, what, b, a) : binary(list, what, a, b);
}

static inline uint64_t sign_bit(const step_list *list) { return list->is_double ? 1ull << 63 : 1ull << 31; }
static inline double known(const step_list *list, int32_t constant) {
  const uint64_t bits = list->constants[list->values[constant].number];
  double x;
  float single;
  if (list->is_double) {
    memcpy(&x, &bits, 8);
    return x;
  }
  memcpy(&single, &bits, 4);
  return single;
}

#endif
