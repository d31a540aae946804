// Convolutions by a loop over register tiles, for one element type; see `linear_conv_plan.h`. Every element of an output
// or input gradient is one chain of multiply-adds, so that its bits do not depend on how the work is divided.

#define FN TARGET static
#define INLINE_FN __attribute__((always_inline)) static inline TARGET
#define UNROLL _Pragma("clang loop unroll(full)")
#define ALL ((MASK)-1)

INLINE_FN VECTOR NAME(conv_load)(int pieces, const REAL *image, const int32_t *places, const MASK *masks) {
  VECTOR v = LOAD(masks[0], image + places[0]);
  UNROLL for (int p = 1; p < pieces; p++) v = LOAD_OVER(v, masks[p], image + places[p]);
  return v;
}

// `length` elements of a line of the frame.
INLINE_FN void NAME(conv_line)(REAL *to, const REAL *from, int64_t length, int64_t step, const conv_phase *phase) {
  from += phase->offset;
  if (step <= 2) {
    const uint32_t *mask = phase->masks;
    for (int64_t j = 0; j < length; j += LANES, mask++) {
      if (step == 1) {
        STORE(to + j, ALL, LOAD((MASK)*mask, from + j));
      } else {
        VECTOR low = LOAD((MASK)*mask, from + 2 * j), high = LOAD((MASK)(*mask >> LANES), from + 2 * j + LANES);
        STORE(to + j, ALL, EVEN_OF_TWO(low, high));
      }
    }
    return;
  }
  for (int64_t j = 0; j < length; j++) to[j] = j >= phase->first && j < phase->end ? from[j * step] : 0;
}

// The frame of `channels` channels. A line's last vector may write past it: what follows is written later.
INLINE_FN void NAME(conv_fill_steps)(const conv_frame *frame, REAL *to, const REAL *source, int64_t channels,
                                     int64_t step) {
  const int64_t length = frame->length;
  for (int64_t c = 0; c < channels; c++, source += frame->source_plane)
    for (int64_t f = 0; f < frame->phase_count; f++, to += frame->phase_plane)
      for (int64_t l = 0; l < frame->line_count; l++) {
        const conv_line line = frame->lines[l];
        if (line.from < 0) {
          for (int64_t j = 0; j < length; j += LANES) STORE(to + line.to + j, ALL, ZERO());
        } else {
          NAME(conv_line)(to + line.to, source + line.from, length, step, &frame->phases[f]);
        }
      }
}

FN void NAME(conv_fill)(const conv_frame *frame, REAL *to, const REAL *source, int64_t channels) {
  switch (frame->step) {
    case 1: NAME(conv_fill_steps)(frame, to, source, channels, 1); break;
    case 2: NAME(conv_fill_steps)(frame, to, source, channels, 2); break;
    default: NAME(conv_fill_steps)(frame, to, source, channels, frame->step); break;
  }
}

INLINE_FN void NAME(conv_tile)(int rows, int width, int pieces, int64_t depth, const REAL *weights,
                               const int32_t *offsets, const REAL *image, const conv_vector *vectors, int64_t valid,
                               REAL *out, int64_t plane, int64_t height) {
  VECTOR sum[8][8];
  const REAL *from[8];
  int32_t shift[8][conv_most_pieces];
  MASK mask[8][conv_most_pieces];
  UNROLL for (int v = 0; v < width; v++) {
    const conv_vector *vector = vectors + (v < valid ? v : 0);
    from[v] = image + vector->from[0];
    UNROLL for (int p = 0; p < pieces; p++) {
      shift[v][p] = vector->from[p] - vector->from[0];
      mask[v][p] = v < valid ? (MASK)vector->mask[p] : 0;
    }
    UNROLL for (int i = 0; i < rows; i++) sum[i][v] = ZERO();
  }
  for (int64_t k = 0; k < depth; k++, weights += rows) {
    const int64_t offset = offsets[k];
    VECTOR x[8];
    UNROLL for (int v = 0; v < width; v++) x[v] = NAME(conv_load)(pieces, from[v] + offset, shift[v], mask[v]);
    UNROLL for (int i = 0; i < rows; i++) {
      VECTOR factor = BROADCAST(weights[i]);
      UNROLL for (int v = 0; v < width; v++) sum[i][v] = MULTIPLY_ADD(factor, x[v], sum[i][v]);
    }
  }
  UNROLL for (int i = 0; i < rows; i++) {
    if (i >= height) return;
    UNROLL for (int v = 0; v < width; v++) {
      if (v >= valid) break;
      UNROLL for (int p = 0; p < pieces; p++) STORE(out + i * plane + vectors[v].to[p], mask[v][p], sum[i][v]);
    }
  }
}

