#include "soma_fused.h"

#include <string.h>

static inline char *address(const soma_ref *ref, void *const *pointers, char *scratch, size_t row, size_t n) {
  if (ref->slot < 0) return scratch + ref->offset;
  char *base = (char *)pointers[ref->slot] + ref->offset;
  switch (ref->level) {
    case SOMA_LEVEL_ROW: return base + row * (size_t)ref->size;
    case SOMA_LEVEL_ELEMENT: return base + row * n * (size_t)ref->size;
    default: return base;
  }
}

/// A walk through a view, run by run along its innermost axis.
typedef struct {
  const soma_view *view;
  int64_t index[8], position;
} walk;

static inline walk begin_walk(const soma_view *view, size_t start) {
  walk it = {.view = view};
  size_t rest = start;
  for (int d = view->rank - 1; d >= 0; --d) {
    it.index[d] = (int64_t)(rest % (size_t)view->dims[d]);
    rest /= (size_t)view->dims[d];
    it.position += it.index[d] * view->strides[d];
  }
  return it;
}

/// The elements left of the run, `most` at most.
static inline size_t run_length(const walk *it, size_t most) {
  const int last = it->view->rank - 1;
  size_t run = (size_t)(it->view->dims[last] - it->index[last]);
  return run < most ? run : most;
}

/// On to the next run: carries into the outer axes.
static inline void next_run(walk *it) {
  const soma_view *view = it->view;
  const int last = view->rank - 1;
  it->position -= it->index[last] * view->strides[last];
  it->index[last] = 0;
  for (int d = last - 1; d >= 0; --d) {
    it->position += view->strides[d];
    if (++it->index[d] < view->dims[d]) break;
    it->position -= view->dims[d] * view->strides[d];
    it->index[d] = 0;
  }
}

// Whole runs of a few elements, `runs` of them `stride` apart: calls and carries would cost more than the copies. For a
// constant `length` the inner loops are a store or two.
#define SHORT_RUNS(T)                                                                                             \
  static inline __attribute__((always_inline)) void short_runs_of_##T(T *restrict out, const T *restrict in,      \
                                                                      size_t runs, int64_t stride, int64_t step,  \
                                                                      size_t length) {                            \
    if (step == 0) {                                                                                              \
      for (size_t r = 0; r < runs; r++, in += stride, out += length)                                              \
        for (size_t j = 0; j < length; j++) out[j] = *in;                                                         \
    } else {                                                                                                      \
      for (size_t r = 0; r < runs; r++, in += stride, out += length)                                              \
        for (size_t j = 0; j < length; j++) out[j] = in[j];                                                       \
    }                                                                                                             \
  }                                                                                                               \
  static void short_runs_##T(void *out, const void *in, size_t runs, int64_t stride, int64_t step,                \
                             size_t length) {                                                                     \
    switch (length) {                                                                                             \
      case 2: short_runs_of_##T(out, in, runs, stride, step, 2); break;                                           \
      case 3: short_runs_of_##T(out, in, runs, stride, step, 3); break;                                           \
      case 4: short_runs_of_##T(out, in, runs, stride, step, 4); break;                                           \
      case 8: short_runs_of_##T(out, in, runs, stride, step, 8); break;                                           \
      case 16: short_runs_of_##T(out, in, runs, stride, step, 16); break;                                         \
      default: short_runs_of_##T(out, in, runs, stride, step, length); break;                                     \
    }                                                                                                             \
  }
SHORT_RUNS(uint32_t)
SHORT_RUNS(uint64_t)

/// Gathers `count` elements that begin at flat position `start` of the view's shape.
static void load(char *out, const char *base, const soma_view *view, size_t size, size_t start, size_t count) {
  const int last = view->rank - 1;
  const int64_t step = view->strides[last];
  const size_t length = (size_t)view->dims[last];
  const int is_short = last > 0 && length <= 32 && (size == 4 || size == 8) && (step == 0 || step == 1);
  for (walk it = begin_walk(view, start); count > 0;) {
    const char *source = base + it.position * (int64_t)size;
    if (is_short && it.index[last] == 0 && count >= length) {
      size_t runs = (size_t)(view->dims[last - 1] - it.index[last - 1]);
      if (runs > count / length) runs = count / length;
      const int64_t stride = view->strides[last - 1];
      if (size == 4)
        short_runs_uint32_t(out, source, runs, stride, step, length);
      else
        short_runs_uint64_t(out, source, runs, stride, step, length);
      out += runs * length * size;
      count -= runs * length;
      // The last of them is where the walk stands, then it goes on.
      it.index[last - 1] += (int64_t)runs - 1;
      it.position += ((int64_t)runs - 1) * stride;
    } else {
      const size_t run = run_length(&it, count);
      if (step == 1) {
        memcpy(out, source, run * size);
      } else if (step == 0) {
        soma_fill(out, source, size, run);
      } else {
        int64_t one = 1, dims = (int64_t)run;
        soma_copy_strided(size, out, &one, source, &step, &dims, 1);
      }
      out += run * size;
      count -= run;
    }
    next_run(&it);
  }
}

