// Orders. Every type maps to an unsigned key of the same order, with all NaNs above everything and -0
// equal to 0, so that one stable sort of integers serves all.
#include "levels.h"

ALWAYS_INLINE uint32_t key_f32(f32 x) {
  if (x != x) return UINT32_MAX;
  x = x == 0 ? 0 : x;
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}
ALWAYS_INLINE uint64_t key_f64(f64 x) {
  if (x != x) return UINT64_MAX;
  x = x == 0 ? 0 : x;
  uint64_t bits;
  memcpy(&bits, &x, 8);
  return bits >> 63 ? ~bits : bits | (1ull << 63);
}

static uint64_t key_at(soma_dtype dtype, const void *in, size_t i) {
  switch (dtype) {
  case SOMA_F32: return key_f32(((const f32 *)in)[i]);
  case SOMA_BF16: return key_f32(widen(((const bf16 *)in)[i]));
  case SOMA_I32: return (uint32_t)((const i32 *)in)[i] ^ 0x80000000u;
  case SOMA_I8: return (uint8_t)((const i8 *)in)[i] ^ 0x80u;
  case SOMA_BOOL:
  case SOMA_U8: return ((const u8 *)in)[i];
  case SOMA_F64: return key_f64(((const f64 *)in)[i]);
  case SOMA_I64: return (uint64_t)((const i64 *)in)[i] ^ (1ull << 63);
  case SOMA_DTYPE_COUNT: break;
  }
  return 0;
}

static int is_wide(soma_dtype dtype) { return dtype == SOMA_F64 || dtype == SOMA_I64; }

/// Keys of one row. NaN keeps the highest key in both directions if `nan_last`, else descending order has it first.
static void fill_keys(soma_dtype dtype, int descending, int nan_last, uint64_t *keys, const void *in, size_t start,
                      size_t n, size_t stride) {
  uint64_t most = is_wide(dtype) ? UINT64_MAX : UINT32_MAX;
  int may_be_nan = dtype == SOMA_F32 || dtype == SOMA_F64 || dtype == SOMA_BF16;
  for (size_t i = 0; i < n; i++) {
    uint64_t key = key_at(dtype, in, start + i * stride);
    if (descending && !(nan_last && may_be_nan && key == most)) key = ~key & most;
    keys[i] = key;
  }
}

struct entry {
  uint64_t key;
  uint64_t index;
};

// Least significant digit first; digits in which all keys agree cost nothing but the count.
#define RADIX_SORT(name, E, key, from, digits)                                                                    \
  static E *name(E *a, E *b, size_t n) {                                                                          \
    if (n < 48) {                                                                                                 \
      for (size_t i = 1; i < n; i++) {                                                                            \
        E x = a[i];                                                                                               \
        size_t j = i;                                                                                             \
        for (; j > 0 && key(a[j - 1]) > key(x); j--) a[j] = a[j - 1];                                             \
        a[j] = x;                                                                                                 \
      }                                                                                                           \
      return a;                                                                                                   \
    }                                                                                                             \
    uint32_t counts[digits][256] = {{0}};                                                                         \
    for (size_t i = 0; i < n; i++) {                                                                              \
      uint64_t k = key(a[i]) >> from;                                                                             \
      for (int d = 0; d < digits; d++) counts[d][(k >> (8 * d)) & 255]++;                                         \
    }                                                                                                             \
    for (int d = 0; d < digits; d++) {                                                                            \
      uint32_t *count = counts[d], position = 0;                                                                  \
      if (count[(key(a[0]) >> (from + 8 * d)) & 255] == n) continue;                                              \
      for (int v = 0; v < 256; v++) {                                                                             \
        uint32_t here = count[v];                                                                                 \
        count[v] = position;                                                                                      \
        position += here;                                                                                         \
      }                                                                                                           \
      for (size_t i = 0; i < n; i++) b[count[(key(a[i]) >> (from + 8 * d)) & 255]++] = a[i];                      \
      E *swap = a;                                                                                                \
      a = b;                                                                                                      \
      b = swap;                                                                                                   \
    }                                                                                                             \
    return a;                                                                                                     \
  }
