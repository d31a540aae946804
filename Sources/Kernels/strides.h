// How a strided copy is walked.
#ifndef SOMA_STRIDES_H
#define SOMA_STRIDES_H

#include "levels.h"

struct axis {
  int64_t count, out, in;
};

/// `rank` axes walked by counters, then two more: a transposition where `in` of the first and `out` of the second
/// are 1, or lines along the second.
struct plan {
  struct axis axes[18];
  int rank;
  int transposes;
};

/// False if there is nothing to copy.
int soma_make_plan(struct plan *plan, const int64_t *out_strides, const int64_t *in_strides, const int64_t *dims,
                   int rank);

ALWAYS_INLINE int64_t index_at(const void *indices, int wide, size_t i) {
  return wide ? ((const int64_t *)indices)[i] : ((const int32_t *)indices)[i];
}

#endif
