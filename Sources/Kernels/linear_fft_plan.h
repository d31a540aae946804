// What a planned Fourier transform holds; shared by its creation and its execution.
#ifndef SOMA_LINEAR_FFT_PLAN_H
#define SOMA_LINEAR_FFT_PLAN_H

#include "linear_internal.h"

enum { most_passes = 64, largest_radix = 13 };

/// One Stockham pass: `radix` butterflies of `rest` different twiddle factors.
typedef struct {
  int radix;
  size_t rest;
  void *twiddles;  // [rest, radix - 1] pairs (real, imaginary)
  void *roots;     // [radix] pairs, only for radices without a written-out butterfly
} fft_pass;

/// A complex transform of one length, of many interleaved columns at a time.
typedef struct fft_core {
  size_t n;
  size_t passes;
  fft_pass pass[most_passes];
  // For a single column: n = rows · columns, each done over the other as columns, with a transposition between.
  struct fft_core *rows, *columns;
  void *between;  // [n] pairs exp(-2πi k1 j2 / n), in the order j2, k1
  // For lengths with a prime factor above 13: a convolution of smooth length (Bluestein 1970).
  struct fft_core *convolution;
  void *chirp;     // [n] pairs exp(-πi j² / n)
  void *spectrum;  // [convolution.n] pairs: transform of the conjugate chirp, over the length
} fft_core;

struct soma_fft_plan {
  soma_dtype dtype;
  size_t n;
  size_t block;  // columns at a time
  fft_core *whole;
  fft_core *half;     // of n / 2, for real transforms of even length
  void *real_twiddles;  // [n / 2 + 1] pairs exp(-2πi k / n)
  size_t scratch;
};

/// Elements of each array of the three work areas.
static inline size_t fft_area(const fft_core *core, size_t block) {
  size_t most = core->n + 1;
  if (core->convolution && core->convolution->n > most) most = core->convolution->n;
  // Whole cache lines, so that every array starts on one.
  return (most * block + 15) & ~(size_t)15;
}

#endif
