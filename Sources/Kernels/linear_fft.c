// Discrete Fourier transforms of any length: plans, and the choice of the code for the machine at hand.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linear_fft_plan.h"

// One instance for each element type and instruction set.
#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define NAME(x) JOIN(x, SUFFIX)

#define TARGET
#define REAL float
#define SUFFIX f32
#include "linear_fft_body.h"
#undef REAL
#undef SUFFIX
#define REAL double
#define SUFFIX f64
#include "linear_fft_body.h"
#undef REAL
#undef SUFFIX
#undef TARGET

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define REAL float
#define SUFFIX f32_avx2
#include "linear_fft_body.h"
#undef REAL
#undef SUFFIX
#define REAL double
#define SUFFIX f64_avx2
#include "linear_fft_body.h"
#undef REAL
#undef SUFFIX
#undef TARGET

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")))
#define REAL float
#define SUFFIX f32_avx512
#include "linear_fft_body.h"
#undef REAL
#undef SUFFIX
#define REAL double
#define SUFFIX f64_avx512
#include "linear_fft_body.h"
#undef REAL
#undef SUFFIX
#undef TARGET
#endif

// exp(-2πi k / n), exact to the last bit of long double by reduction to an eighth of the circle.
static void root_of_unity(size_t k, size_t n, long double *re, long double *im) {
  k %= n;
  // Counted in 1/8n of the circle.
  size_t eighth = 8 * k / n;
  size_t left = 8 * k - eighth * n;
  int odd = eighth & 1;
  long double angle = 0.785398163397448309615660845819875721L * (long double)(odd ? n - left : left) / (long double)n;
  long double c = cosl(angle), s = sinl(angle), x, y;
  // Within the quarter: odd eighths are mirrored at the diagonal.
  x = odd ? s : c;
  y = odd ? c : s;
  switch (eighth / 2) {
    case 0: *re = x, *im = -y; break;
    case 1: *re = -y, *im = -x; break;
    case 2: *re = -x, *im = y; break;
    default: *re = y, *im = x; break;
  }
}

static void *create_array(soma_dtype dtype, size_t pairs) {
  return malloc((pairs ? pairs : 1) * 2 * soma_linear_size(dtype));
}

static void put(soma_dtype dtype, void *array, size_t i, long double re, long double im) {
  if (dtype == SOMA_F32)
    ((float *)array)[2 * i] = (float)re, ((float *)array)[2 * i + 1] = (float)im;
  else
    ((double *)array)[2 * i] = (double)re, ((double *)array)[2 * i + 1] = (double)im;
}

static void destroy_core(fft_core *core) {
  if (!core) return;
  for (size_t i = 0; i < core->passes; i++) {
    free(core->pass[i].twiddles);
    free(core->pass[i].roots);
  }
  destroy_core(core->rows);
  destroy_core(core->columns);
  destroy_core(core->convolution);
  free(core->between);
  free(core->chirp);
  free(core->spectrum);
  free(core);
}

static int is_smooth(size_t n, size_t largest) {
  for (size_t p = 2; p <= largest; p++)
    while (n % p == 0) n /= p;
  return n == 1;
}

static int plan_passes(fft_core *core, soma_dtype dtype) {
  static const int radices[] = {4, 2, 3, 5, 7, 11, 13};
  size_t rest = core->n;
  for (size_t i = 0; i < sizeof radices / sizeof *radices; i++) {
    int radix = radices[i];
    while (rest % (size_t)radix == 0) {
      size_t length = rest;
      rest /= (size_t)radix;
      fft_pass *pass = &core->pass[core->passes++];
      pass->radix = radix;
      pass->rest = rest;
      pass->twiddles = create_array(dtype, rest * (size_t)(radix - 1));
      pass->roots = radix > 5 ? create_array(dtype, (size_t)radix) : NULL;
      if (!pass->twiddles || (radix > 5 && !pass->roots)) return 0;
      long double re, im;
      for (size_t p = 0; p < rest; p++)
        for (size_t j = 1; j < (size_t)radix; j++) {
          root_of_unity(p * j, length, &re, &im);
          put(dtype, pass->twiddles, p * (size_t)(radix - 1) + j - 1, re, im);
        }
      if (pass->roots)
        for (size_t j = 0; j < (size_t)radix; j++) {
          root_of_unity(j, (size_t)radix, &re, &im);
          put(dtype, pass->roots, j, re, im);
        }
    }
  }
  return 1;
}

static fft_core *create_core(soma_dtype dtype, size_t n, int may_split);

// The divisor nearest to the root from below; both parts must fill vectors.
static int plan_split(fft_core *core, soma_dtype dtype) {
  size_t best = 1;
  for (size_t d = 2; d * d <= core->n; d++)
    if (core->n % d == 0) best = d;
  if (best < 8) return 1;
  size_t n1 = core->n / best, n2 = best;
  core->rows = create_core(dtype, n1, 0);
  core->columns = create_core(dtype, n2, 0);
  core->between = create_array(dtype, core->n);
  if (!core->rows || !core->columns || !core->between) return 0;
  for (size_t j = 0; j < n2; j++)
    for (size_t k = 0; k < n1; k++) {
      long double re, im;
      root_of_unity(j * k, core->n, &re, &im);
      put(dtype, core->between, j * n1 + k, re, im);
    }
  return 1;
}

