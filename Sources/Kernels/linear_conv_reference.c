// Convolutions for every element type: patches of the input become columns of a matrix, a product does the rest.
#include <string.h>

#include "linear_internal.h"

/// The shape with leading axes of extent 1 where the rank is under 3, and the sizes that follow from it.
typedef struct {
  int64_t in[3], taps[3], out[3], stride[3], dilation[3], low[3];
  int64_t in_channels, out_channels;            // of one group
  int64_t in_points, tap_points, out_points;    // products over space
  int64_t rows;                                 // in_channels · tap_points
  int64_t block;                                // output points that are unrolled at a time
} geometry;

static geometry geometry_of(const soma_conv_shape *shape, size_t size) {
  geometry g;
  int lead = 3 - shape->rank;
  g.in_points = g.tap_points = g.out_points = 1;
  for (int i = 0; i < 3; i++) {
    int real = i >= lead;
    g.in[i] = real ? shape->in[i - lead] : 1;
    g.taps[i] = real ? shape->taps[i - lead] : 1;
    g.out[i] = real ? shape->out[i - lead] : 1;
    g.stride[i] = real ? shape->stride[i - lead] : 1;
    g.dilation[i] = real ? shape->dilation[i - lead] : 1;
    g.low[i] = real ? shape->low[i - lead] : 0;
    g.in_points *= g.in[i];
    g.tap_points *= g.taps[i];
    g.out_points *= g.out[i];
  }
  g.in_channels = shape->groups ? shape->c / shape->groups : 0;
  g.out_channels = shape->groups ? shape->o / shape->groups : 0;
  g.rows = g.in_channels * g.tap_points;
  // Half a megabyte of columns, so that they are still in the second-level cache when the product reads them.
  int64_t budget = (512 << 10) / (int64_t)size;
  g.block = g.rows ? budget / g.rows : g.out_points;
  if (g.block < 64) g.block = 64;
  if (g.block > g.out_points) g.block = g.out_points;
  return g;
}

size_t soma_convolve_scratch(soma_conv_role role, soma_dtype dtype, const soma_conv_shape *shape) {
  (void)role;
  size_t size = soma_linear_size(dtype);
  geometry g = geometry_of(shape, size);
  return (size_t)(g.rows * g.block) * size;
}

static int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

// Calls `RUN(row, column, source, count)` for every stretch of output points of one line whose input lies inside the
// image, and `GAP(row, column, count)` for those outside: `row` a tap of a channel, `column` from the block's start,
// `source` an offset into the group's input.
#define FOR_EACH_RUN(g, start, count, RUN, GAP)                                                                \
  for (int64_t row = 0, channel = 0; channel < (g)->in_channels; channel++)                                     \
    for (int64_t t0 = 0; t0 < (g)->taps[0]; t0++)                                                              \
      for (int64_t t1 = 0; t1 < (g)->taps[1]; t1++)                                                            \
        for (int64_t t2 = 0; t2 < (g)->taps[2]; t2++, row++) {                                                 \
          int64_t offset = t2 * (g)->dilation[2] - (g)->low[2];                                                \
          /* Output points first_valid ..< end_valid of a line read inside the image. */                       \
          int64_t first_valid = -floor_divide(offset, (g)->stride[2]);                                         \
          int64_t end_valid = floor_divide((g)->in[2] - 1 - offset, (g)->stride[2]) + 1;                       \
          for (int64_t done = 0; done < (count);) {                                                            \
            int64_t point = (start) + done, line = point / (g)->out[2], x = point % (g)->out[2];               \
            int64_t length = (g)->out[2] - x < (count) - done ? (g)->out[2] - x : (count) - done;              \
            int64_t y0 = line / (g)->out[1] * (g)->stride[0] + t0 * (g)->dilation[0] - (g)->low[0];            \
            int64_t y1 = line % (g)->out[1] * (g)->stride[1] + t1 * (g)->dilation[1] - (g)->low[1];            \
            int inside = y0 >= 0 && y0 < (g)->in[0] && y1 >= 0 && y1 < (g)->in[1];                             \
            int64_t from = first_valid > x ? first_valid : x;                                                  \
            int64_t to = end_valid < x + length ? end_valid : x + length;                                      \
            if (!inside || from >= to) {                                                                       \
              GAP(row, done, length);                                                                          \
            } else {                                                                                           \
              int64_t base = ((channel * (g)->in[0] + y0) * (g)->in[1] + y1) * (g)->in[2] + offset;            \
              GAP(row, done, from - x);                                                                        \
              RUN(row, done + from - x, base + from * (g)->stride[2], to - from);                              \
              GAP(row, done + to - x, x + length - to);                                                        \
            }                                                                                                  \
            done += length;                                                                                    \
          }                                                                                                    \
        }

