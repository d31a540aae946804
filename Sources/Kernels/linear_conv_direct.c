// Convolutions on AVX-512 without a library: oneDNN allocates in every call, wants blocked layouts and has no double
// precision.
#include <stdlib.h>
#include <string.h>

#include "linear_conv_plan.h"

// Blocks of channels, eight but for the last.
static inline int64_t block_count(int64_t channels) { return (channels + conv_rows - 1) / conv_rows; }
static inline int64_t rows_of_block(int64_t left) { return left > 4 ? 8 : left > 2 ? 4 : left > 1 ? 2 : 1; }

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma")))
#include "linear_single.h"
#include "linear_conv_direct_body.h"
#include "linear_undefine.h"
#include "linear_double.h"
#include "linear_conv_direct_body.h"
#include "linear_undefine.h"

/// An axis: input, taps, output, stride, dilation, padding below.
typedef struct {
  int64_t in, taps, out, stride, dilation, low;
} axis;

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Three axes, the innermost last. An axis that the kernel passes by joins the one before it.
static void canonical_axes(const soma_conv_shape *shape, axis axes[3]) {
  axis all[3];
  int count = 0;
  for (int i = 0; i < shape->rank; i++) {
    axis a = {shape->in[i], shape->taps[i], shape->out[i], shape->stride[i], shape->dilation[i], shape->low[i]};
    if (a.out == 1) a.stride = 1;
    if (a.taps == 1) a.dilation = 1;
    int passes = a.taps == 1 && a.stride == 1 && a.low == 0 && a.in == a.out;
    if (passes && count > 0 && (all[count - 1].stride == 1 || a.in == 1)) {
      axis *before = &all[count - 1];
      before->in *= a.in, before->out *= a.in, before->dilation *= a.in, before->low *= a.in;
    } else {
      all[count++] = a;
    }
  }
  for (int i = 0; i < 3; i++) axes[i] = (axis){1, 1, 1, 1, 1, 0};
  for (int i = 0; i < count; i++) axes[3 - count + i] = all[i];
}

// The three offsets of a flat place.
static void unravel(int64_t flat, const int64_t n[3], int64_t at[3]) {
  at[2] = flat % n[2], at[1] = flat / n[2] % n[1], at[0] = flat / n[2] / n[1];
}

/// Elements from one place of a frame to the next, by lines and by slices of lines.
typedef struct {
  int64_t line, slice;
} pitch;

/// What of a source is framed: places `p` along each axis, where `p - low` is the source's, below `span`. Results read
/// every `stride`-th. `is_read` tells for slices, lines, and remainders by the stride along a line.
typedef struct {
  int64_t in[3], low[3], span[3], stride[3];
  char *is_read[3];
  /// A copy for every tap, `starts` of them, as long as `result` lines.
  int64_t copies, result;
  const int64_t *starts;
} framing;

// Lines that one step of the result reads lie next to each other.
static int64_t line_of(const framing *it, int64_t y) {
  return y % it->stride[1] * divide_up(it->span[1], it->stride[1]) + y / it->stride[1];
}

/// Where in a frame place `p` lies; `tap` along a line.
static int64_t place(const conv_frame *frame, const framing *it, const pitch *pitch, const int64_t p[3], int64_t tap) {
  if (frame->is_direct) return p[0] * pitch->slice + p[1] * pitch->line + p[2];
  int64_t phase = tap, x = 0;
  if (!it->copies) {
    phase = 0, x = p[2] / frame->step;
    while ((frame->phases[phase].offset + it->low[2]) % frame->step != p[2] % frame->step) phase++;
  }
  return phase * frame->phase_plane + p[0] * pitch->slice + line_of(it, p[1]) * frame->length + x;
}

