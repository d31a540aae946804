// What elementwise programs are made of between operations and instructions: steps, one vector instruction each, on
// values that have no registers yet.
#ifndef SOMA_MACHINE_STEPS_H
#define SOMA_MACHINE_STEPS_H

#include "machine_encoder.h"
#include "soma_machine.h"

/// Where a value can be had again when it is in no register.
typedef enum { HOME_NOWHERE, HOME_ARRAY, HOME_CONSTANT, HOME_SCALAR, HOME_FRAME } home_kind;

typedef struct {
  /// `is_far`: an array that is asked for ahead.
  int is_mask, is_far;
  home_kind home;
  /// The operand's number, the constant's number, or the displacement in the frame.
  int32_t number;
  /// The first and the last step that reads it; the last is -1 if none does.
  int32_t first_use, last_use;
} value;

typedef enum {
  /// out = what(a, b), and with one operand out = what(a).
  STEP_BINARY, STEP_UNARY,
  /// The mask out = what(a, b), and with one operand out = what(a).
  STEP_COMPARE, STEP_CLASSIFY,
  /// out = c ? b : a
  STEP_BLEND,
  /// out = c ? b : 0, b a constant.
  STEP_KEEP,
  /// Masks; b is -1 where there is no second.
  STEP_MASK,
  /// out = a b + c, and c - a b if the immediate is 1, rounded once.
  STEP_MULTIPLY_ADD,
  /// out = a, but where c is true the function `immediate` of b, by a call; rarely any is.
  STEP_RARE,
  /// Writes a to array `immediate`, past the caches if `streams`.
  STEP_STORE
} step_kind;

typedef struct {
  step_kind kind;
  instruction what;
  int32_t out, a, b, c, immediate, streams;
  /// The next step that reads a, b, c.
  int32_t next[3];
} step;

enum { most_values = 4096, most_steps = 4096, most_constants = 512, most_operations = 512 };

typedef struct {
  int is_double;
  int operand_count, value_count, step_count, constant_count;
  value values[most_values];
  step steps[most_steps];
  uint64_t constants[most_constants];
  int32_t constant_values[most_constants];
  int failed;
} step_list;

/// Adds the steps of one operation on values; gives the value of its result.
int32_t soma_machine_steps(step_list *list, const soma_operation *operation, const int32_t operands[3]);
/// The same for functions that are more than an instruction or two, F32. The steps do what the vector functions of
/// exponential_level.h and special_level.h do, product by product, so that the bits agree.
int32_t soma_machine_function_steps(step_list *list, soma_unary code, int32_t x);

/// Writes the function that runs the steps: loops over elements 8 or 16 at a time. `streams`: stores bypass the caches.
void soma_machine_write(assembler *a, const step_list *list, int streams);

#endif
