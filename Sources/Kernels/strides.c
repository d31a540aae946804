#include "strides.h"

ALWAYS_INLINE int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

int soma_make_plan(struct plan *plan, const int64_t *out_strides, const int64_t *in_strides, const int64_t *dims,
                   int rank) {
  struct axis axes[16];
  int count = 0;
  for (int i = 0; i < rank; i++) {
    if (dims[i] <= 0) return 0;
    if (dims[i] == 1) continue;
    // A copy may be walked in any order: sort by the output's stride, largest first.
    struct axis axis = {dims[i], out_strides[i], in_strides[i]};
    int at = count++;
    for (; at > 0 && magnitude(axes[at - 1].out) < magnitude(axis.out); at--) axes[at] = axes[at - 1];
    axes[at] = axis;
  }
  // Merge neighbours which are one longer axis in both arrays.
  int merged = 0;
  for (int i = 0; i < count; i++) {
    struct axis *before = merged > 0 ? &axes[merged - 1] : NULL;
    if (before && before->out == axes[i].out * axes[i].count && before->in == axes[i].in * axes[i].count) {
      *before = (struct axis){before->count * axes[i].count, axes[i].out, axes[i].in};
    } else {
      axes[merged++] = axes[i];
    }
  }
  const struct axis one = {1, 0, 0};
  struct axis line = merged > 0 ? axes[--merged] : (struct axis){1, 1, 1}, rows = one;
  plan->transposes = 0;
  if (line.out == 1 && line.in != 1 && line.in != 0 && line.count >= 4) {
    for (int i = 0; i < merged; i++) {
      if (axes[i].in == 1 && axes[i].count >= 4) {
        rows = axes[i];
        for (merged--; i < merged; i++) axes[i] = axes[i + 1];
        plan->transposes = 1;
      }
    }
  }
  if (!plan->transposes && merged > 0) rows = axes[--merged];
  memcpy(plan->axes, axes, sizeof(struct axis) * (size_t)merged);
  plan->axes[merged] = rows;
  plan->axes[merged + 1] = line;
  plan->rank = merged;
  return 1;
}