static void map_runs(const soma_instruction *i, char *out, const char *a, const char *b, size_t start, size_t count) {
  const size_t size = (size_t)i->out.size;
  for (walk it = begin_walk(&i->view, start); count > 0; next_run(&it)) {
    const size_t run = run_length(&it, count);
    const int64_t offset = it.position * (int64_t)size;
    if (i->op == 0) {
      i->map(out, a + offset, b, NULL, run);
      b += run * size;
    } else {
      i->map(out, a, b + offset, NULL, run);
      a += run * size;
    }
    out += run * size;
    count -= run;
  }
}

static void map_rows(const soma_instruction *i, char *out, const char *a, const char *b, size_t rows, size_t n) {
  const size_t size = (size_t)i->out.size, a_step = i->op == 0 ? size : n * size, b_step = i->op == 0 ? n * size : size;
  for (size_t r = 0; r < rows; r++, out += n * size, a += a_step, b += b_step) i->map(out, a, b, NULL, n);
}

static void run_code(const soma_instruction *i, void *const *pointers, char *scratch, size_t row, size_t n,
                     size_t count) {
  char *addresses[SOMA_MOST_REFS];
  for (int32_t r = 0; r < i->ref_count; r++) addresses[r] = address(&i->refs[r], pointers, scratch, row, n);
  // What is written over an operand is in cache.
  int streams = i->code.stream != NULL;
  for (int32_t r = i->op; streams && r < i->ref_count; r++) {
    streams = (uintptr_t)addresses[r] % 64 == 0;
    for (int32_t s = 0; s < i->op; s++) streams &= addresses[s] != addresses[r];
  }
  (streams ? i->code.stream : i->code.run)(addresses, count);
}

static inline void execute(const soma_instruction *i, void *const *pointers, char *scratch, size_t row, size_t rows,
                           size_t n) {
  const size_t count = i->level == SOMA_LEVEL_ROW ? rows : rows * n;
  if (i->kind == SOMA_FUSED_CODE) {
    run_code(i, pointers, scratch, row, n, count);
    return;
  }
  char *out = address(&i->out, pointers, scratch, row, n);
  const char *a = address(&i->a, pointers, scratch, row, n);
  switch (i->kind) {
    case SOMA_FUSED_MAP:
      i->map(out, a, address(&i->b, pointers, scratch, row, n), address(&i->c, pointers, scratch, row, n), count);
      break;
    case SOMA_FUSED_MAP_RUNS:
      map_runs(i, out, a, address(&i->b, pointers, scratch, row, n), i->level == SOMA_LEVEL_ROW ? row : row * n, count);
      break;
    case SOMA_FUSED_MAP_ROWS: map_rows(i, out, a, address(&i->b, pointers, scratch, row, n), rows, n); break;
    case SOMA_FUSED_POLYGAMMA: soma_polygamma(i->op, i->dtype, out, a, count); break;
    case SOMA_FUSED_LOAD:
      load(out, a, &i->view, (size_t)i->a.size, i->level == SOMA_LEVEL_ROW ? row : row * n, count);
      break;
    case SOMA_FUSED_EXPAND: {
      const size_t size = (size_t)i->a.size;
      for (size_t r = 0; r < rows; ++r) soma_fill(out + r * n * size, a + r * size, size, n);
      break;
    }
    case SOMA_FUSED_REDUCE: soma_reduce((soma_reduction)i->op, i->dtype, out, a, rows, n, 1); break;
    case SOMA_FUSED_FILL: soma_fill(out, a, (size_t)i->a.size, count); break;
    case SOMA_FUSED_CODE: break;
  }
}

// What an instruction of the next block reads from memory is asked for while this block's instructions run, a few
// lines at a time: the processor waits if more are under way.
enum { most_lines = 32 };
static inline void prefetch(const soma_ref *ref, void *const *pointers, size_t row, size_t rows, size_t n, size_t part,
                            size_t parts) {
  if (ref->slot < 0 || ref->level == SOMA_LEVEL_SCALAR) return;
  const size_t row_bytes = (ref->level == SOMA_LEVEL_ROW ? 1 : n) * (size_t)ref->size;
  const size_t lines = (rows * row_bytes + 63) / 64;
  const char *next = (const char *)pointers[ref->slot] + ref->offset + row * row_bytes;
  const size_t first = lines * part / parts;
  size_t end = lines * (part + 1) / parts;
  if (end > first + most_lines) end = first + most_lines;
  for (size_t l = first; l < end; l++) __builtin_prefetch(next + 64 * l, 0, 2);
}

void soma_run_fused(const soma_fused_program *p, void *const *pointers, void *scratch, size_t first, size_t last) {
  for (int32_t k = 0; k < p->prologue_count; ++k)
    execute(&p->prologue[k], pointers, scratch, 0, p->block_rows, p->n);
  if (p->is_whole) {
    execute(p->body, pointers, scratch, first, last - first, p->n);
    return;
  }
  for (size_t row = first; row < last; row += p->block_rows) {
    const size_t rows = last - row < p->block_rows ? last - row : p->block_rows, next = row + rows;
    const size_t next_rows = last - next < p->block_rows ? last - next : p->block_rows;
    for (int32_t k = 0; k < p->body_count; ++k) {
      if (next_rows > 0)
        for (int32_t s = 0; s < p->source_count; s++)
          prefetch(&p->sources[s], pointers, next, next_rows, p->n, (size_t)k, (size_t)p->body_count);
      execute(&p->body[k], pointers, scratch, row, rows, p->n);
    }
  }
}
