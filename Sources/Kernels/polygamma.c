#include "levels.h"

#define PI 3.14159265358979323846

/// digamma(x) for 1 <= x <= 2 as (x - x0) times a Chebyshev interpolant, x0 being the zero to 32 digits, so that the
/// relative error is small there as well.
static double digamma_near_zero(double x) {
  static const double coefficients[] = {
      0.951055876031833,      -0.4236274212814605,    0.2405424842407742,     -0.14840492305390884,
      0.09498872445494122,    -0.061922133273064534,  0.04076083381242074,    -0.02697579675613825,
      0.0179072524394512,     -0.011908218001568644,  0.007926944646403797,   -0.005279964873257405,
      0.003519006401502276,   -0.002345267632540769,  0.0015566317474486838,  -0.0010376374098418604,
      0.0007233266279287554,  -0.0004821990530566789, 0.0002272331660987376,  -0.00015148586836773365,
      0.00025968482126430747, -0.00017312261802727394};
  double t = x - 1.5, p = 0;
  for (int i = 21; i >= 0; i--) p = p * t + coefficients[i];
  return ((x - 1.4616321449683622) - 9.549995429965697e-17) * p;
}

static double cotangent_pi(double x) {
  // x - round(x) is exact, and the cotangent has period 1 here.
  double f = x - nearbyint(x);
  if (f == 0) return NAN;
  double a = fabs(f), t = a > 0.25 ? tan(PI * (0.5 - a)) : 1 / tan(PI * a);
  return copysign(t, f);
}

static double digamma(double x) {
  if (x == 0) return copysign(INFINITY, -x);
  if (isnan(x) || x == -INFINITY) return NAN;
  if (x < 0) {
    if (x == floor(x)) return NAN;
    return digamma(1 - x) - PI * cotangent_pi(x);
  }
  if (x == INFINITY) return x;
  if (x < 1) return digamma_near_zero(x + 1) - 1 / x;
  if (x <= 2) return digamma_near_zero(x);
  if (x < 10) {
    double sum = 0;
    for (; x > 2; x -= 1) sum += 1 / (x - 1);
    return digamma_near_zero(x) + sum;
  }
  static const double bernoulli[] = {1.0 / 12, -1.0 / 120,    1.0 / 252, -1.0 / 240,
                                     1.0 / 132, -691.0 / 32760, 1.0 / 12,  -3617.0 / 8160};
  double z = 1 / (x * x), p = 0;
  for (int i = 7; i >= 0; i--) p = p * z + bernoulli[i];
  return log(x) - (0.5 / x + p * z);
}

static double inverse_power(double x, double s) { return s == 2 ? 1 / (x * x) : pow(x, -s); }

/// Euler and Maclaurin's zeta(s, x) x^s for x > 12 + 2 s.
static double tail_ratio(double s, double x) {
  // B_2j / (2j)!
  static const double ratio[] = {1.0 / 12,
                                 -1.0 / 720,
                                 1.0 / 30240,
                                 -1.0 / 1209600,
                                 1.0 / 47900160,
                                 -691.0 / 1307674368000.0,
                                 1.0 / 74724249600.0,
                                 -3617.0 / 10670622842880000.0};
  double tail = 0, factor = s / x, z = 1 / (x * x);
  for (int j = 0; j < 8; j++) {
    double term = ratio[j] * factor;
    tail += term;
    if (fabs(term) < 1e-18) break;
    factor *= (s + 2 * j + 1) * (s + 2 * j + 2) * z;
  }
  return x / (s - 1) + (0.5 + tail);
}

/// Sum over k >= 0 of (x + k)^-s for x > 0 and s >= 2, with a compensated sum until x + k is large enough for the
/// formula above. All terms but small corrections are positive.
static double hurwitz_zeta(double s, double x) {
  double sum = 0, compensation = 0, start = 12 + 2 * s, y = x;
  for (int k = 0;; k++, y = x + k) {
    // What x + k lost to rounding matters s times as much in the power.
    double lost = k < y ? x - (y - k) : k - (y - x);
    if (y >= start) return sum + (inverse_power(y, s) * tail_ratio(s, y) * (1 - (s - 1) * lost / y) - compensation);
    double term = inverse_power(y, s) * (1 - s * lost / y) - compensation, next = sum + term;
    if (isinf(next)) return next;
    if (term * (y + 1) < sum * 0x1p-56) return sum;  // the whole tail is about y / (s - 1) such terms
    compensation = (next - sum) - term;
    sum = next;
  }
}

static double factorial(int n) {
  double product = 1;
  for (int i = 2; i <= n; i++) product *= i;
  return product;
}

/// (-1)^(n+1) n! zeta(n + 1, x). Left of zero the sum is split at the pole next to x into two Hurwitz functions of
/// positive arguments: the terms right of it, and the finitely many left of it as a difference.
static double polygamma(int order, double x, double scale) {
  double s = order + 1, sign = order % 2 ? 1 : -1, mirrored = order % 2 ? 1 : -1;
  if (isnan(x) || x == -INFINITY) return NAN;
  if (x == INFINITY) return sign * 0.0;
  if (x > 12 + 2 * s) {
    // Half of the power at a time, so that n! comes in before it underflows.
    double half = pow(x, -0.5 * order);
    return sign * (scale * half) * half * (tail_ratio(s, x) / x);
  }
  if (x > 0) return sign * scale * hurwitz_zeta(s, x);
  double f = x - floor(x);
  if (f == 0) return order % 2 ? INFINITY : x == 0 ? copysign(INFINITY, -x) : NAN;
  double left = hurwitz_zeta(s, 1 - f) - hurwitz_zeta(s, 1 - x);
  return sign * scale * (hurwitz_zeta(s, f) + mirrored * left);
}

void soma_polygamma(int order, soma_dtype dtype, void *out, const void *a, size_t n) {
  double scale = factorial(order);
  for (size_t i = 0; i < n; i++) {
    double x = dtype == SOMA_F32 ? ((const float *)a)[i] : ((const double *)a)[i];
    double y = order == 0 ? digamma(x) : polygamma(order, x, scale);
    if (dtype == SOMA_F32) {
      ((float *)out)[i] = (float)y;
    } else {
      ((double *)out)[i] = y;
    }
  }
}