static int make_frame(conv_frame *frame, pitch *pitch, const framing *it, int lanes) {
  const int64_t *in = it->in, step = it->stride[2];
  frame->step = step, frame->source_plane = in[0] * in[1] * in[2];
  frame->is_direct = step == 1 && !it->copies;
  for (int i = 0; i < 3; i++) frame->is_direct &= it->low[i] == 0 && it->span[i] <= in[i];
  if (frame->is_direct) {
    pitch->line = in[2], pitch->slice = in[1] * in[2], frame->plane = frame->source_plane;
    return 1;
  }
  frame->length = it->copies ? it->result : divide_up(it->span[2], step);
  const int64_t lines = divide_up(it->span[1], it->stride[1]) * it->stride[1];
  pitch->slice = lines * frame->length, frame->phase_plane = pitch->slice * it->span[0];
  const int64_t phases = it->copies ? it->copies : step;
  frame->phases = calloc((size_t)phases, sizeof *frame->phases);
  frame->lines = malloc((size_t)(it->span[0] * it->span[1]) * sizeof *frame->lines);
  if (!frame->phases || !frame->lines) return 0;
  for (int64_t r = 0; r < phases; r++) {
    if (!it->copies && !it->is_read[2][r]) continue;
    int64_t offset = (it->copies ? it->starts[r] : r) - it->low[2], first = offset >= 0 ? 0 : divide_up(-offset, step);
    int64_t end = in[2] > offset ? divide_up(in[2] - offset, step) : 0;
    if (end > frame->length) end = frame->length;
    uint32_t *masks = calloc((size_t)divide_up(frame->length, lanes), sizeof *masks);
    frame->phases[frame->phase_count++] = (conv_phase){offset, first, end, masks};
    if (!masks) return 0;
    for (int64_t j = first; j < end && step <= 2; j++) masks[j / lanes] |= 1u << step * (j % lanes);
  }
  frame->plane = frame->phase_plane * frame->phase_count;
  // In the order in which they lie.
  for (int64_t z = 0; z < it->span[0]; z++)
    for (int64_t r = 0; r < it->stride[1]; r++)
      for (int64_t y = r; y < it->span[1]; y += it->stride[1]) {
        if (!it->is_read[0][z] || !it->is_read[1][y]) continue;
        int64_t from_z = z - it->low[0], from_y = y - it->low[1];
        int inside = from_z >= 0 && from_z < in[0] && from_y >= 0 && from_y < in[1];
        frame->lines[frame->line_count++] = (conv_line){(int32_t)(z * pitch->slice + line_of(it, y) * frame->length),
                                                        inside ? (int32_t)((from_z * in[1] + from_y) * in[2]) : -1};
      }
  pitch->line = frame->length;
  return 1;
}

// How many vectors cover `lines` lines of `count` places in a number of pieces.
static int64_t vectors_of(int lanes, int pieces, int64_t lines, int64_t count) {
  return divide_up(lines * divide_up(count, lanes / pieces), pieces);
}

/// Whether a copy for every tap pays: multiply-adds by vectors and lines that are framed, in about cycles.
static int copies_pay(const soma_conv_plan *plan, int lanes, const int64_t out[3], int64_t taps_x, int64_t taps,
                      int64_t lines) {
  if (lines * out[2] * taps_x > 1 << 20) return 0;
  const int64_t sums = plan->results * plan->sources * taps;
  int64_t least = INT64_MAX;
  for (int pieces = 1; pieces <= conv_most_pieces; pieces *= 2) {
    // A kernel gradient has as many loads as its registers allow; pieces make twice as many.
    int64_t weight = 8 + (plan->role == SOMA_CONV_KERNEL ? 8 : 1) * (pieces - 1);
    int64_t cost = vectors_of(lanes, pieces, out[0] * out[1], out[2]) * sums * weight / 16;
    if (cost < least) least = cost;
  }
  const int64_t fill = 6 * plan->sources * lines * divide_up(out[2], lanes);
  return vectors_of(lanes, 1, out[0], out[1] * out[2]) * sums / 2 + fill * taps_x < least + fill;
}

