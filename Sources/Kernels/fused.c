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

/// Gathers `count` elements that begin at flat position `start` of the view's shape.
static void load(char *out, const char *base, const soma_view *view, size_t size, size_t start, size_t count) {
  int rank = view->rank;
  int64_t index[8];
  size_t rest = start;
  int64_t position = 0;
  for (int d = rank - 1; d >= 0; --d) {
    index[d] = (int64_t)(rest % (size_t)view->dims[d]);
    rest /= (size_t)view->dims[d];
    position += index[d] * view->strides[d];
  }
  const int64_t inner = view->dims[rank - 1], step = view->strides[rank - 1];
  while (count > 0) {
    size_t run = (size_t)(inner - index[rank - 1]);
    if (run > count) run = count;
    const char *source = base + position * (int64_t)size;
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
    // On to the next run: carry into the outer axes.
    position -= index[rank - 1] * step;
    index[rank - 1] = 0;
    for (int d = rank - 2; d >= 0; --d) {
      position += view->strides[d];
      if (++index[d] < view->dims[d]) break;
      position -= view->dims[d] * view->strides[d];
      index[d] = 0;
    }
  }
}

static inline void execute(const soma_instruction *i, void *const *pointers, char *scratch, size_t row, size_t rows,
                           size_t n) {
  const size_t count = i->level == SOMA_LEVEL_ROW ? rows : rows * n;
  char *out = address(&i->out, pointers, scratch, row, n);
  const char *a = address(&i->a, pointers, scratch, row, n);
  switch (i->kind) {
    case SOMA_FUSED_MAP:
      i->map(out, a, address(&i->b, pointers, scratch, row, n), address(&i->c, pointers, scratch, row, n), count);
      break;
    case SOMA_FUSED_POLYGAMMA: soma_polygamma(i->op, i->dtype, out, a, count); break;
    case SOMA_FUSED_LOAD: load(out, a, &i->view, (size_t)i->a.size, i->level == SOMA_LEVEL_ROW ? row : row * n, count); break;
    case SOMA_FUSED_EXPAND: {
      const size_t size = (size_t)i->a.size;
      for (size_t r = 0; r < rows; ++r) soma_fill(out + r * n * size, a + r * size, size, n);
      break;
    }
    case SOMA_FUSED_REDUCE: soma_reduce((soma_reduction)i->op, i->dtype, out, a, rows, n, 1); break;
    case SOMA_FUSED_FILL: soma_fill(out, a, (size_t)i->a.size, count); break;
  }
}

void soma_run_fused(const soma_fused_program *p, void *const *pointers, void *scratch, size_t first, size_t last) {
  for (int32_t k = 0; k < p->prologue_count; ++k)
    execute(&p->prologue[k], pointers, scratch, 0, p->block_rows, p->n);
  for (size_t row = first; row < last; row += p->block_rows) {
    const size_t rows = last - row < p->block_rows ? last - row : p->block_rows;
    for (int32_t k = 0; k < p->body_count; ++k) execute(&p->body[k], pointers, scratch, row, rows, p->n);
  }
}
