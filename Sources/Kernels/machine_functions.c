// Functions in steps: see exponential_level.h and special_level.h for why they are as they are.
#include "machine_build.h"

#include <math.h>

static const instruction SCALE = {2, 1, 0x2c, 0, 0}, TO_INTEGER = {1, 2, 0x5b, 0, 0}, FROM_INTEGER = {1, 0, 0x5b, 0, 0},
                         ADD_INTEGER = {1, 1, 0xfe, 0, 0}, SUBTRACT_INTEGER = {1, 1, 0xfa, 0, 0},
                         TEST_BITS = {2, 1, 0x27, 0, 0}, SHIFT_LEFT = {2, 1, 0x47, 0, 0}, SHIFT_RIGHT = {2, 1, 0x46, 0, 0};

static int32_t plus(step_list *l, int32_t a, int32_t b) { return commuting(l, ADD, a, b); }
static int32_t minus(step_list *l, int32_t a, int32_t b) { return binary(l, SUBTRACT, a, b); }
static int32_t times(step_list *l, int32_t a, int32_t b) { return commuting(l, MULTIPLY, a, b); }
static int32_t over(step_list *l, int32_t a, int32_t b) { return binary(l, DIVIDE, a, b); }
static int32_t magnitude(step_list *l, int32_t x) { return binary(l, BITS_AND, x, constant(l, 0x7fffffff)); }
static int32_t round_even(step_list *l, int32_t x) { return unary(l, ROUND_F32, x, 8); }
static int32_t with_sign(step_list *l, int32_t magnitude_of, int32_t sign_of) {
  return binary(l, BITS_OR, magnitude(l, magnitude_of), binary(l, BITS_AND, sign_of, constant(l, 0x80000000)));
}
/// x < least ? least : x, which keeps NaN; and the other way round.
static int32_t at_least(step_list *l, int32_t x, double least) { return binary(l, MAXIMUM, number(l, least), x); }
static int32_t at_most(step_list *l, int32_t x, double most) { return binary(l, MINIMUM, number(l, most), x); }

static int32_t polynomial_of(step_list *l, int32_t x, const float *coefficients, size_t count) {
  int32_t sum = number(l, coefficients[0]);
  for (size_t i = 1; i < count; i++) sum = multiply_add(l, sum, x, number(l, coefficients[i]));
  return sum;
}
#define POLYNOMIAL(l, x, ...)                                                                                     \
  polynomial_of(l, x, (const float[]){__VA_ARGS__}, sizeof((const float[]){__VA_ARGS__}) / sizeof(float))

static int32_t reduce_exp(step_list *l, int32_t x, int32_t *k) {
  *k = round_even(l, times(l, x, number(l, 0x1.715476p0f)));
  return multiply_add(l, *k, number(l, 2.12194440e-4f), multiply_add(l, *k, number(l, -0.693359375f), x));
}

static int32_t short_expm1(step_list *l, int32_t r) {
  const int32_t q = POLYNOMIAL(l, r, 0.0001989198131397769f, 0.0013934541928270264f, 0.008333310024225292f,
                               0.04166645680967788f, 0.16666666682534356f, 0.5f);
  return multiply_add(l, times(l, r, r), q, r);
}

static int32_t exponential(step_list *l, int32_t x) {
  int32_t k;
  const int32_t r = reduce_exp(l, at_most(l, at_least(l, x, -105.0f), 90.0f), &k);
  return binary(l, SCALE, plus(l, short_expm1(l, r), number(l, 1)), k);
}

static int32_t power_of_two(step_list *l, int32_t k) {
  const int32_t n = binary(l, ADD_INTEGER, unary(l, TO_INTEGER, k, 0), constant(l, 127));
  return binary(l, SHIFT_LEFT, n, constant(l, 23));
}

static int32_t exponential_minus_one(step_list *l, int32_t x) {
  int32_t k;
  const int32_t p = short_expm1(l, reduce_exp(l, at_most(l, at_least(l, x, -20.0f), 89.0f), &k));
  const int32_t half = power_of_two(l, minus(l, k, number(l, 1)));
  const int32_t y = multiply_add(l, half, p, minus(l, half, number(l, 0.5)));
  return blend(l, compare(l, IS_LESS, magnitude(l, x), number(l, 0x1p-60)), x, plus(l, y, y));
}

static int32_t logistic(step_list *l, int32_t x) {
  const int32_t e = exponential(l, binary(l, BITS_OR, x, constant(l, 0x80000000)));
  const int32_t below = plus(l, e, number(l, 1)), rest = plus(l, minus(l, number(l, 1), below), e);
  const int32_t above = blend(l, compare(l, IS_LESS, x, number(l, 0)), e, number(l, 1));
  const int32_t inverse = over(l, number(l, 1), below), y = times(l, above, inverse);
  const int32_t error = subtract_product(l, y, rest, subtract_product(l, y, below, above));
  return multiply_add(l, error, inverse, y);
}