/// Vectors over `count` places: along a line they are neighbours in the frame and in the other image; lines are
/// `frame_line` and `other_line` apart, slices of lines `frame_slice` and `other_slice`.
static int make_vectors(conv_part *part, int lanes, const int64_t count[3], int64_t frame_line, int64_t frame_slice,
                        int64_t other_start, int64_t other_line, int64_t other_slice) {
  int64_t lines = count[0] * count[1];
  int64_t fewest = INT64_MAX;
  for (int pieces = 1; pieces <= conv_most_pieces; pieces *= 2) {
    int64_t vectors = vectors_of(lanes, pieces, lines, count[2]);
    // Reading in pieces costs more.
    int64_t cost = vectors * (pieces == 1 ? 8 : pieces == 2 ? 9 : 12);
    if (cost < fewest) fewest = cost, part->pieces = pieces, part->vector_count = vectors;
  }
  part->vectors = calloc((size_t)part->vector_count, sizeof *part->vectors);
  if (!part->vectors) return 0;
  const int64_t width = lanes / part->pieces, segments = divide_up(count[2], width);
  for (int64_t s = 0; s < part->vector_count * part->pieces; s++) {
    conv_vector *vector = &part->vectors[s / part->pieces];
    const int64_t piece = s % part->pieces;
    if (s >= lines * segments) {
      // Nothing, read from where something is.
      vector->from[piece] = vector->from[0], vector->to[piece] = vector->to[0];
      continue;
    }
    const int64_t line = s / segments, x = s % segments * width, z = line / count[1], y = line % count[1];
    const int64_t length = count[2] - x < width ? count[2] - x : width;
    vector->from[piece] = (int32_t)(z * frame_slice + y * frame_line + x - piece * width);
    vector->to[piece] = (int32_t)(other_start + z * other_slice + y * other_line + x - piece * width);
    vector->mask[piece] = ((1u << length) - 1) << piece * width;
  }
  return 1;
}

static int allocate_terms(conv_part *part, int64_t depth) {
  part->depth = depth;
  part->offsets = malloc((size_t)most(depth, 1) * sizeof *part->offsets);
  part->weights = malloc((size_t)most(depth, 1) * sizeof *part->weights);
  return part->offsets && part->weights;
}

/// OUTPUT and KERNEL: output place y reads input place y · stride + tap · dilation - low.
static int plan_forward(soma_conv_plan *plan, const axis axes[3]) {
  const int lanes = plan->size == 4 ? 16 : 8;
  framing it = {.result = axes[2].out};
  int64_t taps[3], out[3];
  int good = 1;
  for (int i = 0; i < 3; i++) {
    const axis *a = &axes[i];
    taps[i] = a->taps, out[i] = a->out;
    it.in[i] = a->in, it.low[i] = a->low, it.stride[i] = a->stride;
    it.span[i] = (a->out - 1) * a->stride + (a->taps - 1) * a->dilation + 1;
    it.is_read[i] = calloc((size_t)(i == 2 ? a->stride : it.span[i]), 1);
    good &= it.is_read[i] != NULL;
    for (int64_t t = 0; good && t < a->taps; t++) {
      if (i == 2)
        it.is_read[i][t * a->dilation % a->stride] = 1;
      else
        for (int64_t j = 0; j < a->out; j++) it.is_read[i][t * a->dilation + j * a->stride] = 1;
    }
  }
  const int64_t tap_count = taps[0] * taps[1] * taps[2];
  int64_t *starts = calloc((size_t)taps[2], sizeof *starts);
  for (int64_t t = 0; starts && t < taps[2]; t++) starts[t] = t * axes[2].dilation;
  it.starts = starts;
  if (copies_pay(plan, lanes, out, taps[2], tap_count, it.span[0] * it.span[1])) it.copies = taps[2];
  pitch pitch;
  good = good && starts && make_frame(&plan->frame, &pitch, &it, lanes);
  plan->part_count = 1;
  plan->parts = calloc(1, sizeof *plan->parts);
  conv_part *part = plan->parts;
  good = good && part && allocate_terms(part, plan->sources * tap_count);
  for (int64_t k = 0; good && k < part->depth; k++) {
    int64_t at[3];
    unravel(k % tap_count, taps, at);
    const int64_t tap = at[2];
    for (int i = 0; i < 3; i++) at[i] *= axes[i].dilation;
    part->offsets[k] = (int32_t)(k / tap_count * plan->frame.plane + place(&plan->frame, &it, &pitch, at, tap));
    part->weights[k] = (int32_t)k;
  }
  free(starts);
  for (int i = 0; i < 3; i++) free(it.is_read[i]);
  if (!good) return 0;
  // In a frame of its own the lines of a result are next to each other.
  const int64_t line = plan->frame.is_direct ? axes[1].stride * pitch.line : pitch.line;
  const int64_t slice = axes[0].stride * pitch.slice;
  if (it.copies) out[2] *= out[1], out[1] = 1;
  return make_vectors(part, lanes, out, line, slice, 0, out[2], out[1] * out[2]);
}

