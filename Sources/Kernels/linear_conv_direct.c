// Convolutions on AVX-512 without a library: oneDNN allocates in every call, wants blocked layouts and has no double
// precision.
#include <string.h>

#include "linear_conv_plan.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma")))
#include "linear_transpose.h"

#include "linear_single.h"
#include "linear_conv_direct_body.h"
#include "linear_conv_winograd_body.h"
#include "linear_undefine.h"
#include "linear_double.h"
#include "linear_conv_direct_body.h"
#include "linear_conv_winograd_body.h"
#include "linear_undefine.h"

size_t soma_conv_plan_units(const soma_conv_plan *plan) {
  if (plan->tiles && plan->role != SOMA_CONV_KERNEL) return (size_t)(divide_up(plan->batch, plan->together) * plan->splits);
  return (size_t)(plan->role == SOMA_CONV_KERNEL ? plan->batch : plan->batch * plan->splits);
}

size_t soma_conv_plan_blocks(const soma_conv_plan *plan) {
  return plan->role == SOMA_CONV_KERNEL ? 0 : (size_t)(plan->groups * block_count(plan->results));
}

size_t soma_conv_plan_packed(const soma_conv_plan *plan) {
  return plan->role == SOMA_CONV_KERNEL ? 0 : (size_t)(plan->groups * plan->packed) * plan->size;
}

size_t soma_conv_plan_scratch(const soma_conv_plan *plan) {
  int64_t elements = 0;
  if (plan->tiles) {
    // Frames, three vectors of transformed tiles, and sums of them.
    const int64_t lanes = plan->size == 4 ? 16 : 8;
    if (plan->role == SOMA_CONV_KERNEL) {
      // A frame, a square for each number of a tile, sums, and as many vectors of tiles as are multiplied at a time.
      const int64_t line = divide_up(plan->sources, lanes) * lanes, tiles = plan->together * lanes;
      elements = plan->sources * plan->frame.plane + lanes + 16 * (lanes * lanes + plan->results * line) +
                 16 * tiles * (line + plan->results);
      return (size_t)elements * plan->size;
    }
    elements = plan->together * plan->sources * plan->frame.plane + 16 * 3 * lanes * (plan->sources + conv_rows) + 64;
    return (size_t)elements * plan->size;
  }
  const int64_t frames = plan->role == SOMA_CONV_KERNEL ? (plan->frames < plan->batch ? plan->frames : plan->batch) : 1;
  // The last vector of a line may write past it.
  if (!plan->frame.is_direct) elements += frames * plan->sources * plan->frame.plane + 16;
  if (plan->merge > 1) elements += plan->results * plan->merge * plan->merge_length * plan->merge_lines;
  return (size_t)elements * plan->size;
}

void soma_conv_plan_pack(const soma_conv_plan *plan, const void *kernel, void *packed, size_t first, size_t end) {
  for (size_t block = first; block < end; block++) {
    const int64_t unit = (int64_t)block;
    if (plan->dtype == SOMA_F32)
      (plan->tiles ? winograd_pack_f32 : conv_pack_f32)(plan, kernel, packed, unit);
    else
      (plan->tiles ? winograd_pack_f64 : conv_pack_f64)(plan, kernel, packed, unit);
  }
}

void soma_conv_plan_run(const soma_conv_plan *plan, const void *first, const void *second, void *result, void *scratch,
                        size_t first_unit, size_t end_unit) {
  const int64_t from = (int64_t)first_unit, to = (int64_t)end_unit;
  if (plan->role == SOMA_CONV_KERNEL) {
    if (plan->dtype == SOMA_F32)
      (plan->tiles ? winograd_gradient_f32 : conv_gradient_f32)(plan, first, second, result, scratch, from, to);
    else
      (plan->tiles ? winograd_gradient_f64 : conv_gradient_f64)(plan, first, second, result, scratch, from, to);
  } else if (plan->dtype == SOMA_F32) {
    (plan->tiles ? winograd_images_f32 : conv_images_f32)(plan, first, second, result, scratch, from, to);
  } else {
    (plan->tiles ? winograd_images_f64 : conv_images_f64)(plan, first, second, result, scratch, from, to);
  }
}

#else

size_t soma_conv_plan_units(const soma_conv_plan *plan) { return 0; }
size_t soma_conv_plan_blocks(const soma_conv_plan *plan) { return 0; }
size_t soma_conv_plan_packed(const soma_conv_plan *plan) { return 0; }
size_t soma_conv_plan_scratch(const soma_conv_plan *plan) { return 0; }
void soma_conv_plan_pack(const soma_conv_plan *plan, const void *kernel, void *packed, size_t first, size_t end) {}
void soma_conv_plan_run(const soma_conv_plan *plan, const void *first, const void *second, void *result, void *scratch,
                        size_t first_unit, size_t end_unit) {}

#endif
