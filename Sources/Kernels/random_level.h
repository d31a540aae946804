// Template: the random stream, 64 counters at a time, which hides the latency of a round.
#include "threefry.h"

typedef uint32_t LEVEL(words) __attribute__((ext_vector_type(64)));
typedef uint32_t LEVEL(piece) __attribute__((ext_vector_type(16)));

ALWAYS_INLINE void LEVEL(threefry_pair)(const uint32_t *key, uint64_t pair, uint32_t *out) {
  uint32_t x = (uint32_t)pair, y = (uint32_t)(pair >> 32), k0 = key[0], k1 = key[1];
  THREEFRY(x, y, k0, k1)
  out[0] = x, out[1] = y;
}

static void LEVEL(random_bits)(const uint32_t *key, uint32_t *out, uint64_t first, size_t n) {
  uint32_t pair[2], k0 = key[0], k1 = key[1];
  uint64_t j = first / 2;
  if (first % 2 == 1 && n > 0) {
    LEVEL(threefry_pair)(key, j++, pair);
    *out++ = pair[1];
    n--;
  }
  LEVEL(words) lanes;
  for (uint32_t i = 0; i < 64; i++) lanes[i] = i;
  for (; n >= 128; n -= 128, j += 64) {
    LEVEL(words) x = lanes + (uint32_t)j;
    // A lane that wrapped past 2^32 carries into the high word.
    LEVEL(words) y = (LEVEL(words))(uint32_t)(j >> 32) - (LEVEL(words))(x < (uint32_t)j);
    THREEFRY(x, y, k0, k1)
    uint32_t xs[64], ys[64];
    memcpy(xs, &x, sizeof xs);
    memcpy(ys, &y, sizeof ys);
    for (int i = 0; i < 64; i += 16, out += 32) {
      LEVEL(piece) u, v;
      memcpy(&u, xs + i, sizeof u);
      memcpy(&v, ys + i, sizeof v);
      LEVEL(piece) low = __builtin_shufflevector(u, v, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      LEVEL(piece) high = __builtin_shufflevector(u, v, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      memcpy(out, &low, sizeof low);
      memcpy(out + 16, &high, sizeof high);
    }
  }
  for (; n > 0; n -= n < 2 ? n : 2, j++) {
    LEVEL(threefry_pair)(key, j, pair);
    memcpy(out, pair, (n < 2 ? n : 2) * 4);
    out += 2;
  }
}