// The vectors `first ..< end` of a part, for up to `rows` channels.
INLINE_FN void NAME(conv_rows)(int rows, int pieces, const conv_part *part, const REAL *weights, const REAL *image,
                               int64_t first, int64_t end, REAL *out, int64_t plane, int64_t height) {
  const int most = rows >= 4 ? 3 : rows == 2 ? 6 : 8;
  for (int64_t v = first; v < end;) {
    const conv_vector *vectors = part->vectors + v;
    int64_t left = end - v, step = left > most ? most : left;
    if (most == 3 && left == 4) step = 2;
    if (most > 3 || step == 3)
      NAME(conv_tile)(rows, most, pieces, part->depth, weights, part->offsets, image, vectors, step, out, plane, height);
    else if (step == 2)
      NAME(conv_tile)(rows, 2, pieces, part->depth, weights, part->offsets, image, vectors, 2, out, plane, height);
    else
      NAME(conv_tile)(rows, 1, pieces, part->depth, weights, part->offsets, image, vectors, 1, out, plane, height);
    v += step;
  }
}

#define CONV_ROWS(pieces)                                                                                          \
  __attribute__((noinline)) FN void NAME(conv_rows_##pieces)(int64_t rows, const conv_part *part, const REAL *weights, const REAL *image,    \
                                   int64_t first, int64_t end, REAL *out, int64_t plane, int64_t height) {         \
    switch (rows) {                                                                                                \
      case 8: NAME(conv_rows)(8, pieces, part, weights, image, first, end, out, plane, height); break;             \
      case 4: NAME(conv_rows)(4, pieces, part, weights, image, first, end, out, plane, height); break;             \
      case 2: NAME(conv_rows)(2, pieces, part, weights, image, first, end, out, plane, height); break;             \
      default: NAME(conv_rows)(1, pieces, part, weights, image, first, end, out, plane, height); break;            \
    }                                                                                                              \
  }
CONV_ROWS(1)
CONV_ROWS(2)
CONV_ROWS(4)
#undef CONV_ROWS

// The channels of blocks `first_block ..< end_block` of one image and group.
FN void NAME(conv_part)(const soma_conv_plan *plan, const conv_part *part, const REAL *packed, const REAL *image,
                        REAL *out, int64_t plane, int64_t first_block, int64_t end_block) {
  // What a few vectors read stays in the second-level cache while all weights pass.
  const int64_t bytes = plan->sources * plan->frame.plane * (int64_t)sizeof(REAL) / part->vector_count + 1;
  int64_t run = (256 << 10) / bytes / 6 * 6;
  run = run > 24 ? 24 : run < 6 ? 6 : run;
  for (int64_t v = 0; v < part->vector_count; v += run) {
    int64_t end = v + run < part->vector_count ? v + run : part->vector_count;
    for (int64_t b = first_block; b < end_block; b++) {
      int64_t left = plan->results - b * conv_rows, rows = rows_of_block(left);
      const REAL *w = packed + part->packed + b * conv_rows * part->depth;
      REAL *to = out + b * conv_rows * plane;
      int64_t height = left < rows ? left : rows;
      switch (part->pieces) {
        case 1: NAME(conv_rows_1)(rows, part, w, image, v, end, to, plane, height); break;
        case 2: NAME(conv_rows_2)(rows, part, w, image, v, end, to, plane, height); break;
        default: NAME(conv_rows_4)(rows, part, w, image, v, end, to, plane, height); break;
      }
    }
  }
}

