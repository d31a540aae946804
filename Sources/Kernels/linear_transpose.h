// Squares of a matrix transposed in registers. TARGET is the including file's.
#ifndef SOMA_LINEAR_TRANSPOSE_H
#define SOMA_LINEAR_TRANSPOSE_H

#include <immintrin.h>
#include <stddef.h>

// Eight rows of eight to eight columns, `pitch` apart, in registers.
TARGET static inline void transpose_tile(double *to, size_t pitch, const double *a, size_t lda, __m512d alpha) {
  __m512d r[8], s[8];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 8; i++) r[i] = _mm512_mul_pd(alpha, _mm512_loadu_pd(a + i * lda));
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i += 2) {
    s[i] = _mm512_unpacklo_pd(r[i], r[i + 1]);
    s[i + 1] = _mm512_unpackhi_pd(r[i], r[i + 1]);
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 2; i++) {
    // Columns i, i + 2, i + 4, i + 6 of four pairs of rows, a quarter of a register each.
    __m512d even_low = _mm512_shuffle_f64x2(s[i], s[i + 2], 0x88), odd_low = _mm512_shuffle_f64x2(s[i], s[i + 2], 0xdd);
    __m512d even_high = _mm512_shuffle_f64x2(s[i + 4], s[i + 6], 0x88);
    __m512d odd_high = _mm512_shuffle_f64x2(s[i + 4], s[i + 6], 0xdd);
    _mm512_storeu_pd(to + pitch * i, _mm512_shuffle_f64x2(even_low, even_high, 0x88));
    _mm512_storeu_pd(to + pitch * (i + 4), _mm512_shuffle_f64x2(even_low, even_high, 0xdd));
    _mm512_storeu_pd(to + pitch * (i + 2), _mm512_shuffle_f64x2(odd_low, odd_high, 0x88));
    _mm512_storeu_pd(to + pitch * (i + 6), _mm512_shuffle_f64x2(odd_low, odd_high, 0xdd));
  }
}

// Sixteen registers of sixteen elements: rows become columns.
__attribute__((always_inline)) TARGET static inline void transpose_registers(__m512 *r) {
  __m512 s[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 2) {
    s[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    s[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 4) {
#pragma clang loop unroll(full)
    for (int h = 0; h < 2; h++) {
      __m512d low = _mm512_castps_pd(s[i + h]), high = _mm512_castps_pd(s[i + 2 + h]);
      r[i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
      r[i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
    }
  }
#pragma clang loop unroll(full)
  for (int c = 0; c < 4; c++) {
    __m512 a = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x88), d = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xdd);
    __m512 e = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x88), f = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xdd);
    s[c] = _mm512_shuffle_f32x4(a, e, 0x88);
    s[c + 8] = _mm512_shuffle_f32x4(a, e, 0xdd);
    s[c + 4] = _mm512_shuffle_f32x4(d, f, 0x88);
    s[c + 12] = _mm512_shuffle_f32x4(d, f, 0xdd);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) r[i] = s[i];
}

// Sixteen rows of sixteen columns become columns `pitch` apart.
TARGET static inline void transpose_square(float *to, size_t pitch, const float *b, size_t ldb) {
  __m512 r[16];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 16; i++) r[i] = _mm512_loadu_ps(b + i * ldb);
  transpose_registers(r);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 16; i++) _mm512_storeu_ps(to + pitch * i, r[i]);
}

#endif