static int plan_bluestein(fft_core *core, soma_dtype dtype) {
  size_t n = core->n, m = 2 * n - 1;
  while (!is_smooth(m, 5)) m++;
  core->convolution = create_core(dtype, m, 1);
  core->chirp = create_array(dtype, n);
  core->spectrum = create_array(dtype, m);
  // The spectrum is transformed in double whatever the type, so that it adds no error of its own.
  fft_core *exact = create_core(SOMA_F64, m, 1);
  double *buffer = calloc(4 * m, sizeof *buffer);
  int good = core->convolution && core->chirp && core->spectrum && exact && buffer;
  if (good) {
    pair_f64 x = {buffer, buffer + m}, y = {buffer + 2 * m, buffer + 3 * m};
    for (size_t j = 0, square = 0; j < n; j++) {
      // j² modulo 2n, without forming j².
      long double re, im;
      root_of_unity(square, 2 * n, &re, &im);
      put(dtype, core->chirp, j, re, im);
      x.re[j] = (double)re, x.im[j] = (double)-im;
      if (j) x.re[m - j] = (double)re, x.im[m - j] = (double)-im;
      square = (square + 2 * j + 1) % (2 * n);
    }
    pair_f64 end = run_smooth_f64(exact, 1, x, y);
    for (size_t j = 0; j < m; j++)
      put(dtype, core->spectrum, j, (long double)end.re[j] / (long double)m, (long double)end.im[j] / (long double)m);
  }
  free(buffer);
  destroy_core(exact);
  return good;
}

static fft_core *create_core(soma_dtype dtype, size_t n, int may_split) {
  fft_core *core = calloc(1, sizeof *core);
  if (!core) return NULL;
  core->n = n;
  int good = is_smooth(n, largest_radix) ? plan_passes(core, dtype) && (!may_split || plan_split(core, dtype))
                                         : plan_bluestein(core, dtype);
  if (good) return core;
  destroy_core(core);
  return NULL;
}

soma_fft_plan *soma_fft_create(soma_dtype dtype, size_t n) {
  // Beyond this, indices of twiddle factors could overflow.
  if ((dtype != SOMA_F32 && dtype != SOMA_F64) || n == 0 || n > (size_t)1 << 30) return NULL;
  soma_fft_plan *plan = calloc(1, sizeof *plan);
  if (!plan) return NULL;
  plan->dtype = dtype;
  plan->n = n;
  // 16 columns: one vector of floats or two of doubles. Very long transforms go one by one, to bound the scratch.
  plan->block = n <= (size_t)1 << 16 ? 16 : 1;
  plan->whole = create_core(dtype, n, 1);
  int good = plan->whole != NULL;
  if (good && n % 2 == 0) {
    plan->half = create_core(dtype, n / 2, 1);
    plan->real_twiddles = create_array(dtype, n / 2 + 1);
    good = plan->half && plan->real_twiddles;
    for (size_t k = 0; good && k <= n / 2; k++) {
      long double re, im;
      root_of_unity(k, n, &re, &im);
      put(dtype, plan->real_twiddles, k, re, im);
    }
  }
  if (!good) {
    soma_fft_destroy(plan);
    return NULL;
  }
  size_t areas = plan->whole->convolution ? 6 : 4;
  plan->scratch = 64 + areas * fft_area(plan->whole, plan->block) * soma_linear_size(dtype);
  return plan;
}

void soma_fft_destroy(soma_fft_plan *plan) {
  if (!plan) return;
  destroy_core(plan->whole);
  destroy_core(plan->half);
  free(plan->real_twiddles);
  free(plan);
}

size_t soma_fft_scratch(const soma_fft_plan *plan) { return plan->scratch; }

#if defined(__x86_64__)
#define DISPATCH(name, ...)                                  \
  do {                                                       \
    int level = soma_linear_level();                         \
    if (plan->dtype == SOMA_F32) {                           \
      if (level >= 2) name##_f32_avx512(plan, __VA_ARGS__);  \
      else if (level == 1) name##_f32_avx2(plan, __VA_ARGS__); \
      else name##_f32(plan, __VA_ARGS__);                    \
    } else {                                                 \
      if (level >= 2) name##_f64_avx512(plan, __VA_ARGS__);  \
      else if (level == 1) name##_f64_avx2(plan, __VA_ARGS__); \
      else name##_f64(plan, __VA_ARGS__);                    \
    }                                                        \
  } while (0)
#else
#define DISPATCH(name, ...)                                         \
  do {                                                              \
    if (plan->dtype == SOMA_F32) name##_f32(plan, __VA_ARGS__);     \
    else name##_f64(plan, __VA_ARGS__);                             \
  } while (0)
#endif

void soma_fft_complex(const soma_fft_plan *plan, int inverse, void *out_real, void *out_imaginary, const void *in_real,
                      const void *in_imaginary, size_t outer, size_t inner, void *scratch) {
  DISPATCH(complex, inverse, out_real, out_imaginary, in_real, in_imaginary, outer, inner, scratch);
}

void soma_fft_real(const soma_fft_plan *plan, void *out_real, void *out_imaginary, const void *in, size_t outer,
                   size_t inner, void *scratch) {
  DISPATCH(real, out_real, out_imaginary, in, outer, inner, scratch);
}

void soma_fft_real_inverse(const soma_fft_plan *plan, void *out, const void *in_real, const void *in_imaginary,
                           size_t outer, size_t inner, void *scratch) {
  DISPATCH(real_inverse, out, in_real, in_imaginary, outer, inner, scratch);
}