// Weights of one block of channels of one group, term by term.
FN void NAME(conv_pack)(const soma_conv_plan *plan, const REAL *kernel, REAL *packed, int64_t unit) {
  const int64_t blocks = block_count(plan->results), group = unit / blocks, block = unit % blocks;
  const int64_t left = plan->results - block * conv_rows, rows = rows_of_block(left);
  const REAL *from = kernel + group * plan->kernel + block * conv_rows * plan->weight_stride;
  for (int64_t p = 0; p < plan->part_count; p++) {
    const conv_part *part = &plan->parts[p];
    REAL *to = packed + group * plan->packed + part->packed + block * conv_rows * part->depth;
    for (int64_t i = 0; i < rows; i++)
      for (int64_t k = 0; k < part->depth; k++)
        to[k * rows + i] = i < left ? from[i * plan->weight_stride + part->weights[k]] : 0;
  }
}

// Lines whose every `merge`-th element was computed together.
FN void NAME(conv_merge)(const soma_conv_plan *plan, const REAL *from, REAL *to, int64_t channels) {
  const int64_t merge = plan->merge, length = plan->merge_length, in = plan->merge_in;
  for (int64_t line = 0; line < channels * plan->merge_lines; line++, from += merge * length, to += in) {
    int64_t i = 0;
    if (merge == 2) {
      for (; i < in; i += 2 * LANES) {
        int64_t left = in - i < 2 * LANES ? in - i : 2 * LANES;
        MASK some = (MASK)((1u << (left + 1) / 2) - 1);
        uint64_t mask = ((uint64_t)1 << left) - 1;
        VECTOR a = LOAD(some, from + i / 2), b = LOAD(some, from + length + i / 2);
        STORE(to + i, (MASK)mask, LOWER_INTERLEAVED(a, b));
        STORE(to + i + LANES, (MASK)(mask >> LANES), UPPER_INTERLEAVED(a, b));
      }
    }
    for (; i < in; i++) to[i] = from[i % merge * length + i / merge];
  }
}

// Outputs or input gradients of units `first ..< end`: an image, or a division of one.
FN void NAME(conv_images)(const soma_conv_plan *plan, const REAL *source, const REAL *packed, REAL *result, REAL *scratch,
                          int64_t first, int64_t end) {
  const conv_frame *frame = &plan->frame;
  const int64_t blocks = block_count(plan->results);
  const int64_t merged_plane = plan->merge * plan->merge_length * plan->merge_lines;
  const int64_t plane = plan->merge > 1 ? merged_plane : plan->result_plane;
  REAL *parts = scratch + (frame->is_direct ? 0 : plan->sources * frame->plane + LANES);
  for (int64_t unit = first; unit < end; unit++) {
    const int64_t n = unit / plan->splits, split = unit % plan->splits;
    const int64_t all = plan->groups > 1 ? plan->groups : blocks;
    const int64_t from = all * split / plan->splits, to = all * (split + 1) / plan->splits;
    const int64_t first_group = plan->groups > 1 ? from : 0, end_group = plan->groups > 1 ? to : 1;
    const int64_t first_block = plan->groups > 1 ? 0 : from, end_block = plan->groups > 1 ? blocks : to;
    for (int64_t g = first_group; g < end_group; g++) {
      const REAL *image = source + (n * plan->groups + g) * plan->sources * frame->source_plane;
      if (!frame->is_direct) {
        NAME(conv_fill)(frame, scratch, image, plan->sources);
        image = scratch;
      }
      const int64_t low = first_block * conv_rows;
      const int64_t high = end_block * conv_rows < plan->results ? end_block * conv_rows : plan->results;
      REAL *own = result + (n * plan->groups + g) * plan->results * plan->result_plane;
      REAL *out = plan->merge > 1 ? parts : own;
      if (plan->has_gaps) memset(out + low * plane, 0, (size_t)((high - low) * plane) * sizeof(REAL));
      for (int64_t p = 0; p < plan->part_count; p++)
        NAME(conv_part)(plan, &plan->parts[p], packed + g * plan->packed, image, out, plane, first_block, end_block);
      if (plan->merge > 1) NAME(conv_merge)(plan, out + low * plane, own + low * plan->result_plane, high - low);
    }
  }
}