static int32_t hyperbolic_tangent(step_list *l, int32_t x) {
  const int32_t z = times(l, x, x);
  const int32_t rest = POLYNOMIAL(l, minus(l, z, number(l, 0.2f)), 0.002269501684162354f, -0.006053685374116421f,
                                  0.016011753934401185f, -0.042716964642290564f, 0.11411293118739976f,
                                  -0.30866356050196075f);
  const int32_t near = multiply_add(l, times(l, x, z), rest, x), size = magnitude(l, x);
  const int32_t u = at_most(l, size, 10.0f);
  const int32_t e = plus(l, exponential(l, plus(l, u, u)), number(l, 1));
  const int32_t far = minus(l, number(l, 1), over(l, number(l, 2), e));
  return with_sign(l, blend(l, compare(l, IS_LESS, size, number(l, 0.625f)), near, far), x);
}

static int32_t split(step_list *l, int32_t x, int32_t *k) {
  const int32_t is_tiny = compare(l, IS_LESS, x, number(l, 0x1p-126f));
  const int32_t grown = blend(l, is_tiny, times(l, x, number(l, 0x1p23f)), x);
  const int32_t bits = binary(l, SUBTRACT_INTEGER, grown, constant(l, 0x3f3504f3));
  const int32_t exponent = unary(l, FROM_INTEGER, binary(l, SHIFT_RIGHT, bits, constant(l, 23)), 0);
  const int32_t tiny =
      add_step(l, (step){STEP_KEEP, REPEAT_F32, 0, -1, number(l, 23), is_tiny, 0}, 0);
  *k = minus(l, exponent, tiny);
  const int32_t fraction = binary(l, ADD_INTEGER, binary(l, BITS_AND, bits, constant(l, 0x7fffff)), constant(l, 0x3f3504f3));
  return minus(l, fraction, number(l, 1));
}

static int32_t log_of_parts(step_list *l, int32_t k, int32_t f) {
  const int32_t q = POLYNOMIAL(l, minus(l, f, number(l, 0.06066017177982129f)), 0.06971611471451178f,
                               -0.08096540651114427f, 0.07529169315037727f, -0.08972577939996389f, 0.11042235463604805f,
                               -0.13620577601430897f, 0.1725654012183355f, -0.22745564022467474f, 0.31886885709483553f);
  const int32_t tail = multiply_add(l, times(l, f, f), multiply_add(l, f, q, number(l, -0.5f)),
                                    times(l, k, number(l, -2.12194440e-4f)));
  return multiply_add(l, k, number(l, 0.693359375f), plus(l, tail, f));
}

static int32_t log_edges(step_list *l, int32_t x, int32_t y) {
  y = blend(l, compare(l, IS_LESS, x, number(l, INFINITY)), y, x);
  y = blend(l, compare(l, IS_EQUAL, x, number(l, 0)), number(l, -INFINITY), y);
  return blend(l, compare(l, IS_LESS, x, number(l, 0)), constant(l, 0x7fc00000), y);
}

static int32_t logarithm(step_list *l, int32_t x) {
  int32_t k;
  const int32_t f = split(l, x, &k);
  return log_edges(l, x, log_of_parts(l, k, f));
}

static int32_t logarithm_of_one_plus(step_list *l, int32_t x) {
  int32_t k;
  const int32_t u = plus(l, x, number(l, 1)), lost = minus(l, x, minus(l, u, number(l, 1)));
  int32_t f = split(l, u, &k);
  const int32_t negative = binary(l, BITS_XOR, k, constant(l, 0x80000000));
  const int32_t exponent = blend(l, compare(l, IS_GREATER, k, number(l, 60)), number(l, -60), negative);
  f = multiply_add(l, lost, power_of_two(l, exponent), f);
  const int32_t y = log_edges(l, u, log_of_parts(l, k, f));
  return blend(l, compare(l, IS_LESS, magnitude(l, x), number(l, 0x1p-60)), x, y);
}

static int32_t short_erf(step_list *l, int32_t x) {
  const int32_t t = multiply_add(l, x, x, number(l, -0.43245f));
  const int32_t p = POLYNOMIAL(l, t, 8.334718615209905e-05f, -0.0005972099893030542f, 0.0036752461745109743f,
                               -0.019250038279398068f, 0.08321225425657243f, -0.2920551128132562f,
                               -0.015176778818826024f);
  return multiply_add(l, x, p, x);
}

static int32_t error_function(step_list *l, int32_t x) {
  const int32_t size = magnitude(l, x), u = at_most(l, size, 4);
  const int32_t q = POLYNOMIAL(l, minus(l, u, number(l, 2.465f)), 2.694170786508183e-07f, 9.793741039645739e-07f,
                               -1.761090600850207e-05f, 0.0001239841049318001f, -0.0007398115143279824f,
                               0.004063963179647921f, -0.02118620814595899f, -0.8905134897399188f, -3.091532351908568f);
  const int32_t far = minus(l, number(l, 1), exponential(l, times(l, u, q)));
  return blend(l, compare(l, IS_LESS, size, number(l, 0.93f)), short_erf(l, x), with_sign(l, far, x));
}

