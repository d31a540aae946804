// Chains of elementwise operations and reductions of rows, evaluated block by block in cache.
#ifndef SOMA_FUSED_H
#define SOMA_FUSED_H

#include "soma_machine.h"
#include "soma_structure.h"

typedef enum { SOMA_LEVEL_SCALAR, SOMA_LEVEL_ROW, SOMA_LEVEL_ELEMENT } soma_level;

/// Where an operand of a block lies: `slot` < 0 means the scratch memory; else `pointers[slot]`, advanced to the block's
/// first row or element.
typedef struct {
  int32_t slot;
  int32_t size;
  int32_t level;
  int64_t offset;
} soma_ref;

/// A tensor read through strides (in elements) as if it had the block's shape: a broadcast or a slice.
typedef struct {
  int32_t rank;
  int64_t dims[8], strides[8];
} soma_view;

/// MAP_RUNS is a binary map one operand of which is read through `view`, in runs along its innermost axis: `map` gets
/// neighbours where the view steps by 1, and is the map with a scalar operand where it repeats an element. MAP_ROWS is
/// a binary map with a scalar operand that is one for each row. `op` tells whether that operand is `a` (0) or `b` (1).
/// CODE is machine code for several elementwise operations.
typedef enum {
  SOMA_FUSED_MAP, SOMA_FUSED_MAP_RUNS, SOMA_FUSED_MAP_ROWS, SOMA_FUSED_POLYGAMMA, SOMA_FUSED_LOAD, SOMA_FUSED_EXPAND,
  SOMA_FUSED_REDUCE, SOMA_FUSED_FILL, SOMA_FUSED_CODE
} soma_fused_kind;

typedef struct {
  soma_fused_kind kind;
  /// ROW: as many elements as the block has rows; ELEMENT: rows times n.
  soma_level level;
  soma_map map;
  soma_ref out, a, b, c;
  /// The reduction, the order of polygamma, or the operand of MAP_RUNS and MAP_ROWS.
  int32_t op;
  soma_dtype dtype;
  soma_view view;
  /// Of CODE: its `op` operands and then its results.
  soma_machine_code code;
  const soma_ref *refs;
  int32_t ref_count;
} soma_instruction;

/// Operands and results of a CODE instruction at most.
enum { SOMA_MOST_REFS = 128 };

typedef struct {
  const soma_instruction *prologue, *body;
  int32_t prologue_count, body_count;
  /// What the body reads from memory, each once.
  const soma_ref *sources;
  int32_t source_count;
  /// Whether the body is one CODE instruction that needs no scratch memory: its block is all there is to do, because
  /// memory is read best in long runs.
  int32_t is_whole;
  /// Elements of a row, and rows of a block.
  size_t n, block_rows;
} soma_fused_program;

/// Evaluates rows `first ..< last`. `scratch` belongs to this call.
void soma_run_fused(const soma_fused_program *program, void *const *pointers, void *scratch, size_t first, size_t last);

#endif
