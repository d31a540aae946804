#define _DEFAULT_SOURCE
#include "machine_build.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static _Thread_local int allowance = 1;
void soma_allow_machine_code(int allowed) { allowance = allowed; }

int soma_makes_machine_code(void) {
#if defined(__x86_64__)
  return allowance != 0 && soma_cpu_level() == 2 && __builtin_cpu_supports("bmi2");
#else
  return 0;
#endif
}

static int is_number(soma_dtype dtype) { return dtype == SOMA_F32 || dtype == SOMA_F64; }

int soma_machine_has(const soma_operation *o) {
  if (!is_number(o->dtype) && o->dtype != SOMA_BOOL) return 0;
  const int on_bool = o->dtype == SOMA_BOOL;
  switch (o->kind) {
  case SOMA_OPERATION_UNARY:
    switch (o->code) {
    case SOMA_NEGATE: case SOMA_ABS: case SOMA_SIGN: case SOMA_FLOOR: case SOMA_CEIL: case SOMA_ROUND: case SOMA_SQRT:
    case SOMA_RSQRT: case SOMA_IS_FINITE: return !on_bool;
    case SOMA_NOT: return on_bool;
    default: return o->dtype == SOMA_F32 && soma_machine_has_function((soma_unary)o->code);
    }
  case SOMA_OPERATION_BINARY:
    switch (o->code) {
    case SOMA_ADD: case SOMA_MULTIPLY: case SOMA_MAXIMUM: case SOMA_MINIMUM: return 1;
    case SOMA_SUBTRACT: case SOMA_DIVIDE: return !on_bool;
    case SOMA_AND: case SOMA_OR: case SOMA_XOR: return on_bool;
    default: return 0;
    }
  case SOMA_OPERATION_COMPARE:
  case SOMA_OPERATION_SELECT: return 1;
  case SOMA_OPERATION_CAST: return on_bool ? is_number((soma_dtype)o->code) : o->code == SOMA_BOOL;
  }
  return 0;
}

/// When each value is read first, next and last.
static void find_uses(step_list *list) {
  for (int v = 0; v < list->value_count; v++) list->values[v].first_use = list->step_count;
  for (int s = list->step_count - 1; s >= 0; s--) {
    step *it = &list->steps[s];
    const int32_t reads[] = {it->a, it->b, it->c};
    for (int k = 0; k < 3; k++) it->next[k] = reads[k] >= 0 ? list->values[reads[k]].first_use : list->step_count;
    for (int k = 0; k < 3; k++) {
      if (reads[k] < 0) continue;
      value *v = &list->values[reads[k]];
      v->first_use = s;
      if (v->last_use < 0) v->last_use = s;
    }
  }
}

/// The steps of a program; 0 if some of it cannot be made.
static int make_steps(step_list *list, const soma_machine_operand *operands, int operand_count,
                      const soma_operation *operations, int operation_count, const soma_machine_result *results,
                      int result_count) {
  list->operand_count = list->value_count = operand_count;
  list->step_count = list->constant_count = list->failed = 0;
  // F32 or F64, not both.
  int has[SOMA_DTYPE_COUNT] = {0};
  for (int i = 0; i < operation_count; i++) {
    if (!soma_machine_has(&operations[i])) return 0;
    has[operations[i].dtype] = 1;
    if (operations[i].kind == SOMA_OPERATION_CAST) has[operations[i].code] = 1;
  }
  if (has[SOMA_F32] && has[SOMA_F64]) return 0;
  list->is_double = has[SOMA_F64];
  int32_t frame = 0;
  for (int v = 0; v < operand_count; v++) {
    const soma_machine_operand *it = &operands[v];
    if (it->dtype != SOMA_BOOL && it->dtype != (list->is_double ? SOMA_F64 : SOMA_F32)) return 0;
    list->values[v] = (value){.is_mask = it->dtype == SOMA_BOOL, .home = HOME_ARRAY, .number = v, .is_far = it->is_far,
                              .last_use = -1};
    if (!it->is_scalar) continue;
    list->values[v].home = HOME_SCALAR;
    list->values[v].number = frame;
    frame += 8;
  }
  int32_t values[most_operations];
  for (int i = 0; i < operation_count; i++) {
    int32_t x[3];
    const soma_operation *o = &operations[i];
    const int count = o->kind == SOMA_OPERATION_SELECT                                          ? 3
                      : o->kind == SOMA_OPERATION_UNARY || o->kind == SOMA_OPERATION_CAST ? 1
                                                                                          : 2;
    for (int k = 0; k < 3; k++) {
      const int32_t v = o->operands[k < count ? k : 0];
      if (v < 0 || v >= operand_count + i) return 0;
      x[k] = v < operand_count ? v : values[v - operand_count];
      if (v < operand_count && operands[v].is_known && operands[v].is_scalar && operands[v].dtype != SOMA_BOOL)
        x[k] = constant(list, operands[v].bits);
    }
    values[i] = soma_machine_steps(list, o, x);
    for (int k = 0; k < result_count; k++) {
      if (results[k].value != operand_count + i) continue;
      if (list->step_count == most_steps) list->failed = 1;
      if (list->failed) return 0;
      list->steps[list->step_count++] = (step){STEP_STORE, {0}, -1, values[i], -1, -1, operand_count + k, results[k].streams};
    }
  }
  find_uses(list);
  return !list->failed;
}

