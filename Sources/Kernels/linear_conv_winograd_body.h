// Convolutions with 3×3 taps by Winograd's F(2×2, 3×3) (Lavin, Gray 2015, arXiv:1509.09308) for one element type: sixteen
// products over channels for four results, where the definition has thirty-six. A vector holds as many tiles, which begin
// at every second place of a line. What is not finite spoils the tiles that read it, not only the results that use it.

#define FN TARGET static
#define INLINE_FN __attribute__((always_inline)) static inline TARGET
#define UNROLL _Pragma("clang loop unroll(full)")
#define ALL ((MASK)-1)

// Tiles of a channel, transformed: the 16 numbers of each `pitch` apart.
INLINE_FN void NAME(winograd_input)(int pieces, const REAL *frame, const conv_vector *vector, const int32_t *offsets,
                                    REAL *to, int64_t pitch) {
  MASK masks[conv_most_pieces];
  UNROLL for (int p = 0; p < pieces; p++) masks[p] = (MASK)vector->mask[p];
  VECTOR t[4][4];
  UNROLL for (int x = 0; x < 4; x++) {
    VECTOR d[4];
    UNROLL for (int y = 0; y < 4; y++) d[y] = NAME(conv_load)(pieces, frame + offsets[4 * y + x], vector->from, masks);
    t[0][x] = SUBTRACT(d[0], d[2]), t[1][x] = ADD(d[1], d[2]);
    t[2][x] = SUBTRACT(d[2], d[1]), t[3][x] = SUBTRACT(d[1], d[3]);
  }
  UNROLL for (int y = 0; y < 4; y++) {
    STORE(to + (4 * y + 0) * pitch, ALL, SUBTRACT(t[y][0], t[y][2]));
    STORE(to + (4 * y + 1) * pitch, ALL, ADD(t[y][1], t[y][2]));
    STORE(to + (4 * y + 2) * pitch, ALL, SUBTRACT(t[y][2], t[y][1]));
    STORE(to + (4 * y + 3) * pitch, ALL, SUBTRACT(t[y][1], t[y][3]));
  }
}

// Sums over channels for eight results and `width` vectors of tiles.
INLINE_FN void NAME(winograd_sums)(int width, int64_t channels, const REAL *weights, const REAL *tiles, REAL *to) {
  VECTOR sum[conv_rows][3];
  UNROLL for (int i = 0; i < conv_rows; i++)
    UNROLL for (int v = 0; v < width; v++) sum[i][v] = ZERO();
  for (int64_t c = 0; c < channels; c++, weights += conv_rows, tiles += width * LANES) {
    VECTOR x[3];
    UNROLL for (int v = 0; v < width; v++) x[v] = LOAD(ALL, tiles + v * LANES);
    UNROLL for (int i = 0; i < conv_rows; i++) {
      VECTOR factor = BROADCAST(weights[i]);
      UNROLL for (int v = 0; v < width; v++) sum[i][v] = MULTIPLY_ADD(factor, x[v], sum[i][v]);
    }
  }
  UNROLL for (int i = 0; i < conv_rows; i++)
    UNROLL for (int v = 0; v < width; v++) STORE(to + (i * width + v) * LANES, ALL, sum[i][v]);
}

// Results of a vector of tiles for one channel, from the sums, which are `pitch` apart.
INLINE_FN void NAME(winograd_output)(int pieces, const REAL *sums, int64_t pitch, const conv_tiles *tiles, REAL *out,
                                     int64_t line) {
  VECTOR t[2][4];
  UNROLL for (int x = 0; x < 4; x++) {
    VECTOR m[4];
    UNROLL for (int y = 0; y < 4; y++) m[y] = LOAD(ALL, sums + (4 * y + x) * pitch);
    t[0][x] = ADD(ADD(m[0], m[1]), m[2]), t[1][x] = SUBTRACT(SUBTRACT(m[1], m[2]), m[3]);
  }
  UNROLL for (int y = 0; y < 2; y++) {
    VECTOR left = ADD(ADD(t[y][0], t[y][1]), t[y][2]), right = SUBTRACT(SUBTRACT(t[y][1], t[y][2]), t[y][3]);
    VECTOR half[2] = {LOWER_INTERLEAVED(left, right), UPPER_INTERLEAVED(left, right)};
    UNROLL for (int h = 0; h < 2; h++)
      UNROLL for (int s = 0; s < (pieces == 4 ? 2 : 1); s++) {
        const conv_store *store = &tiles->stores[h][s];
        if (y == 0 || store->has_second) STORE(out + store->to + y * line, (MASK)store->mask, half[h]);
      }
  }
}