/// How many of the places first, first + stride … lie below `end`.
static int64_t places_from(int64_t first, int64_t end, int64_t stride) {
  return first < end ? divide_up(end - first, stride) : 0;
}

/// INPUT: input place m + j · stride gets from tap t, where stride divides m + low - t · dilation, what output place
/// j + (m + low - t · dilation) / stride holds. Places with the same m are a part.
static int plan_input(soma_conv_plan *plan, const axis axes[3]) {
  const int lanes = plan->size == 4 ? 16 : 8;
  framing it = {.stride = {1, 1, 1}, .result = axes[2].in};
  int64_t taps[3], strides[3], in[3];
  for (int i = 0; i < 3; i++) {
    const axis *a = &axes[i];
    int64_t least = INT64_MAX, end = INT64_MIN;
    for (int64_t m = 0; m < a->stride && m < a->in; m++)
      for (int64_t t = 0; t < a->taps; t++) {
        int64_t distance = m + a->low - t * a->dilation;
        if (distance % a->stride) continue;
        distance /= a->stride;
        if (distance < least) least = distance;
        end = most(end, distance + places_from(m, a->in, a->stride));
      }
    if (least > end) return 0;
    it.in[i] = a->out, it.low[i] = -least, it.span[i] = end - least;
    taps[i] = a->taps, strides[i] = a->stride, in[i] = a->in;
  }
  const int64_t tap_count = taps[0] * taps[1] * taps[2];
  char *reads = malloc((size_t)most(it.span[0], it.span[1]));
  int64_t *starts = calloc((size_t)taps[2], sizeof *starts);
  if (reads) memset(reads, 1, (size_t)most(it.span[0], it.span[1]));
  for (int64_t t = 0; starts && t < taps[2]; t++) starts[t] = axes[2].low - t * axes[2].dilation + it.low[2];
  it.is_read[0] = it.is_read[1] = reads, it.is_read[2] = (char[]){1}, it.starts = starts;
  if (strides[1] == 1 && strides[2] == 1 && copies_pay(plan, lanes, in, taps[2], tap_count, it.span[0] * it.span[1]))
    it.copies = taps[2];
  pitch pitch;
  int good = reads && starts && make_frame(&plan->frame, &pitch, &it, lanes);
  free(reads);
  free(starts);
  if (!good) return 0;
  plan->merge = axes[2].stride < axes[2].in ? axes[2].stride : axes[2].in;
  plan->merge_in = axes[2].in;
  plan->merge_length = divide_up(axes[2].in, plan->merge);
  plan->merge_lines = axes[0].in * axes[1].in;
  const int64_t line = plan->merge * plan->merge_length;
  plan->parts = calloc((size_t)(strides[0] * strides[1] * strides[2]), sizeof *plan->parts);
  if (!plan->parts) return 0;
  for (int64_t phase = 0; phase < strides[0] * strides[1] * strides[2]; phase++) {
    int64_t m[3], count[3];
    unravel(phase, strides, m);
    for (int i = 0; i < 3; i++) count[i] = places_from(m[i], axes[i].in, strides[i]);
    if (count[0] * count[1] * count[2] == 0) continue;
    conv_part *part = &plan->parts[plan->part_count++];
    if (!allocate_terms(part, plan->sources * tap_count)) return 0;
    part->depth = 0;
    for (int64_t k = 0; k < plan->sources * tap_count; k++) {
      int64_t at[3], divides = 1;
      unravel(k % tap_count, taps, at);
      const int64_t tap = at[2];
      for (int i = 0; i < 3; i++) {
        int64_t distance = m[i] + axes[i].low - at[i] * axes[i].dilation;
        divides &= distance % strides[i] == 0;
        at[i] = distance / strides[i] + it.low[i];
      }
      if (!divides) continue;
      // A tap whose weight every place misses reads zeros of the frame, which the span covers.
      part->offsets[part->depth] = (int32_t)(k / tap_count * plan->frame.plane + place(&plan->frame, &it, &pitch, at, tap));
      part->weights[part->depth++] = (int32_t)(k / tap_count * plan->kernel / plan->sources + k % tap_count);
    }
    if (part->depth == 0) {
      plan->has_gaps = 1;
      free(part->offsets);
      free(part->weights);
      *part = (conv_part){0};
      plan->part_count--;
      continue;
    }
    const int64_t start = (m[0] * axes[1].in + m[1]) * line + m[2] * plan->merge_length;
    if (it.copies) count[2] *= count[1], count[1] = 1;
    if (!make_vectors(part, lanes, count, pitch.line, pitch.slice, start, strides[1] * line,
                      strides[0] * axes[1].in * line))
      return 0;
  }
  return 1;
}