/// Puts the constants behind the code and fills in how far they are.
static void put_constants(assembler *a, const step_list *list) {
  while (a->code.count % 8) put(&a->code, 0xcc);
  const size_t start = a->code.count;
  for (int i = 0; i < list->constant_count; i++)
    put_bytes(&a->code, (const uint8_t *)&list->constants[i], sizeof list->constants[i]);
  if (a->code.count > a->code.capacity) a->failed = 1;
  for (int i = 0; i < a->fixup_count && !a->failed; i++) {
    const fixup *it = &a->fixups[i];
    const int32_t distance = (int32_t)(start + 8 * (size_t)it->constant - it->position - (size_t)it->bytes_after);
    memcpy(a->code.bytes + it->position, &distance, 4);
  }
}

/// Memory with the code that may be executed and not written.
static int make_executable(const assembler *a, soma_machine_code *code) {
  if (allowance < 0) return 0;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (a->code.count + page - 1) / page * page;
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 0;
  memcpy(memory, a->code.bytes, a->code.count);
  if (mprotect(memory, bytes, PROT_READ | PROT_EXEC) != 0) {
    munmap(memory, bytes);
    return 0;
  }
  code->memory = memory;
  code->bytes = bytes;
  return 1;
}

enum { most_code = 1 << 17 };
typedef struct {
  step_list list;
  assembler a;
  uint8_t bytes[most_code];
} workspace;

int soma_machine_make(const soma_machine_operand *operands, int operand_count, const soma_operation *operations,
                      int operation_count, const soma_machine_result *results, int result_count,
                      soma_machine_code *code) {
  if (!soma_makes_machine_code()) return 0;
  if (operation_count < 1 || operation_count > most_operations || operand_count > most_values / 2) return 0;
  workspace *w = malloc(sizeof *w);
  if (!w) return 0;
  int is_made = make_steps(&w->list, operands, operand_count, operations, operation_count, results, result_count);
  int streams = 0;
  for (int k = 0; k < result_count; k++) streams |= results[k].streams;
  if (is_made) {
    assembler *a = &w->a;
    a->code = (code_buffer){w->bytes, 0, most_code};
    a->fixup_count = a->failed = 0;
    soma_machine_write(a, &w->list, 0);
    while (a->code.count % 64) put(&a->code, 0xcc);
    const size_t second = a->code.count;
    if (streams) soma_machine_write(a, &w->list, 1);
    put_constants(a, &w->list);
    is_made = !a->failed && make_executable(a, code);
    if (is_made) {
      code->run = (soma_machine_function)code->memory;
      code->stream = streams ? (soma_machine_function)((char *)code->memory + second) : NULL;
    }
  }
  free(w);
  return is_made;
}

void soma_machine_free(soma_machine_code *code) {
  if (code->memory) munmap(code->memory, code->bytes);
  *code = (soma_machine_code){0};
}
