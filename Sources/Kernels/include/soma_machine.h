// Machine code, made at run time, for elementwise operations in a row: operands are loaded once, values between the
// operations stay in registers, and only what others read is stored.
#ifndef SOMA_MACHINE_H
#define SOMA_MACHINE_H

#include "soma_elementwise.h"

typedef enum {
  SOMA_OPERATION_UNARY, SOMA_OPERATION_BINARY, SOMA_OPERATION_COMPARE, SOMA_OPERATION_SELECT, SOMA_OPERATION_CAST
} soma_operation_kind;

/// One operation. `code` is a `soma_unary`, `soma_binary` or `soma_compare`, or the type that a cast gives; `dtype` is
/// the operands' type (of a selection: that of its last two). Operands are numbers of values: those from outside first,
/// then one for each operation before this one.
typedef struct {
  soma_operation_kind kind;
  int32_t code;
  soma_dtype dtype;
  int32_t operands[3];
} soma_operation;

/// A value from outside: an array, or one element that is repeated. The bits of a known element are in `bits`. `is_far`:
/// the array comes from memory and is asked for ahead.
typedef struct {
  soma_dtype dtype;
  int32_t is_scalar, is_known, is_far;
  uint64_t bits;
} soma_machine_operand;

/// A value that is stored; `streams` if the bypassing of caches may pay, which needs more elements than they hold.
typedef struct {
  int32_t value, streams;
} soma_machine_result;

/// `addresses` of the operands from outside, then of the results; elements `0 ..< count`.
typedef void (*soma_machine_function)(char *const *addresses, size_t count);

typedef struct {
  soma_machine_function run;
  /// The same with results that bypass the caches, NULL unless some of them stream. All must then begin at multiples
  /// of 64 bytes.
  soma_machine_function stream;
  void *memory;
  size_t bytes;
} soma_machine_code;

/// Whether there is code for an operation: some of F32, F64 and bool.
int soma_machine_has(const soma_operation *operation);

/// Whether an operation on F32 is a function of many instructions that there is code for.
int soma_machine_has_function(soma_unary code);

/// Makes the code. The results have the same bits as those of the maps (of a NaN: that it is one), an operand is read
/// before or while the last operation that has it runs, and a result is stored as soon as it is computed: a result may
/// be written over an operand that later operations do not read.
/// - Returns: 0 if it cannot be made: other types, F32 and F64 in one program, a processor of a lower level, or a
///   system that gives no executable memory. Then `code` is untouched.
int soma_machine_make(const soma_machine_operand *operands, int operand_count, const soma_operation *operations,
                      int operation_count, const soma_machine_result *results, int result_count,
                      soma_machine_code *code);

void soma_machine_free(soma_machine_code *code);

/// Whether machine code may be made now: on a processor of level 2, by a thread that has not given it up.
int soma_makes_machine_code(void);

/// Whether the calling thread makes machine code, 1 unless changed: with 0 tests compare it with what it replaces, with -1
/// they have it refused when it is made, as by a system that gives no executable memory.
void soma_allow_machine_code(int allowed);

#endif
