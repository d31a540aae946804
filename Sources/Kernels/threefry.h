// Threefry-2x32-20 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011), for numbers
// and for vectors: `x`, `y` hold the counter and become the cipher.
#ifndef SOMA_THREEFRY_H
#define SOMA_THREEFRY_H

#define ROTATE_MIX(x, y, r)                                                                                       \
  x += y;                                                                                                         \
  y = ((y << r) | (y >> (32 - r))) ^ x;
#define FOUR_ROUNDS_A(x, y) ROTATE_MIX(x, y, 13) ROTATE_MIX(x, y, 15) ROTATE_MIX(x, y, 26) ROTATE_MIX(x, y, 6)
#define FOUR_ROUNDS_B(x, y) ROTATE_MIX(x, y, 17) ROTATE_MIX(x, y, 29) ROTATE_MIX(x, y, 16) ROTATE_MIX(x, y, 24)
#define THREEFRY(x, y, k0, k1)                                                                                    \
  uint32_t k2 = 0x1bd11bdau ^ k0 ^ k1;                                                                            \
  x += k0, y += k1;                                                                                               \
  FOUR_ROUNDS_A(x, y) x += k1, y += k2 + 1;                                                                       \
  FOUR_ROUNDS_B(x, y) x += k2, y += k0 + 2;                                                                       \
  FOUR_ROUNDS_A(x, y) x += k0, y += k1 + 3;                                                                       \
  FOUR_ROUNDS_B(x, y) x += k1, y += k2 + 4;                                                                       \
  FOUR_ROUNDS_A(x, y) x += k2, y += k0 + 5;

#endif