#define PACKED_KEY(x) (x)
#define ENTRY_KEY(x) (x).key
// A 32-bit key above its index. In the small sort the index settles ties as stability would.
RADIX_SORT(sort_packed, uint64_t, PACKED_KEY, 32, 4)
RADIX_SORT(sort_entries, struct entry, ENTRY_KEY, 0, 8)

size_t soma_argsort_scratch(size_t n) { return 2 * sizeof(struct entry) * (n > 0 ? n : 1); }

/// Writes the first `count` of the order.
static void sort_row(soma_dtype dtype, int descending, int nan_last, int32_t *out, size_t count, const void *in,
                     size_t start, size_t n, size_t inner, void *scratch) {
  if (is_wide(dtype)) {
    struct entry *a = scratch;
    uint64_t *keys = (uint64_t *)(a + n);
    fill_keys(dtype, descending, nan_last, keys, in, start, n, inner);
    for (size_t i = 0; i < n; i++) a[i] = (struct entry){keys[i], i};
    a = sort_entries(a, a + n, n);
    for (size_t i = 0; i < count; i++) out[i * inner] = (int32_t)a[i].index;
  } else {
    uint64_t *a = scratch;
    fill_keys(dtype, descending, nan_last, a, in, start, n, inner);
    for (size_t i = 0; i < n; i++) a[i] = a[i] << 32 | i;
    a = sort_packed(a, a + n, n);
    for (size_t i = 0; i < count; i++) out[i * inner] = (int32_t)(uint32_t)a[i];
  }
}

void soma_argsort(int descending, soma_dtype dtype, int32_t *out, const void *in, size_t outer, size_t n, size_t inner,
                  void *scratch) {
  for (size_t o = 0; o < outer; o++) {
    for (size_t c = 0; c < inner; c++) {
      size_t start = o * n * inner + c;
      sort_row(dtype, descending, 1, out + start, n, in, start, n, inner, scratch);
    }
  }
}

ALWAYS_INLINE int before(struct entry a, struct entry b) {
  return a.key < b.key || (a.key == b.key && a.index < b.index);
}

/// Restores the heap (largest on top) below `at`.
static void sink(struct entry *heap, size_t count, size_t at) {
  struct entry x = heap[at];
  for (size_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && before(heap[child], heap[child + 1])) child++;
    if (!before(x, heap[child])) break;
    heap[at] = heap[child];
  }
  heap[at] = x;
}

void soma_top_k(soma_dtype dtype, int32_t *out, const void *in, size_t rows, size_t n, size_t k, void *scratch) {
  if (k > n) k = n;
  if (k == 0) return;
  for (size_t row = 0; row < rows; row++, out += k) {
    if (k > n / 8) {
      sort_row(dtype, 1, 0, out, k, in, row * n, n, 1, scratch);
      continue;
    }
    // The k least (inverted) keys so far, the greatest of them on top.
    struct entry *heap = scratch;
    uint64_t *keys = (uint64_t *)(heap + k);
    fill_keys(dtype, 1, 0, keys, in, row * n, n, 1);
    for (size_t i = 0; i < k; i++) heap[i] = (struct entry){keys[i], i};
    for (size_t i = k / 2; i-- > 0;) sink(heap, k, i);
    for (size_t i = k; i < n; i++) {
      // An equal key comes later and loses.
      if (keys[i] >= heap[0].key) continue;
      heap[0] = (struct entry){keys[i], i};
      sink(heap, k, 0);
    }
    for (size_t count = k; count > 0;) {
      struct entry top = heap[0];
      heap[0] = heap[--count];
      if (count > 0) sink(heap, count, 0);
      out[count] = (int32_t)top.index;
    }
  }
}
