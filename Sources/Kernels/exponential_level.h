// Template: exponentials, logarithms and what is made of them, one vector at a time. `T` is f32 or f64. The
// polynomials interpolate at Chebyshev's points.

/// Horner's scheme, highest coefficient first.
#define POLYNOMIAL(T, x, ...)                                                                                     \
  ({                                                                                                              \
    const T coefficients[] = {__VA_ARGS__};                                                                       \
    V_##T point = x, sum = (V_##T)coefficients[0];                                                                \
    for (size_t i = 1; i < sizeof coefficients / sizeof(T); i++) sum = FMA(sum, point, (V_##T)coefficients[i]);   \
    sum;                                                                                                          \
  })

/// x 2^k.
#if defined(SCALE_f32)
ALWAYS_INLINE V_f32 LEVEL(scale_f32)(V_f32 x, V_f32 k) { return SCALE_f32(x, k); }
ALWAYS_INLINE V_f64 LEVEL(scale_f64)(V_f64 x, V_f64 k) { return SCALE_f64(x, k); }
#else
// In two steps, so that neither factor overflows and a subnormal result is rounded once.
ALWAYS_INLINE V_f32 LEVEL(scale_f32)(V_f32 x, V_f32 k) {
  W_f32 n = __builtin_convertvector(k, W_f32), half = n >> 1;
  return x * (V_f32)((half + 127) << 23) * (V_f32)((n - half + 127) << 23);
}
ALWAYS_INLINE V_f64 LEVEL(scale_f64)(V_f64 x, V_f64 k) {
  W_f64 n = LEVEL(integer_f64)(k), half = n >> 1;
  return x * (V_f64)((half + 1023) << 52) * (V_f64)((n - half + 1023) << 52);
}
#endif

/// Exact powers of two, for the exponents of normal numbers.
ALWAYS_INLINE V_f32 LEVEL(power_of_two_f32)(V_f32 k) { return (V_f32)((LEVEL(integer_f32)(k) + 127) << 23); }
ALWAYS_INLINE V_f64 LEVEL(power_of_two_f64)(V_f64 k) { return (V_f64)((LEVEL(integer_f64)(k) + 1023) << 52); }

/// e^x = 2^k e^r with |r| <= ln 2 / 2; returns r and k. The high part of ln 2 is short, so that k times it is exact.
ALWAYS_INLINE V_f32 LEVEL(reduce_exp_f32)(V_f32 x, V_f32 *k) {
  *k = __builtin_elementwise_roundeven(x * 0x1.715476p0f);
  return FMA(*k, (V_f32)2.12194440e-4f, FMA(*k, (V_f32)-0.693359375f, x));
}
ALWAYS_INLINE V_f64 LEVEL(reduce_exp_f64)(V_f64 x, V_f64 *k) {
  *k = __builtin_elementwise_roundeven(x * 0x1.71547652b82fep0);
  return FMA(*k, (V_f64)-0x1.a39ef35793c76p-33, FMA(*k, (V_f64)-0x1.62e42feep-1, x));
}

/// e^r - 1.
ALWAYS_INLINE V_f32 LEVEL(short_expm1_f32)(V_f32 r) {
  V_f32 q = POLYNOMIAL(f32, r, 0.0001989198131397769f, 0.0013934541928270264f, 0.008333310024225292f,
                       0.04166645680967788f, 0.16666666682534356f, 0.5f);
  return FMA(r * r, q, r);
}
ALWAYS_INLINE V_f64 LEVEL(short_expm1_f64)(V_f64 r) {
  V_f64 q = POLYNOMIAL(f64, r, 2.0915442297780116e-09, 2.5106274733573296e-08, 2.75572718102198e-07,
                       2.755725283351691e-06, 2.4801587327007187e-05, 0.00019841269876864356, 0.0013888888888883327,
                       0.008333333333325544, 0.04166666666666667, 0.1666666666666667, 0.5);
  return FMA(r * r, q, r);
}

/// Polynomials in z = x^2: (tanh(x) / x - 1) / z for z <= 0.39 and (sinh(x) / x - 1) / z for z <= 4.
ALWAYS_INLINE V_f32 LEVEL(tanh_rest_f32)(V_f32 z) {
  return POLYNOMIAL(f32, z - 0.2f, 0.002269501684162354f, -0.006053685374116421f, 0.016011753934401185f,
                    -0.042716964642290564f, 0.11411293118739976f, -0.30866356050196075f);
}
ALWAYS_INLINE V_f64 LEVEL(tanh_rest_f64)(V_f64 z) {
  return POLYNOMIAL(f64, z - 0.19535, 6.484104982405479e-06, -1.7265557676292862e-05, 4.5231550802091235e-05,
                    -0.00012044036172114424, 0.00032073457660489733, -0.0008540363747868689, 0.0022740862944511777,
                    -0.006055339883217025, 0.01612418024000899, -0.04294187915416916, 0.11451124652034862,
                    -0.3091951092042148);
}
ALWAYS_INLINE V_f32 LEVEL(sinh_rest_f32)(V_f32 z) {
  return POLYNOMIAL(f32, z - 2, 2.670871747155033e-08f, 2.9635464444075838e-06f, 0.00021556136919419252f,
                    0.009160866722741606f, 0.18414943600429534f);
}
ALWAYS_INLINE V_f64 LEVEL(sinh_rest_f64)(V_f64 z) {
  return POLYNOMIAL(f64, z - 2, 2.0361588422670037e-20, 8.580397975373757e-18, 2.9458433966423823e-15,
                    8.050107684315389e-13, 1.700069198732528e-10, 2.6704692246100213e-08, 2.9626963508898222e-06,
                    0.00021556137321946086, 0.009160867572849854, 0.18414943600429534);
}

/// above / (below + rest) for a small rest, what rounding took from the denominator.
#define QUOTIENT(T)                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(quotient_##T)(V_##T above, V_##T below, V_##T rest) {                                 \
    QUOTIENT_STEPS(V_##T)                                                                                         \
  }
#if FUSES
// A step of Newton's division, for one division only.
#define QUOTIENT_STEPS(V)                                                                                         \
  V inverse = 1 / below, y = above * inverse;                                                                     \
  return FMA(FMA(-y, below, above) - y * rest, inverse, y);
#else
#define QUOTIENT_STEPS(V)                                                                                         \
  V y = above / below;                                                                                            \
  return y - y * rest / below;
#endif
QUOTIENT(f32)
QUOTIENT(f64)

// `least`, `most`: e^x is 0 and infinite there, the latter also at `most` - 1. `minus_one`: below it e^x - 1 is -1.
// `shift` is ln 2 rounded so that its difference from x is exact (but for tiny x), and `excess` = e^shift / 2 - 1.
// `one`: above it tanh is 1.
#define EXPONENTIALS(T, least, most, minus_one, shift, excess, one)                                               \
  ALWAYS_INLINE V_##T LEVEL(exp_##T)(V_##T x) {                                                                   \
    V_##T k, v = x < least ? (V_##T)least : x;                                                                    \
    v = v > most ? (V_##T)most : v;                                                                               \
    V_##T r = LEVEL(reduce_exp_##T)(v, &k);                                                                       \
    return LEVEL(scale_##T)(1 + LEVEL(short_expm1_##T)(r), k);                                                    \
  }                                                                                                               \
  /* With e^x = 2^k (1 + p): half of 2^k p + (2^k - 1), doubled, so that 2^k is always a number. */               \
  ALWAYS_INLINE V_##T LEVEL(expm1_##T)(V_##T x) {                                                                 \
    V_##T k, v = x < minus_one ? (V_##T)minus_one : x;                                                            \
    v = v > most - 1 ? (V_##T)(most - 1) : v;                                                                     \
    V_##T p = LEVEL(short_expm1_##T)(LEVEL(reduce_exp_##T)(v, &k)), half = LEVEL(power_of_two_##T)(k - 1);        \
    V_##T y = FMA(half, p, half - (T)0.5);                                                                        \
    return ABS(x) < (T)0x1p-60 ? x : y + y;                                                                       \
  }                                                                                                               \
  /* 1 / (1 + e^-x) with the exponential of -|x|, so that nothing overflows. */                                   \
  ALWAYS_INLINE V_##T LEVEL(logistic_##T)(V_##T x) {                                                              \
    V_##T e = LEVEL(exp_##T)(-ABS(x)), below = 1 + e;                                                             \
    return LEVEL(quotient_##T)(x < 0 ? e : (V_##T)1, below, (1 - below) + e);                                     \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(tanh_##T)(V_##T x) {                                                                  \
    V_##T z = x * x, near = FMA(x * z, LEVEL(tanh_rest_##T)(z), x), u = ABS(x);                                    \
    u = u > one ? (V_##T)one : u;                                                                                 \
    V_##T far = 1 - 2 / (LEVEL(exp_##T)(u + u) + 1);                                                              \
    return COPYSIGN(ABS(x) < (T)0.625 ? near : far, x);                                                           \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(half_exp_##T)(V_##T x) {                                                              \
    V_##T e = LEVEL(exp_##T)(x - (T)shift);                                                                       \
    return e < INFINITY ? FMA(e, (V_##T)excess, e) : e;                                                           \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(sinh_##T)(V_##T x) {                                                                  \
    V_##T z = x * x, near = FMA(x * z, LEVEL(sinh_rest_##T)(z), x), e = LEVEL(half_exp_##T)(ABS(x));               \
    return ABS(x) < 2 ? near : COPYSIGN(e - (T)0.25 / e, x);                                                      \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(cosh_##T)(V_##T x) {                                                                  \
    V_##T e = LEVEL(half_exp_##T)(ABS(x));                                                                        \
    return e + (T)0.25 / e;                                                                                       \
  }
EXPONENTIALS(f32, -105.0f, 90.0f, -20.0f, 0x1.62e4p-1f, -1.4286057998511797e-6f, 10.0f)
EXPONENTIALS(f64, -750.0, 711.0, -40.0, 0x1.62e42fefa38p-1, -5.497923018708222e-14, 20.0)

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
  *k = LEVEL(number_f64)(bits >> 52) - tiny;
  return (V_f64)((bits & 0xfffffffffffffLL) + 0x3fe6a09e667f3bcdLL) - 1;
}

/// k log 2 + log(1 + f).
ALWAYS_INLINE V_f32 LEVEL(log_of_parts_f32)(V_f32 k, V_f32 f) {
  V_f32 q = POLYNOMIAL(f32, f - 0.06066017177982129f, 0.06971611471451178f, -0.08096540651114427f,
                       0.07529169315037727f, -0.08972577939996389f, 0.11042235463604805f, -0.13620577601430897f,
                       0.1725654012183355f, -0.22745564022467474f, 0.31886885709483553f);
  V_f32 y = FMA(f * f, FMA(f, q, (V_f32)-0.5f), k * -2.12194440e-4f) + f;
  return FMA(k, (V_f32)0.693359375f, y);
}
/// In s = f / (2 + f) as in fdlibm (Sun Microsystems, 1993), whose constants these are.
ALWAYS_INLINE V_f64 LEVEL(log_of_parts_f64)(V_f64 k, V_f64 f) {
  V_f64 s = f / (2 + f), z = s * s, half = 0.5 * f * f;
  V_f64 q = POLYNOMIAL(f64, z, 1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
                       2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
                       6.666666666666735130e-01);
  return FMA(k, (V_f64)0x1.62e42feep-1, f - (half - FMA(s, FMA(q, z, half), k * 0x1.a39ef35793c76p-33)));
}

#define LOGARITHMS(T)                                                                                             \
  ALWAYS_INLINE V_##T LEVEL(log_edges_##T)(V_##T x, V_##T y) {                                                    \
    y = x < INFINITY ? y : x;                                                                                     \
    y = x == 0 ? (V_##T)-INFINITY : y;                                                                            \
    return x < 0 ? (V_##T)NAN : y;                                                                                \
  }                                                                                                               \
  ALWAYS_INLINE V_##T LEVEL(log_##T)(V_##T x) {                                                                   \
    V_##T k, f = LEVEL(split_##T)(x, &k);                                                                         \
    return LEVEL(log_edges_##T)(x, LEVEL(log_of_parts_##T)(k, f));                                                \
  }                                                                                                               \
  /* The logarithm of u = 1 + x, with what the sum lost added to u's fraction while it matters. */                \
  ALWAYS_INLINE V_##T LEVEL(log1p_##T)(V_##T x) {                                                                 \
    V_##T u = 1 + x, lost = x - (u - 1), k, f = LEVEL(split_##T)(u, &k);                                          \
    f = FMA(lost, LEVEL(power_of_two_##T)(k > 60 ? (V_##T)-60 : -k), f);                                          \
    V_##T y = LEVEL(log_edges_##T)(u, LEVEL(log_of_parts_##T)(k, f));                                             \
    return ABS(x) < (T)0x1p-60 ? x : y;                                                                           \
  }
LOGARITHMS(f32)
LOGARITHMS(f64)