// `width` vectors of tiles of all channels. `images` and `outs`: the frame and the result that each belongs to.
INLINE_FN void NAME(winograd_chunk)(int pieces, int width, const soma_conv_plan *plan, const REAL *const *images,
                                    const int64_t *places, REAL *const *outs, const REAL *packed, REAL *transformed,
                                    int64_t first_block, int64_t end_block) {
  const conv_part *part = plan->parts;
  const int64_t channels = plan->sources, pitch = channels * width * LANES;
  for (int64_t c = 0; c < channels; c++)
    UNROLL for (int v = 0; v < width; v++)
      NAME(winograd_input)(pieces, images[v] + c * plan->frame.plane, part->vectors + places[v], part->offsets,
                           transformed + (c * width + v) * LANES, pitch);
  REAL *sums = transformed + 16 * pitch;
  const int64_t sum_pitch = conv_rows * width * LANES;
  for (int64_t b = first_block; b < end_block; b++) {
    const REAL *weights = packed + b * 16 * channels * conv_rows;
    for (int64_t k = 0; k < 16; k++)
      NAME(winograd_sums)(width, channels, weights + k * channels * conv_rows, transformed + k * pitch,
                          sums + k * sum_pitch);
    for (int64_t i = 0; i < conv_rows && b * conv_rows + i < plan->results; i++)
      UNROLL for (int v = 0; v < width; v++)
        NAME(winograd_output)(pieces, sums + (i * width + v) * LANES, sum_pitch, plan->tiles + places[v],
                              outs[v] + (b * conv_rows + i) * plan->result_plane, plan->result_line);
  }
}

#define WINOGRAD_CHUNK(pieces)                                                                                     \
  __attribute__((noinline)) FN void NAME(winograd_chunk_##pieces)(                                                 \
      int64_t width, const soma_conv_plan *plan, const REAL *const *images, const int64_t *places,                 \
      REAL *const *outs, const REAL *packed, REAL *transformed, int64_t first, int64_t end) {                      \
    if (width == 3)                                                                                                \
      NAME(winograd_chunk)(pieces, 3, plan, images, places, outs, packed, transformed, first, end);                \
    else if (width == 2)                                                                                           \
      NAME(winograd_chunk)(pieces, 2, plan, images, places, outs, packed, transformed, first, end);                \
    else                                                                                                           \
      NAME(winograd_chunk)(pieces, 1, plan, images, places, outs, packed, transformed, first, end);                \
  }
WINOGRAD_CHUNK(1)
WINOGRAD_CHUNK(2)
WINOGRAD_CHUNK(4)
#undef WINOGRAD_CHUNK

// Outputs or input gradients of units `first ..< end`: some images, or a division of one.
FN void NAME(winograd_images)(const soma_conv_plan *plan, const REAL *source, const REAL *packed, REAL *result,
                              REAL *scratch, int64_t first, int64_t end) {
  const conv_frame *frame = &plan->frame;
  const int64_t blocks = block_count(plan->results), frame_size = plan->sources * frame->plane;
  REAL *transformed = scratch + plan->together * frame_size + LANES;
  for (int64_t unit = first; unit < end; unit++) {
    const int64_t n0 = unit / plan->splits * plan->together, split = unit % plan->splits;
    const int64_t count = plan->batch - n0 < plan->together ? plan->batch - n0 : plan->together;
    const int64_t all = plan->groups > 1 ? plan->groups : blocks;
    const int64_t from = all * split / plan->splits, to = all * (split + 1) / plan->splits;
    const int64_t first_group = plan->groups > 1 ? from : 0, end_group = plan->groups > 1 ? to : 1;
    const int64_t first_block = plan->groups > 1 ? 0 : from, end_block = plan->groups > 1 ? blocks : to;
    for (int64_t g = first_group; g < end_group; g++) {
      for (int64_t n = 0; n < count; n++)
        NAME(conv_fill)(frame, scratch + n * frame_size,
                        source + ((n0 + n) * plan->groups + g) * plan->sources * frame->source_plane, plan->sources);
      const int64_t vectors = plan->parts->vector_count, total = count * vectors;
      const REAL *weights = packed + g * plan->packed;
      for (int64_t v = 0; v < total;) {
        const int64_t left = total - v, width = left == 4 ? 2 : left > 3 ? 3 : left;
        const REAL *images[3];
        int64_t places[3];
        REAL *outs[3];
        for (int64_t i = 0; i < width; i++) {
          const int64_t n = (v + i) / vectors;
          images[i] = scratch + n * frame_size, places[i] = (v + i) % vectors;
          outs[i] = result + ((n0 + n) * plan->groups + g) * plan->results * plan->result_plane;
        }
        switch (plan->parts->pieces) {
          case 1:
            NAME(winograd_chunk_1)(width, plan, images, places, outs, weights, transformed, first_block, end_block);
            break;
          case 2:
            NAME(winograd_chunk_2)(width, plan, images, places, outs, weights, transformed, first_block, end_block);
            break;
          default:
            NAME(winograd_chunk_4)(width, plan, images, places, outs, weights, transformed, first_block, end_block);
            break;
        }
        v += width;
      }
    }
  }
}