static int fits(const soma_conv_shape *shape) {
  int64_t limit = INT32_MAX, planes[3] = {1, 1, 1};
  if (shape->rank < 1 || shape->rank > 3 || shape->groups < 1 || shape->n < 1 || shape->c < 1 || shape->o < 1) return 0;
  if (shape->c % shape->groups || shape->o % shape->groups) return 0;
  if (shape->c > limit || shape->o > limit) return 0;
  planes[0] = planes[1] = shape->c > shape->o ? shape->c : shape->o;
  planes[2] = shape->c / shape->groups * shape->o;
  int64_t phases = 1;
  for (int i = 0; i < shape->rank; i++) {
    if (shape->in[i] < 1 || shape->taps[i] < 1 || shape->out[i] < 1 || shape->stride[i] < 1 || shape->dilation[i] < 1)
      return 0;
    if (shape->in[i] > limit || shape->taps[i] > limit || shape->out[i] > limit || shape->stride[i] > 64 ||
        shape->dilation[i] > limit || shape->low[i] > limit || shape->low[i] < -limit)
      return 0;
    int64_t reach = (shape->taps[i] - 1) * shape->dilation[i] + 1;
    if (shape->high[i] > limit || shape->high[i] < -limit) return 0;
    int64_t room = shape->in[i] + shape->low[i] + shape->high[i] - reach;
    if (room < 0 || room / shape->stride[i] + 1 != shape->out[i]) return 0;
    int64_t span = (shape->out[i] - 1) * shape->stride[i] + (shape->taps[i] - 1) * shape->dilation[i] + 1;
    int64_t extents[3] = {span + 2 * shape->stride[i], shape->in[i] + span, shape->taps[i]};
    for (int k = 0; k < 3; k++) {
      if (extents[k] > limit) return 0;
      planes[k] *= extents[k];
      if (planes[k] > limit) return 0;
    }
    phases *= shape->stride[i];
  }
  return phases <= 256;
}

soma_conv_plan *soma_conv_plan_create(soma_conv_role role, soma_dtype dtype, const soma_conv_shape *shape) {
  if (soma_linear_level() < 2 || (dtype != SOMA_F32 && dtype != SOMA_F64) || !fits(shape)) return NULL;
  soma_conv_plan *plan = calloc(1, sizeof *plan);
  if (!plan) return NULL;
  axis axes[3];
  canonical_axes(shape, axes);
  plan->role = role, plan->dtype = dtype, plan->size = soma_linear_size(dtype);
  plan->batch = shape->n, plan->groups = shape->groups, plan->merge = 1;
  const int64_t taps = axes[0].taps * axes[1].taps * axes[2].taps;
  const int64_t inputs = shape->c / shape->groups, outputs = shape->o / shape->groups;
  const int64_t in = axes[0].in * axes[1].in * axes[2].in, out = axes[0].out * axes[1].out * axes[2].out;
  plan->kernel = outputs * inputs * taps;
  int is_input = role == SOMA_CONV_INPUT;
  plan->sources = is_input ? outputs : inputs;
  plan->results = is_input ? inputs : outputs;
  plan->result_plane = is_input ? in : out;
  plan->weight_stride = is_input ? taps : inputs * taps;
  int good = is_input ? plan_input(plan, axes) : plan_forward(plan, axes);
  int64_t lanes = 0;
  for (int64_t p = 0; good && p < plan->part_count; p++) {
    conv_part *part = &plan->parts[p];
    lanes += part->vector_count * (plan->size == 4 ? 16 : 8);
    part->packed = plan->packed;
    const int64_t last = plan->results - (block_count(plan->results) - 1) * conv_rows;
    plan->packed += part->depth * ((block_count(plan->results) - 1) * conv_rows + rows_of_block(last));
  }
  // Short lines would leave most lanes idle.
  if (!good || lanes > 4 * plan->result_plane) {
    soma_conv_plan_destroy(plan);
    return NULL;
  }
  const int64_t channels = plan->groups > 1 ? plan->groups : block_count(plan->results);
  plan->splits = plan->batch >= 8 ? 1 : divide_up(8, plan->batch);
  if (plan->splits > channels) plan->splits = channels;
  const int64_t bytes = (plan->sources * plan->frame.plane + plan->results * plan->result_plane) * (int64_t)plan->size;
  // As many as the second-level cache holds, or as it takes for sums to be long.
  plan->frames = most((512 << 10) / most(bytes, 1), divide_up(48, plan->part_count ? plan->parts[0].vector_count : 48));
  return plan;
}