// Sums over the lanes of `count` vectors.
INLINE_FN void NAME(conv_fold)(const VECTOR *v, int count, REAL *out) {
  UNROLL for (int block = 0; block < count; block += LANES) {
    VECTOR u[LANES / 4], w[2];
    UNROLL for (int j = 0; j < LANES / 4; j++) {
      const int at = block + 4 * j;
      VECTOR zero = ZERO(), a = at < count ? v[at] : zero, b = at + 1 < count ? v[at + 1] : zero;
      VECTOR c = at + 2 < count ? v[at + 2] : zero, d = at + 3 < count ? v[at + 3] : zero;
      VECTOR ab = ADD(QUARTERS(a, b, 0x44), QUARTERS(a, b, 0xee)), cd = ADD(QUARTERS(c, d, 0x44), QUARTERS(c, d, 0xee));
      // A quarter for each of the four.
      u[j] = ADD(QUARTERS(ab, cd, 0x88), QUARTERS(ab, cd, 0xdd));
    }
#if LANES == 16
    UNROLL for (int j = 0; j < 2; j++)
      w[j] = ADD(_mm512_shuffle_ps(u[2 * j], u[2 * j + 1], 0x44), _mm512_shuffle_ps(u[2 * j], u[2 * j + 1], 0xee));
    VECTOR sums = ADD(_mm512_shuffle_ps(w[0], w[1], 0x88), _mm512_shuffle_ps(w[0], w[1], 0xdd));
#else
    (void)w;
    VECTOR sums = ADD(_mm512_unpacklo_pd(u[0], u[1]), _mm512_unpackhi_pd(u[0], u[1]));
#endif
    REAL lanes[LANES];
    STORE(lanes, ALL, sums);
    UNROLL for (int i = 0; i < LANES; i++)
      if (block + i < count) out[block + i] = lanes[i % 4 * (LANES / 4) + i / 4];
  }
}

// Adds to the kernel gradient of `rows` output channels and `taps` terms what some vectors of some images contribute.
INLINE_FN void NAME(conv_gradient_tile)(int rows, int taps, int pieces, const conv_part *part, int64_t first,
                                        int64_t end, int64_t images, const REAL *frames, int64_t frame_stride,
                                        const REAL *gradient, int64_t plane, int64_t gradient_stride,
                                        const int32_t *offsets, int64_t valid, REAL *out, int64_t out_stride) {
  VECTOR sum[32];
  UNROLL for (int i = 0; i < rows * taps; i++) sum[i] = ZERO();
  const conv_vector *vectors = part->vectors;
  for (int64_t n = 0; n < images; n++, frames += frame_stride, gradient += gradient_stride) {
    const REAL *x[12];
    UNROLL for (int k = 0; k < taps; k++) x[k] = frames + offsets[k < valid ? k : 0];
    for (const conv_vector *vector = vectors + first; vector < vectors + end; vector++) {
      MASK masks[conv_most_pieces];
      int32_t from[conv_most_pieces];
      VECTOR g[4];
      UNROLL for (int p = 0; p < pieces; p++) masks[p] = (MASK)vector->mask[p], from[p] = vector->from[p];
      UNROLL for (int i = 0; i < rows; i++) g[i] = NAME(conv_load)(pieces, gradient + i * plane, vector->to, masks);
      UNROLL for (int k = 0; k < taps; k++) {
        VECTOR y = NAME(conv_load)(pieces, x[k], from, masks);
        UNROLL for (int i = 0; i < rows; i++) sum[i * taps + k] = MULTIPLY_ADD(g[i], y, sum[i * taps + k]);
        // Else the compiler moves loads up until the sums lack registers.
        UNROLL for (int i = 0; i < rows; i++) __asm__ volatile("" : "+v"(sum[i * taps + k]));
      }
    }
  }
  REAL totals[32];
  NAME(conv_fold)(sum, rows * taps, totals);
  UNROLL for (int i = 0; i < rows; i++)
    UNROLL for (int k = 0; k < taps; k++)
      if (k < valid) out[i * out_stride + k] += totals[i * taps + k];
}