static int32_t complementary_error_function(step_list *l, int32_t x) {
  int32_t k;
  const int32_t size = magnitude(l, x), u = at_most(l, size, 10.1f), square = times(l, u, u), twice = plus(l, u, u);
  const int32_t minus_square = binary(l, BITS_XOR, square, constant(l, 0x80000000));
  const int32_t r = reduce_exp(l, minus_square, &k), middle = number(l, 2.5f), last = number(l, 1.2689387798309326f);
  const int32_t t = plus(l, over(l, minus(l, u, middle), plus(l, u, middle)), number(l, 0.034533098340034485f));
  const int32_t slope = POLYNOMIAL(l, t, 0.0005521576968021691f, 0.00024454016238451004f, -0.004455179907381535f,
                                   0.002022126456722617f, 0.03245201334357262f, -0.10860313475131989f,
                                   0.17224295437335968f, -0.11610498279333115f, -0.11493638157844543f);
  const int32_t above = multiply_add(l, slope, t, last), below = plus(l, twice, number(l, 1));
  const int32_t lost = multiply_add(l, slope, t, minus(l, last, above)), inverse = over(l, number(l, 1), below);
  const int32_t y = times(l, above, inverse), lost_below = minus(l, twice, minus(l, below, number(l, 1)));
  const int32_t error = subtract_product(l, y, lost_below, subtract_product(l, y, below, above));
  int32_t rest = times(l, plus(l, error, lost), inverse);
  rest = subtract_product(l, y, multiply_add(l, u, u, minus_square), rest);
  const int32_t p = short_expm1(l, r);
  int32_t far = binary(l, SCALE, plus(l, y, multiply_add(l, y, p, multiply_add(l, rest, p, rest))), k);
  far = blend(l, compare(l, IS_LESS, x, number(l, 0)), minus(l, number(l, 2), far), far);
  const int32_t near = minus(l, number(l, 1), short_erf(l, x));
  far = blend(l, compare(l, IS_LESS, size, number(l, 0.5f)), near, far);
  return blend(l, compare(l, IS_EQUAL, x, x), far, x);
}

/// Sine, or cosine with a shift of 1.
static int32_t circular(step_list *l, soma_unary code, int32_t x) {
  const int32_t near = compare(l, IS_LESS, magnitude(l, x), number(l, 0x1p16f));
  const int32_t far = mask_operation(l, MASK_NOT, near, -1);
  const int32_t k = round_even(l, times(l, x, number(l, 0x1.45f306p-1f)));
  int32_t quadrant = unary(l, TO_INTEGER, k, 0);
  int32_t r = multiply_add(l, k, number(l, -0x1.92p0f), x);
  r = multiply_add(l, k, number(l, -0x1.fb6p-12f), r);
  r = multiply_add(l, k, number(l, 0x1.777a5cp-25f), r);
  r = multiply_add(l, k, number(l, 0x1.ee59dap-50f), r);
  if (code == SOMA_COS) quadrant = binary(l, ADD_INTEGER, quadrant, constant(l, 1));
  const int32_t z = times(l, r, r);
  const int32_t sine = POLYNOMIAL(l, z, -0.00019582831009756774f, 0.008332724682986736f, -0.166666641831398f);
  const int32_t cosine = POLYNOMIAL(l, z, 2.4542870960431173e-05f, -0.0013888279208913445f, 0.0416666641831398f, -0.5f);
  const int32_t is_odd = add_step(l, (step){STEP_COMPARE, TEST_BITS, 0, quadrant, constant(l, 1), -1, 0}, 1);
  int32_t y = blend(l, is_odd, multiply_add(l, z, cosine, number(l, 1)), multiply_add(l, times(l, r, z), sine, r));
  const int32_t sign = binary(l, SHIFT_LEFT, binary(l, BITS_AND, quadrant, constant(l, 2)), constant(l, 30));
  y = binary(l, BITS_XOR, y, sign);
  // The sum of a negative zero and zero would be positive.
  if (code == SOMA_SIN) y = blend(l, compare(l, IS_EQUAL, x, number(l, 0)), x, y);
  return rarely(l, far, code, x, y);
}

int soma_machine_has_function(soma_unary code) {
  switch (code) {
  case SOMA_EXP: case SOMA_EXPM1: case SOMA_LOG: case SOMA_LOG1P: case SOMA_TANH: case SOMA_LOGISTIC: case SOMA_ERF:
  case SOMA_ERFC: case SOMA_SIN: case SOMA_COS:
    return 1;
  default: return 0;
  }
}

int32_t soma_machine_function_steps(step_list *l, soma_unary code, int32_t x) {
  switch (code) {
  case SOMA_EXP: return exponential(l, x);
  case SOMA_EXPM1: return exponential_minus_one(l, x);
  case SOMA_LOG: return logarithm(l, x);
  case SOMA_LOG1P: return logarithm_of_one_plus(l, x);
  case SOMA_TANH: return hyperbolic_tangent(l, x);
  case SOMA_LOGISTIC: return logistic(l, x);
  case SOMA_ERF: return error_function(l, x);
  case SOMA_ERFC: return complementary_error_function(l, x);
  case SOMA_SIN:
  case SOMA_COS: return circular(l, code, x);
  default: l->failed = 1; return 0;
  }
}
