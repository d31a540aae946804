// What templates of linear algebra see of double precision; see `linear_single.h`.
#define REAL double
#define NAME(x) x##_f64
#define LANES 8
#define VECTOR __m512d
#define MASK __mmask8
#define LOAD _mm512_maskz_loadu_pd
#define LOAD_OVER _mm512_mask_loadu_pd
#define STORE _mm512_mask_storeu_pd
#define ZERO _mm512_setzero_pd
#define BROADCAST _mm512_set1_pd
#define ADD _mm512_add_pd
#define MULTIPLY_ADD _mm512_fmadd_pd
#define SUM _mm512_reduce_add_pd
#define QUARTERS _mm512_shuffle_f64x2
#define EVEN_OF_TWO(a, b) _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b)
#define LOWER_INTERLEAVED(a, b) _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b)
#define UPPER_INTERLEAVED(a, b) _mm512_permutex2var_pd(a, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b)