#define UNROLL_AND_GATHER(suffix, type)                                                                        \
  static void unroll_##suffix(const geometry *g, int64_t start, int64_t count, const type *image,              \
                              type *columns) {                                                                 \
    int64_t stride = g->stride[2];                                                                             \
    FOR_EACH_RUN(g, start, count, RUN_UNROLL, GAP_UNROLL)                                                      \
  }                                                                                                            \
  static void gather_##suffix(const geometry *g, int64_t start, int64_t count, const type *columns,            \
                              type *image) {                                                                   \
    int64_t stride = g->stride[2];                                                                             \
    FOR_EACH_RUN(g, start, count, RUN_GATHER, GAP_GATHER)                                                      \
  }
#define RUN_UNROLL(row, column, source, length) \
  for (int64_t i = 0; i < (length); i++) columns[(row) * count + (column) + i] = image[(source) + i * stride]
#define GAP_UNROLL(row, column, length) \
  for (int64_t i = 0; i < (length); i++) columns[(row) * count + (column) + i] = 0
#define RUN_GATHER(row, column, source, length) \
  for (int64_t i = 0; i < (length); i++) image[(source) + i * stride] += columns[(row) * count + (column) + i]
#define GAP_GATHER(row, column, length)

// Integers as unsigned, for which wrapping is defined.
UNROLL_AND_GATHER(f32, float)
UNROLL_AND_GATHER(f64, double)
UNROLL_AND_GATHER(i32, uint32_t)
UNROLL_AND_GATHER(i64, uint64_t)

static void unroll(soma_dtype dtype, const geometry *g, int64_t start, int64_t count, const void *image,
                   void *columns) {
  switch (dtype) {
    case SOMA_F32: unroll_f32(g, start, count, image, columns); break;
    case SOMA_F64: unroll_f64(g, start, count, image, columns); break;
    case SOMA_I32: unroll_i32(g, start, count, image, columns); break;
    default: unroll_i64(g, start, count, image, columns); break;
  }
}

static void gather(soma_dtype dtype, const geometry *g, int64_t start, int64_t count, const void *columns,
                   void *image) {
  switch (dtype) {
    case SOMA_F32: gather_f32(g, start, count, columns, image); break;
    case SOMA_F64: gather_f64(g, start, count, columns, image); break;
    case SOMA_I32: gather_i32(g, start, count, columns, image); break;
    default: gather_i64(g, start, count, columns, image); break;
  }
}

int soma_convolve_reference(soma_conv_role role, soma_dtype dtype, const soma_conv_shape *shape, const void *first,
                            const void *second, void *result, void *scratch) {
  if (dtype != SOMA_F32 && dtype != SOMA_F64 && dtype != SOMA_I32 && dtype != SOMA_I64) return -1;
  if (shape->rank < 1 || shape->rank > 3 || shape->groups < 1 || shape->c % shape->groups ||
      shape->o % shape->groups)
    return -2;
  for (int i = 0; i < shape->rank; i++)
    if (shape->stride[i] < 1 || shape->dilation[i] < 1) return -2;
  soma_single_threaded_libraries();
  size_t size = soma_linear_size(dtype);
  geometry g = geometry_of(shape, size);
  size_t image = (size_t)(g.in_channels * g.in_points), map = (size_t)(g.out_channels * g.out_points);
  size_t kernel = (size_t)(g.out_channels * g.rows);
  size_t outputs = (size_t)g.out_channels, rows = (size_t)g.rows, points = (size_t)g.out_points;
  if (role == SOMA_CONV_INPUT) memset(result, 0, (size_t)shape->n * (size_t)shape->c * (size_t)g.in_points * size);
  if (role == SOMA_CONV_KERNEL) memset(result, 0, (size_t)shape->groups * kernel * size);
  for (int64_t n = 0; n < shape->n; n++) {
    for (int64_t group = 0; group < shape->groups; group++) {
      size_t at = (size_t)(n * shape->groups + group);
      for (int64_t start = 0; start < g.out_points; start += g.block) {
        int64_t count = g.out_points - start < g.block ? g.out_points - start : g.block;
        size_t width = (size_t)count;
        size_t map_offset = (at * map + (size_t)start) * size;
        int status = 0;
        switch (role) {
          case SOMA_CONV_OUTPUT:
            unroll(dtype, &g, start, count, (const char *)first + at * image * size, scratch);
            status = soma_gemm(dtype, 0, 0, outputs, width, rows, 1, (const char *)second + group * kernel * size,
                               rows, scratch, width, 0, (char *)result + map_offset, points);
            break;
          case SOMA_CONV_INPUT:
            status = soma_gemm(dtype, 1, 0, rows, width, outputs, 1, (const char *)second + group * kernel * size,
                               rows, (const char *)first + map_offset, points, 0, scratch, width);
            gather(dtype, &g, start, count, scratch, (char *)result + at * image * size);
            break;
          case SOMA_CONV_KERNEL:
            unroll(dtype, &g, start, count, (const char *)first + at * image * size, scratch);
            status = soma_gemm(dtype, 0, 1, outputs, rows, width, 1, (const char *)second + map_offset, points,
                               scratch, width, 1, (char *)result + group * kernel * size, rows);
            break;
        }
        if (status) return status;
      }
    }
  }
  return 0;
}
