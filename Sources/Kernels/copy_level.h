// Template: strided copies.

typedef uint32_t LEVEL(eight_words) __attribute__((ext_vector_type(8)));
typedef uint64_t LEVEL(four_words) __attribute__((ext_vector_type(4)));

/// out[i][j] = in[j][i] for an 8 by 8 block of 4-byte elements: interleave by words, by pairs, by quadruples.
ALWAYS_INLINE void LEVEL(transpose_block_4)(uint32_t *out, int64_t out_stride, const uint32_t *in, int64_t in_stride) {
  LEVEL(eight_words) a[8], b[8];
  for (int i = 0; i < 8; i++) memcpy(&a[i], in + i * in_stride, 32);
  for (int i = 0; i < 8; i += 2) {
    b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; j++) {
      a[i + j] = __builtin_shufflevector(b[i + j], b[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      a[i + j + 2] = __builtin_shufflevector(b[i + j], b[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  for (int i = 0; i < 4; i++) {
    b[i] = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    b[i + 4] = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  for (int i = 0; i < 8; i++) memcpy(out + i * out_stride, &b[i], 32);
}

ALWAYS_INLINE void LEVEL(transpose_block_8)(uint64_t *out, int64_t out_stride, const uint64_t *in, int64_t in_stride) {
  for (int half = 0; half < 8; half += 4) {
    for (int side = 0; side < 8; side += 4) {
      LEVEL(four_words) a[4], b[4];
      for (int i = 0; i < 4; i++) memcpy(&a[i], in + (side + i) * in_stride + half, 32);
      for (int i = 0; i < 4; i += 2) {
        b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 4, 2, 6);
        b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 1, 5, 3, 7);
      }
      for (int i = 0; i < 2; i++) {
        a[i] = __builtin_shufflevector(b[i], b[i + 2], 0, 1, 4, 5);
        a[i + 2] = __builtin_shufflevector(b[i], b[i + 2], 2, 3, 6, 7);
      }
      for (int i = 0; i < 4; i++) memcpy(out + (half + i) * out_stride + side, &a[i], 32);
    }
  }
}

ALWAYS_INLINE void LEVEL(transpose_block_2)(uint16_t *out, int64_t out_stride, const uint16_t *in, int64_t in_stride) {
  for (int i = 0; i < 8; i++) {
    for (int j = 0; j < 8; j++) out[i * out_stride + j] = in[j * in_stride + i];
  }
}
ALWAYS_INLINE void LEVEL(transpose_block_1)(uint8_t *out, int64_t out_stride, const uint8_t *in, int64_t in_stride) {
  for (int i = 0; i < 8; i++) {
    for (int j = 0; j < 8; j++) out[i * out_stride + j] = in[j * in_stride + i];
  }
}

// out[i][j] = in[j][i], i < rows, j < columns, in tiles of which both sides stay in the first cache.
#define COPY(size, T)                                                                                             \
  static void LEVEL(transpose_##size)(T *out, int64_t out_stride, const T *in, int64_t in_stride, int64_t rows,   \
                                      int64_t columns) {                                                          \
    enum { tile = 64 };                                                                                           \
    for (int64_t i0 = 0; i0 < rows; i0 += tile) {                                                                 \
      int64_t i1 = i0 + tile < rows ? i0 + tile : rows;                                                           \
      for (int64_t j0 = 0; j0 < columns; j0 += tile) {                                                            \
        int64_t j1 = j0 + tile < columns ? j0 + tile : columns, i = i0;                                           \
        for (; i + 8 <= i1; i += 8) {                                                                             \
          int64_t j = j0;                                                                                         \
          for (; j + 8 <= j1; j += 8) {                                                                           \
            LEVEL(transpose_block_##size)(out + i * out_stride + j, out_stride, in + j * in_stride + i,           \
                                          in_stride);                                                             \
          }                                                                                                       \
          for (; j < j1; j++) {                                                                                   \
            for (int k = 0; k < 8; k++) out[(i + k) * out_stride + j] = in[j * in_stride + i + k];                \
          }                                                                                                       \
        }                                                                                                         \
        for (; i < i1; i++) {                                                                                     \
          for (int64_t j = j0; j < j1; j++) out[i * out_stride + j] = in[j * in_stride + i];                      \
        }                                                                                                         \
      }                                                                                                           \
    }                                                                                                             \
  }                                                                                                               \
  static void LEVEL(line_##size)(T *restrict out, int64_t out_stride, const T *restrict in, int64_t in_stride,    \
                                 int64_t count) {                                                                 \
    if (out_stride == 1 && in_stride == 1) {                                                                      \
      if (count < 16) {                                                                                           \
        for (int64_t i = 0; i < count; i++) out[i] = in[i];                                                       \
      } else {                                                                                                    \
        memcpy(out, in, (size_t)count * size);                                                                    \
      }                                                                                                           \
    } else if (out_stride == 1 && in_stride == 0) {                                                               \
      T value = *in;                                                                                              \
      for (int64_t i = 0; i < count; i++) out[i] = value;                                                         \
    } else if (out_stride == 1 && in_stride == -1) {                                                              \
      for (int64_t i = 0; i < count; i++) out[i] = in[-i];                                                        \
    } else if (out_stride == 1 && in_stride == 2) {                                                               \
      for (int64_t i = 0; i < count; i++) out[i] = in[2 * i];                                                     \
    } else {                                                                                                      \
      for (int64_t i = 0; i < count; i++) out[i * out_stride] = in[i * in_stride];                                \
    }                                                                                                             \
  }                                                                                                               \
  static void LEVEL(copy_##size)(void *out, const void *in, const struct plan *plan) {                            \
    int64_t index[16] = {0};                                                                                      \
    T *y = out;                                                                                                   \
    const T *x = in;                                                                                              \
    const struct axis *axes = plan->axes, *last = axes + plan->rank;                                              \
    for (;;) {                                                                                                    \
      if (plan->transposes) {                                                                                     \
        LEVEL(transpose_##size)(y, last[0].out, x, last[1].in, last[0].count, last[1].count);                     \
      } else {                                                                                                    \
        for (int64_t i = 0; i < last[0].count; i++) {                                                             \
          LEVEL(line_##size)(y + i * last[0].out, last[1].out, x + i * last[0].in, last[1].in, last[1].count);    \
        }                                                                                                         \
      }                                                                                                           \
      int axis = plan->rank - 1;                                                                                  \
      for (; axis >= 0; axis--) {                                                                                 \
        y += axes[axis].out, x += axes[axis].in;                                                                  \
        if (++index[axis] < axes[axis].count) break;                                                              \
        y -= axes[axis].out * axes[axis].count, x -= axes[axis].in * axes[axis].count;                            \
        index[axis] = 0;                                                                                          \
      }                                                                                                           \
      if (axis < 0) return;                                                                                       \
    }                                                                                                             \
  }
COPY(1, uint8_t)
COPY(2, uint16_t)
COPY(4, uint32_t)
COPY(8, uint64_t)

static void LEVEL(copy_strided)(size_t size, void *out, const int64_t *out_strides, const void *in,
                                const int64_t *in_strides, const int64_t *dims, int rank) {
  struct plan plan;
  if (!soma_make_plan(&plan, out_strides, in_strides, dims, rank)) return;
  switch (size) {
  case 1: LEVEL(copy_1)(out, in, &plan); break;
  case 2: LEVEL(copy_2)(out, in, &plan); break;
  case 4: LEVEL(copy_4)(out, in, &plan); break;
  case 8: LEVEL(copy_8)(out, in, &plan); break;
  }
}