void soma_conv_plan_destroy(soma_conv_plan *plan) {
  if (!plan) return;
  for (int64_t p = 0; p < plan->part_count; p++) {
    free(plan->parts[p].offsets);
    free(plan->parts[p].weights);
    free(plan->parts[p].vectors);
  }
  free(plan->parts);
  for (int64_t f = 0; f < plan->frame.phase_count; f++) free(plan->frame.phases[f].masks);
  free(plan->frame.phases);
  free(plan->frame.lines);
  free(plan);
}

size_t soma_conv_plan_units(const soma_conv_plan *plan) {
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
  const int64_t frames = plan->role == SOMA_CONV_KERNEL ? (plan->frames < plan->batch ? plan->frames : plan->batch) : 1;
  // The last vector of a line may write past it.
  if (!plan->frame.is_direct) elements += frames * plan->sources * plan->frame.plane + 16;
  if (plan->merge > 1) elements += plan->results * plan->merge * plan->merge_length * plan->merge_lines;
  return (size_t)elements * plan->size;
}

void soma_conv_plan_pack(const soma_conv_plan *plan, const void *kernel, void *packed, size_t first, size_t end) {
  for (size_t block = first; block < end; block++) {
    if (plan->dtype == SOMA_F32)
      conv_pack_f32(plan, kernel, packed, (int64_t)block);
    else
      conv_pack_f64(plan, kernel, packed, (int64_t)block);
  }
}

void soma_conv_plan_run(const soma_conv_plan *plan, const void *first, const void *second, void *result, void *scratch,
                        size_t first_unit, size_t end_unit) {
  const int64_t from = (int64_t)first_unit, to = (int64_t)end_unit;
  if (plan->role == SOMA_CONV_KERNEL) {
    if (plan->dtype == SOMA_F32)
      conv_gradient_f32(plan, first, second, result, scratch, from, to);
    else
      conv_gradient_f64(plan, first, second, result, scratch, from, to);
  } else if (plan->dtype == SOMA_F32) {
    conv_images_f32(plan, first, second, result, scratch, from, to);
  } else {
    conv_images_f64(plan, first, second, result, scratch, from, to);
  }
}

#else

soma_conv_plan *soma_conv_plan_create(soma_conv_role role, soma_dtype dtype, const soma_conv_shape *shape) {
  return NULL;
}
void soma_conv_plan_destroy(soma_conv_plan *plan) {}
size_t soma_conv_plan_units(const soma_conv_plan *plan) { return 0; }
size_t soma_conv_plan_blocks(const soma_conv_plan *plan) { return 0; }
size_t soma_conv_plan_packed(const soma_conv_plan *plan) { return 0; }
size_t soma_conv_plan_scratch(const soma_conv_plan *plan) { return 0; }
void soma_conv_plan_pack(const soma_conv_plan *plan, const void *kernel, void *packed, size_t first, size_t end) {}
void soma_conv_plan_run(const soma_conv_plan *plan, const void *first, const void *second, void *result, void *scratch,
                        size_t first_unit, size_t end_unit) {}

#endif