#define CONV_GRADIENT(pieces)                                                                                      \
  FN void NAME(conv_gradient_##pieces)(int rows, const conv_part *part, int64_t first, int64_t end, int64_t images, \
                                       const REAL *frames, int64_t frame_stride, const REAL *gradient,             \
                                       int64_t plane, int64_t gradient_stride, REAL *out) {                        \
    const int64_t depth = part->depth;                                                                             \
    const int taps = rows == 1 ? 12 : 6;                                                                           \
    for (int64_t k = 0; k < depth; k += taps) {                                                                    \
      int64_t valid = depth - k < taps ? depth - k : taps;                                                         \
      if (rows == 4)                                                                                               \
        NAME(conv_gradient_tile)(4, 6, pieces, part, first, end, images, frames, frame_stride, gradient, plane,    \
                                 gradient_stride, part->offsets + k, valid, out + k, depth);                       \
      else if (rows == 2)                                                                                          \
        NAME(conv_gradient_tile)(2, 6, pieces, part, first, end, images, frames, frame_stride, gradient, plane,    \
                                 gradient_stride, part->offsets + k, valid, out + k, depth);                       \
      else                                                                                                         \
        NAME(conv_gradient_tile)(1, 12, pieces, part, first, end, images, frames, frame_stride, gradient, plane,   \
                                 gradient_stride, part->offsets + k, valid, out + k, depth);                       \
    }                                                                                                              \
  }
CONV_GRADIENT(1)
CONV_GRADIENT(2)
CONV_GRADIENT(4)
#undef CONV_GRADIENT

// The kernel gradient of images `first ..< end`.
FN void NAME(conv_gradient)(const soma_conv_plan *plan, const REAL *source, const REAL *gradient, REAL *result,
                            REAL *scratch, int64_t first, int64_t end) {
  // Vectors of a few channels of the gradient that the first-level cache holds beside the frame's lines.
  enum { run = 128 };
  const conv_frame *frame = &plan->frame;
  const conv_part *part = &plan->parts[0];
  const int64_t vectors = part->vector_count, image = plan->sources * frame->source_plane * plan->groups;
  const int64_t frame_stride = frame->is_direct ? image : plan->sources * frame->plane;
  const int64_t plane = plan->result_plane, gradient_stride = plan->results * plane * plan->groups;
  memset(result, 0, (size_t)(plan->kernel * plan->groups) * sizeof(REAL));
  for (int64_t g = 0; g < plan->groups; g++) {
    for (int64_t n0 = first; n0 < end; n0 += plan->frames) {
      const int64_t count = end - n0 < plan->frames ? end - n0 : plan->frames;
      const REAL *frames = source + n0 * image + g * plan->sources * frame->source_plane;
      if (!frame->is_direct) {
        for (int64_t n = 0; n < count; n++)
          NAME(conv_fill)(frame, scratch + n * frame_stride, frames + n * image, plan->sources);
        frames = scratch;
      }
      const int64_t together = vectors < run ? run / vectors : 1;
      for (int64_t n = 0; n < count; n += together) {
        const int64_t images = count - n < together ? count - n : together;
        const REAL *own = gradient + (n0 + n) * gradient_stride + g * plan->results * plane;
        const REAL *x = frames + n * frame_stride;
        for (int64_t v = 0; v < vectors; v += run) {
          const int64_t last = v + run < vectors ? v + run : vectors;
          for (int64_t o = 0; o < plan->results;) {
            const int64_t left = plan->results - o;
            const int rows = left >= 4 ? 4 : left >= 2 ? 2 : 1;
            REAL *out = result + g * plan->kernel + o * part->depth;
            const REAL *y = own + o * plane;
            if (part->pieces == 1)
              NAME(conv_gradient_1)(rows, part, v, last, images, x, frame_stride, y, plane, gradient_stride, out);
            else if (part->pieces == 2)
              NAME(conv_gradient_2)(rows, part, v, last, images, x, frame_stride, y, plane, gradient_stride, out);
            else
              NAME(conv_gradient_4)(rows, part, v, last, images, x, frame_stride, y, plane, gradient_stride, out);
            o += rows;
          }
        }
      }
    }
  }
}

#undef FN
#undef INLINE_FN
#undef UNROLL
#undef ALL