// Weights of one block of channels of one group, transformed: 16 times [channels, 8].
FN void NAME(winograd_pack)(const soma_conv_plan *plan, const REAL *kernel, REAL *packed, int64_t unit) {
  const int64_t blocks = block_count(plan->results), group = unit / blocks, block = unit % blocks;
  REAL *to = packed + group * plan->packed + block * 16 * plan->sources * conv_rows;
  for (int64_t i = 0; i < conv_rows; i++) {
    const int64_t r = block * conv_rows + i;
    for (int64_t c = 0; c < plan->sources; c++) {
      REAL t[4][3], u[4][4];
      for (int x = 0; x < 3; x++) {
        REAL g[3];
        for (int y = 0; y < 3; y++)
          g[y] = r < plan->results ? kernel[group * plan->kernel + r * plan->weight_stride +
                                            plan->parts[0].weights[c * 9 + 3 * y + x]]
                                   : 0;
        const REAL ends = (REAL)0.5 * (g[0] + g[2]), middle = (REAL)0.5 * g[1];
        t[0][x] = g[0], t[1][x] = ends + middle, t[2][x] = ends - middle, t[3][x] = g[2];
      }
      for (int y = 0; y < 4; y++) {
        const REAL ends = (REAL)0.5 * (t[y][0] + t[y][2]), middle = (REAL)0.5 * t[y][1];
        u[y][0] = t[y][0], u[y][1] = ends + middle, u[y][2] = ends - middle, u[y][3] = t[y][2];
      }
      for (int k = 0; k < 16; k++) to[(k * plan->sources + c) * conv_rows + i] = u[k / 4][k % 4];
    }
  }
}

// Output gradients of a vector of tiles of a channel, transformed: the 16 numbers of each `pitch` apart.
INLINE_FN void NAME(winograd_turned_output)(int pieces, const REAL *gradient, int64_t line, const conv_tiles *tiles,
                                            REAL *to, int64_t pitch) {
  VECTOR r[4][2];
  VECTOR y[2][2];
  UNROLL for (int l = 0; l < 2; l++) {
    VECTOR half[2];
    UNROLL for (int h = 0; h < 2; h++) {
      const conv_store *s = tiles->stores[h];
      half[h] = LOAD((MASK)(l == 0 || s[0].has_second ? s[0].mask : 0), gradient + l * line + s[0].to);
      if (pieces == 4)
        half[h] = LOAD_OVER(half[h], (MASK)(l == 0 || s[1].has_second ? s[1].mask : 0), gradient + l * line + s[1].to);
    }
    y[l][0] = EVEN_OF_TWO(half[0], half[1]), y[l][1] = ODD_OF_TWO(half[0], half[1]);
  }
  UNROLL for (int x = 0; x < 2; x++) {
    r[0][x] = y[0][x], r[1][x] = ADD(y[0][x], y[1][x]);
    r[2][x] = SUBTRACT(y[0][x], y[1][x]), r[3][x] = SUBTRACT(ZERO(), y[1][x]);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    STORE(to + (4 * i + 0) * pitch, ALL, r[i][0]);
    STORE(to + (4 * i + 1) * pitch, ALL, ADD(r[i][0], r[i][1]));
    STORE(to + (4 * i + 2) * pitch, ALL, SUBTRACT(r[i][0], r[i][1]));
    STORE(to + (4 * i + 3) * pitch, ALL, SUBTRACT(ZERO(), r[i][1]));
  }
}

// Tiles of LANES channels, transformed, channels innermost: 16 times [tiles, `line`].
INLINE_FN void NAME(winograd_turned_input)(int pieces, const soma_conv_plan *plan, const REAL *frame, int64_t channels,
                                           int64_t place, REAL *to, int64_t line, int64_t pitch, REAL *square) {
  const conv_part *part = plan->parts;
  for (int64_t c = 0; c < channels; c++)
    NAME(winograd_input)(pieces, frame + c * plan->frame.plane, part->vectors + place, part->offsets,
                         square + c * LANES, LANES * LANES);
  for (int k = 0; k < 16; k++) TRANSPOSE(to + k * pitch, (size_t)line, square + k * LANES * LANES, LANES);
}

