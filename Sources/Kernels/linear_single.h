// What templates of linear algebra see of single precision: REAL, of which LANES make a VECTOR. Include
// `linear_undefine.h` before the other precision.
#define REAL float
#define NAME(x) x##_f32
#define LANES 16
#define VECTOR __m512
#define MASK __mmask16
#define LOAD _mm512_maskz_loadu_ps
#define LOAD_OVER _mm512_mask_loadu_ps
#define STORE _mm512_mask_storeu_ps
#define ZERO _mm512_setzero_ps
#define BROADCAST _mm512_set1_ps
#define ADD _mm512_add_ps
#define MULTIPLY_ADD _mm512_fmadd_ps
#define SUM _mm512_reduce_add_ps
#define QUARTERS _mm512_shuffle_f32x4
#define EVEN_OF_TWO(a, b) \
  _mm512_permutex2var_ps( \
      a, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b)
#define LOWER_INTERLEAVED(a, b) \
  _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), b)
#define UPPER_INTERLEAVED(a, b) \
  _mm512_permutex2var_ps(a, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), b)
