// Template: functions of one vector.

ALWAYS_INLINE V_f32 LEVEL(scale_f32)(V_f32 x, V_f32 k) {
  // Two steps, so that neither factor overflows and a subnormal result is rounded once.
  W_f32 n = __builtin_convertvector(k, W_f32), half = n >> 1;
  return x * (V_f32)((half + 127) << 23) * (V_f32)((n - half + 127) << 23);
}
ALWAYS_INLINE V_f64 LEVEL(scale_f64)(V_f64 x, V_f64 k) {
  // Adding 1.5 · 2^52 leaves the integer in the low bits.
  W_f64 n = ((W_f64)(k + 0x1.8p52) << 12) >> 12, half;
  n = n - ((W_f64)((V_f64)0x1.8p52) << 12 >> 12);
  half = n >> 1;
  return x * (V_f64)((half + 1023) << 52) * (V_f64)((n - half + 1023) << 52);
}

/// e^x = 2^k e^r with |r| <= ln 2 / 2; returns r and k. The high part of ln 2 is short, so that k times it is exact.
ALWAYS_INLINE V_f32 LEVEL(reduce_exp_f32)(V_f32 x, V_f32 *k) {
  *k = __builtin_elementwise_roundeven(x * 0x1.715476p0f);
  return FMA(*k, (V_f32)2.12194440e-4f, FMA(*k, (V_f32)-0.693359375f, x));
}
ALWAYS_INLINE V_f64 LEVEL(reduce_exp_f64)(V_f64 x, V_f64 *k) {
  *k = __builtin_elementwise_roundeven(x * 0x1.71547652b82fep0);
  return FMA(*k, (V_f64)-0x1.a39ef35793c76p-33, FMA(*k, (V_f64)-0x1.62e42feep-1, x));
}

/// (e^r - 1 - r) / r^2, by Chebyshev interpolation.
ALWAYS_INLINE V_f32 LEVEL(exp_rest_f32)(V_f32 r) {
  V_f32 q = (V_f32)0.0001989198131397769f;
  q = FMA(q, r, (V_f32)0.0013934541928270264f);
  q = FMA(q, r, (V_f32)0.008333310024225292f);
  q = FMA(q, r, (V_f32)0.04166645680967788f);
  q = FMA(q, r, (V_f32)0.16666666682534356f);
  return FMA(q, r, (V_f32)0.5f);
}
ALWAYS_INLINE V_f64 LEVEL(exp_rest_f64)(V_f64 r) {
  V_f64 q = (V_f64)2.0915442297780116e-09;
  q = FMA(q, r, (V_f64)2.5106274733573296e-08);
  q = FMA(q, r, (V_f64)2.75572718102198e-07);
  q = FMA(q, r, (V_f64)2.755725283351691e-06);
  q = FMA(q, r, (V_f64)2.4801587327007187e-05);
  q = FMA(q, r, (V_f64)0.00019841269876864356);
  q = FMA(q, r, (V_f64)0.0013888888888883327);
  q = FMA(q, r, (V_f64)0.008333333333325544);
  q = FMA(q, r, (V_f64)0.04166666666666667);
  q = FMA(q, r, (V_f64)0.1666666666666667);
  return FMA(q, r, (V_f64)0.5);
}