#define WINOGRAD_TURNED(pieces)                                                                                    \
  __attribute__((noinline)) FN void NAME(winograd_turned_##pieces)(                                                \
      const soma_conv_plan *plan, const REAL *frame, const REAL *gradient, int64_t place, REAL *inputs,            \
      int64_t line, REAL *outputs, int64_t tiles, REAL *square) {                                                  \
    for (int64_t c = 0; c < plan->sources; c += LANES)                                                             \
      NAME(winograd_turned_input)(pieces, plan, frame + c * plan->frame.plane,                                     \
                                  plan->sources - c < LANES ? plan->sources - c : LANES, place, inputs + c, line,  \
                                  tiles * line, square);                                                           \
    for (int64_t o = 0; o < plan->results; o++)                                                                    \
      NAME(winograd_turned_output)(pieces, gradient + o * plan->result_plane, plan->result_line,                   \
                                   plan->tiles + place, outputs + o * tiles, plan->results * tiles);               \
  }
WINOGRAD_TURNED(1)
WINOGRAD_TURNED(2)
WINOGRAD_TURNED(4)
#undef WINOGRAD_TURNED

// The kernel gradient of images `first ..< end`: the same algorithm turned around. Products of transformed tiles are
// summed over the tiles by matrix products, one for each of the 16 numbers of a tile, and transformed at the end.
FN void NAME(winograd_gradient)(const soma_conv_plan *plan, const REAL *source, const REAL *gradient, REAL *result,
                                REAL *scratch, int64_t first, int64_t end) {
  const conv_frame *frame = &plan->frame;
  const int64_t sources = plan->sources, results = plan->results, vectors = plan->parts->vector_count;
  const int64_t line = divide_up(sources, LANES) * LANES, most = plan->together * LANES;
  REAL *square = scratch + sources * frame->plane + LANES, *sums = square + 16 * LANES * LANES;
  REAL *inputs = sums + 16 * results * line, *outputs = inputs + 16 * most * line;
  for (int64_t i = 0; i < 16 * LANES * LANES; i++) square[i] = 0;
  for (int64_t g = 0; g < plan->groups; g++) {
    memset(sums, 0, (size_t)(16 * results * line) * sizeof(REAL));
    int64_t filled = 0;
    for (int64_t n = first; n < end; n++) {
      const int64_t at = n * plan->groups + g;
      NAME(conv_fill)(frame, scratch, source + at * sources * frame->source_plane, sources);
      const REAL *own = gradient + at * results * plan->result_plane;
      for (int64_t v = 0; v < vectors; v++) {
        REAL *to_inputs = inputs + filled * LANES * line, *to_outputs = outputs + filled * LANES;
        switch (plan->parts->pieces) {
          case 1: NAME(winograd_turned_1)(plan, scratch, own, v, to_inputs, line, to_outputs, most, square); break;
          case 2: NAME(winograd_turned_2)(plan, scratch, own, v, to_inputs, line, to_outputs, most, square); break;
          default: NAME(winograd_turned_4)(plan, scratch, own, v, to_inputs, line, to_outputs, most, square); break;
        }
        filled++;
        if (filled < plan->together && (n + 1 < end || v + 1 < vectors)) continue;
        for (int64_t k = 0; k < 16; k++)
          GEMM(outputs + k * results * most, inputs + k * most * line, sums + k * results * line, (size_t)results,
               (size_t)sources, (size_t)(filled * LANES), (size_t)most, (size_t)line);
        filled = 0;
      }
    }
    REAL *out = result + g * plan->kernel;
    for (int64_t o = 0; o < results; o++)
      for (int64_t c = 0; c < sources; c++, out += 9) {
        REAL t[3][4];
        for (int x = 0; x < 4; x++) {
          REAL u[4];
          for (int y = 0; y < 4; y++) u[y] = sums[((4 * y + x) * results + o) * line + c];
          const REAL sum = (REAL)0.5 * (u[1] + u[2]);
          t[0][x] = u[0] + sum, t[1][x] = (REAL)0.5 * (u[1] - u[2]), t[2][x] = sum + u[3];
        }
        for (int y = 0; y < 3; y++) {
          const REAL sum = (REAL)0.5 * (t[y][1] + t[y][2]);
          out[3 * y] = t[y][0] + sum, out[3 * y + 1] = (REAL)0.5 * (t[y][1] - t[y][2]), out[3 * y + 2] = sum + t[y][3];
        }
      }
  }
}

#undef FN
#undef INLINE_FN
#undef UNROLL
#undef ALL