#define EXP(T, least, most)                                                                                       \
  ALWAYS_INLINE V_##T LEVEL(exp_##T)(V_##T x) {                                                                   \
    V_##T k, v = x < least ? (V_##T)least : x;                                                                    \
    v = v > most ? (V_##T)most : v;                                                                               \
    V_##T r = LEVEL(reduce_exp_##T)(v, &k);                                                                       \
    V_##T y = FMA(r * r, LEVEL(exp_rest_##T)(r), r) + 1;                                                          \
    return LEVEL(scale_##T)(y, k);                                                                                \
  }
EXP(f32, -105.0f, 90.0f)
EXP(f64, -750.0, 711.0)

/// x = 2^k m with m in [sqrt(1/2), sqrt(2)); returns m - 1.
ALWAYS_INLINE V_f32 LEVEL(split_f32)(V_f32 x, V_f32 *k) {
  V_f32 tiny = x < 0x1p-126f ? (V_f32)23.0f : (V_f32)0.0f;
  W_f32 bits = (W_f32)(x < 0x1p-126f ? x * 0x1p23f : x) - 0x3f3504f3;
  *k = __builtin_convertvector(bits >> 23, V_f32) - tiny;
  return (V_f32)((bits & 0x7fffff) + 0x3f3504f3) - 1;
}
ALWAYS_INLINE V_f64 LEVEL(split_f64)(V_f64 x, V_f64 *k) {
  V_f64 tiny = x < 0x1p-1022 ? (V_f64)52.0 : (V_f64)0.0;
  W_f64 bits = (W_f64)(x < 0x1p-1022 ? x * 0x1p52 : x) - 0x3fe6a09e667f3bcdLL;
  *k = __builtin_convertvector(bits >> 52, V_f64) - tiny;
  return (V_f64)((bits & 0xfffffffffffffLL) + 0x3fe6a09e667f3bcdLL) - 1;
}

#define LOG_SPECIAL(T, x, y)                                                                                      \
  y = x < INFINITY ? y : x;                                                                                       \
  y = x == 0 ? (V_##T)-INFINITY : y;                                                                              \
  y = x < 0 ? (V_##T)NAN : y;

ALWAYS_INLINE V_f32 LEVEL(log_f32)(V_f32 x) {
  V_f32 k, f = LEVEL(split_f32)(x, &k), t = f - 0.06066017177982129f;
  V_f32 q = (V_f32)0.06971611471451178f;
  q = FMA(q, t, (V_f32)-0.08096540651114427f);
  q = FMA(q, t, (V_f32)0.07529169315037727f);
  q = FMA(q, t, (V_f32)-0.08972577939996389f);
  q = FMA(q, t, (V_f32)0.11042235463604805f);
  q = FMA(q, t, (V_f32)-0.13620577601430897f);
  q = FMA(q, t, (V_f32)0.1725654012183355f);
  q = FMA(q, t, (V_f32)-0.22745564022467474f);
  q = FMA(q, t, (V_f32)0.31886885709483553f);
  V_f32 f2 = f * f;
  V_f32 y = FMA(f2, FMA(f, q, (V_f32)-0.5f), k * -2.12194440e-4f) + f;
  y = FMA(k, (V_f32)0.693359375f, y);
  LOG_SPECIAL(f32, x, y)
  return y;
}

/// log(1 + f) with s = f / (2 + f) as in fdlibm (Sun Microsystems, 1993), whose constants these are.
ALWAYS_INLINE V_f64 LEVEL(log_f64)(V_f64 x) {
  V_f64 k, f = LEVEL(split_f64)(x, &k), s = f / (2 + f), z = s * s;
  V_f64 q = (V_f64)1.479819860511658591e-01;
  q = FMA(q, z, (V_f64)1.531383769920937332e-01);
  q = FMA(q, z, (V_f64)1.818357216161805012e-01);
  q = FMA(q, z, (V_f64)2.222219843214978396e-01);
  q = FMA(q, z, (V_f64)2.857142874366239149e-01);
  q = FMA(q, z, (V_f64)3.999999999940941908e-01);
  q = FMA(q, z, (V_f64)6.666666666666735130e-01);
  V_f64 half = 0.5 * f * f;
  V_f64 y = FMA(k, (V_f64)0x1.62e42feep-1, f - (half - FMA(s, FMA(q, z, half), k * 0x1.a39ef35793c76p-33)));
  LOG_SPECIAL(f64, x, y)
  return y;
}

// SLEEF cuts these off before their values overflow, and some lose the last bits of subnormal numbers. In sinh and cosh the shift by nearly
// ln 2 is exact for arguments of this size, and `excess` makes up for what it differs from ln 2.
#define COMPLETE(T, least, log1p_end, sinh_end, shift, excess, asinh_end, lgamma_end)                             \
  ALWAYS_INLINE V_##T LEVEL(complete_log1p_##T)(V_##T x, V_##T y) {                                               \
    W_##T far = x > log1p_end;                                                                                    \
    y = ABS(x) < least ? x : y;                                                                                   \
    return ANY(far) ? (far ? LEVEL(log_##T)(x) : y) : y;                                                          \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(complete_tan_##T)(V_##T x, V_##T y) { return ABS(x) < least ? x : y; }                 \
  ALWAYS_INLINE V_##T LEVEL(half_exp_##T)(V_##T x) {                                                              \
    V_##T e = LEVEL(exp_##T)(x - shift);                                                                          \
    return e < INFINITY ? FMA(e, (V_##T)excess, e) : e;                                                           \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(complete_sinh_##T)(V_##T x, V_##T y) {                                                \
    W_##T far = ABS(x) > sinh_end;                                                                                \
    return ANY(far) ? (far ? COPYSIGN(LEVEL(half_exp_##T)(ABS(x)), x) : y) : y;                                   \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(complete_cosh_##T)(V_##T x, V_##T y) {                                                \
    W_##T far = ABS(x) > sinh_end;                                                                                \
    return ANY(far) ? (far ? LEVEL(half_exp_##T)(ABS(x)) : y) : y;                                                \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(complete_asinh_##T)(V_##T x, V_##T y) {                                               \
    W_##T far = ABS(x) > asinh_end;                                                                               \
    y = ABS(x) < least ? x : y;                                                                                   \
    return ANY(far) ? (far ? COPYSIGN(LEVEL(log_##T)(ABS(x)) + (T)0.69314718055994531, x) : y) : y;               \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(complete_acosh_##T)(V_##T x, V_##T y) {                                               \
    W_##T far = x > asinh_end;                                                                                    \
    return ANY(far) ? (far ? LEVEL(log_##T)(x) + (T)0.69314718055994531 : y) : y;                                 \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(complete_lgamma_##T)(V_##T x, V_##T y) {                                              \
    W_##T far = x > lgamma_end;                                                                                   \
    return ANY(far) ? (far ? x * (LEVEL(log_##T)(x) - 1) : y) : y;                                                \
  }
COMPLETE(f32, 0x1p-100f, 0x1p100f, 80.0f, 0x1.62e4p-1f, -1.4286057998511797e-6f, 0x1p60f, 1e30f)
COMPLETE(f64, 0x1p-1000, 0x1p1000, 700.0, 0x1.62e42fefa38p-1, -5.497923018708222e-14, 0x1p500, 1e300)

/// 1 / (1 + e^-x) with the exponential of -|x|, so that nothing overflows.
#define LOGISTIC(T)                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(logistic_##T)(V_##T x) {                                                              \
    V_##T e = LEVEL(exp_##T)(-ABS(x));                                                                            \
    return (x < 0 ? e : (V_##T)1) / (1 + e);                                                                      \
  }
LOGISTIC(f32)
LOGISTIC(f64)

/// erf^-1(x) / x as a function of w = -log(1 - x^2), in three pieces by Chebyshev interpolation; relative error 3e-10.
/// (The variable is Giles' "Approximating the erfinv function", 2010; the pieces and the coefficients are not.)
ALWAYS_INLINE V_f64 LEVEL(erf_inverse_ratio)(V_f64 w) {
  V_f64 t = w - 3;
  V_f64 p = (V_f64)1.2732868700624292e-12;
  p = FMA(p, t, (V_f64)-1.4563269630773788e-11);
  p = FMA(p, t, (V_f64)-1.48666180578682e-11);
  p = FMA(p, t, (V_f64)1.0684025387667025e-09);
  p = FMA(p, t, (V_f64)-5.5654659371024445e-09);
  p = FMA(p, t, (V_f64)-2.3407992568788055e-08);
  p = FMA(p, t, (V_f64)4.502891203278818e-07);
  p = FMA(p, t, (V_f64)-1.7489187809627485e-06);
  p = FMA(p, t, (V_f64)-1.2716873090583234e-05);
  p = FMA(p, t, (V_f64)0.00019506272533632716);
  p = FMA(p, t, (V_f64)-0.0008361815249746705);
  p = FMA(p, t, (V_f64)-0.005738136016107892);
  p = FMA(p, t, (V_f64)0.24163040414304734);
  p = FMA(p, t, (V_f64)1.6235420065379758);
  W_f64 far = w > 6;
  if (!ANY(far)) return p;
  V_f64 s = __builtin_elementwise_sqrt(w);
  t = s - 3.349744871391589;
  V_f64 q = (V_f64)7.786674522614228e-06;
  q = FMA(q, t, (V_f64)-3.089333864809644e-05);
  q = FMA(q, t, (V_f64)3.355297319636023e-05);
  q = FMA(q, t, (V_f64)6.349343608563442e-05);
  q = FMA(q, t, (V_f64)-0.00031884583208754107);
  q = FMA(q, t, (V_f64)0.0007182486628404642);
  q = FMA(q, t, (V_f64)-0.0011894383005891893);
  q = FMA(q, t, (V_f64)0.0017793483437302051);
  q = FMA(q, t, (V_f64)-0.002907462411033308);
  q = FMA(q, t, (V_f64)0.004381757150775902);
  q = FMA(q, t, (V_f64)1.0062275558056968);
  q = FMA(q, t, (V_f64)3.1842049804248953);
  p = far ? q : p;
  far = s > 4.25;
  if (!ANY(far)) return p;
  t = s - 5.225;
  q = (V_f64)1.638680048214338e-07;
  q = FMA(q, t, (V_f64)-7.544466283099919e-07);
  q = FMA(q, t, (V_f64)3.2136945530986466e-06);
  q = FMA(q, t, (V_f64)-1.4438350406580702e-05);
  q = FMA(q, t, (V_f64)5.693691321783451e-05);
  q = FMA(q, t, (V_f64)-0.00015566614795891316);
  q = FMA(q, t, (V_f64)-0.00026286063261749307);
  q = FMA(q, t, (V_f64)1.0102086098029355);
  q = FMA(q, t, (V_f64)5.0772147179879035);
  return far ? q : p;
}

/// The approximation for |x| < 1, NaN beyond.
ALWAYS_INLINE V_f64 LEVEL(erf_inverse_rough)(V_f64 x) {
  V_f64 w = -LEVEL(log_f64)((1 - x) * (1 + x));
  return x * LEVEL(erf_inverse_ratio)(w);
}
