// Template: the error function and its inverse, sine and cosine, and the completion of SLEEF's functions.

/// x (1 + P(x^2)), for |x| < 0.93.
ALWAYS_INLINE V_f32 LEVEL(short_erf_f32)(V_f32 x) {
  V_f32 p = POLYNOMIAL(f32, x * x - 0.43245f, 8.334718615209905e-05f, -0.0005972099893030542f, 0.0036752461745109743f,
                       -0.019250038279398068f, 0.08321225425657243f, -0.2920551128132562f, -0.015176778818826024f);
  return FMA(x, p, x);
}

/// Far from zero 1 - e^(t Q(t)) with t Q(t) = log erfc(t), where an error of erfc weighs little.
ALWAYS_INLINE V_f32 LEVEL(erf_f32)(V_f32 x) {
  V_f32 u = ABS(x);
  u = u > 4 ? (V_f32)4 : u;
  V_f32 q = POLYNOMIAL(f32, u - 2.465f, 2.694170786508183e-07f, 9.793741039645739e-07f, -1.761090600850207e-05f,
                       0.0001239841049318001f, -0.0007398115143279824f, 0.004063963179647921f, -0.02118620814595899f,
                       -0.8905134897399188f, -3.091532351908568f);
  V_f32 far = 1 - LEVEL(exp_f32)(u * q);
  return ABS(x) < 0.93f ? LEVEL(short_erf_f32)(x) : COPYSIGN(far, x);
}

#if FUSES
/// Far from zero e^(-x^2) P(t) / (1 + 2 x), t = (x - 2.5) / (x + 2.5), with what rounding takes from x^2, P and the
/// quotient added to the last product.
ALWAYS_INLINE V_f32 LEVEL(erfc_f32)(V_f32 x) {
  V_f32 u = ABS(x), k;
  u = u > 10.1f ? (V_f32)10.1f : u;
  V_f32 square = u * u, r = LEVEL(reduce_exp_f32)(-square, &k);
  V_f32 t = (u - 2.5f) / (u + 2.5f) + 0.034533098340034485f;
  V_f32 slope = POLYNOMIAL(f32, t, 0.0005521576968021691f, 0.00024454016238451004f, -0.004455179907381535f,
                           0.002022126456722617f, 0.03245201334357262f, -0.10860313475131989f, 0.17224295437335968f,
                           -0.11610498279333115f, -0.11493638157844543f);
  V_f32 above = FMA(slope, t, (V_f32)1.2689387798309326f), below = 1 + (u + u);
  V_f32 lost = FMA(slope, t, 1.2689387798309326f - above), inverse = 1 / below, y = above * inverse;
  V_f32 rest = (FMA(-y, below, above) - y * ((u + u) - (below - 1)) + lost) * inverse;
  rest = FMA(-y, FMA(u, u, -square), rest);
  V_f32 p = LEVEL(short_expm1_f32)(r);
  V_f32 far = LEVEL(scale_f32)(y + FMA(y, p, FMA(rest, p, rest)), k);
  far = x < 0 ? 2 - far : far;
  far = ABS(x) < 0.5f ? 1 - LEVEL(short_erf_f32)(x) : far;
  return x == x ? far : x;
}
#endif

#if FUSES
/// x = k π/2 + r. The first two parts of π/2 are so short that r stays exact; the third rounds once. Good to 2^16.
ALWAYS_INLINE V_f32 LEVEL(reduce_angle_f32)(V_f32 x, W_f32 *quadrant) {
  V_f32 k = __builtin_elementwise_roundeven(x * 0x1.45f306p-1f);
  *quadrant = LEVEL(integer_f32)(k);
  V_f32 r = FMA(k, (V_f32)-0x1.92p0f, x);
  r = FMA(k, (V_f32)-0x1.fb6p-12f, r);
  r = FMA(k, (V_f32)0x1.777a5cp-25f, r);
  return FMA(k, (V_f32)0x1.ee59dap-50f, r);
}

/// sin(r + quadrant π/2), |r| a little above π/4 at most.
ALWAYS_INLINE V_f32 LEVEL(sine_of_parts_f32)(V_f32 r, W_f32 quadrant) {
  V_f32 z = r * r;
  V_f32 sine = POLYNOMIAL(f32, z, -0.00019582831009756774f, 0.008332724682986736f, -0.166666641831398f);
  V_f32 cosine = POLYNOMIAL(f32, z, 2.4542870960431173e-05f, -0.0013888279208913445f, 0.0416666641831398f, -0.5f);
  V_f32 y = (quadrant & 1) != 0 ? FMA(z, cosine, (V_f32)1) : FMA(r * z, sine, r);
  return (V_f32)((W_f32)y ^ (quadrant & 2) << 30);
}

// Larger angles, infinities and NaN are left to the library.
#define CIRCULAR(name, shift, zero)                                                                               \
  ALWAYS_INLINE V_f32 LEVEL(name##_f32)(V_f32 x) {                                                                \
    W_f32 quadrant, far = ~(ABS(x) < 0x1p16f);                                                                    \
    V_f32 r = LEVEL(reduce_angle_f32)(x, &quadrant), y = LEVEL(sine_of_parts_f32)(r, quadrant + shift);           \
    y = zero;                                                                                                     \
    if (__builtin_expect(ANY(far), 0)) {                                                                          \
      f32 lanes[LANES_f32];                                                                                       \
      LEVEL(store_f32)(lanes, x);                                                                                 \
      LEVEL(library_##name##_f32)(lanes, lanes, LANES_f32);                                                       \
      y = far ? LEVEL(load_f32)(lanes) : y;                                                                       \
    }                                                                                                             \
    return y;                                                                                                     \
  }
// The sum of a negative zero and zero would be positive.
CIRCULAR(sin, 0, x == 0 ? x : y)
CIRCULAR(cos, 1, y)
#endif

/// erf^-1(x) / x as a function of w = -log(1 - x^2), in three pieces by Chebyshev interpolation; relative error 3e-10.
/// (The variable is Giles' "Approximating the erfinv function", 2010; the pieces and the coefficients are not.)
ALWAYS_INLINE V_f64 LEVEL(erf_inverse_ratio)(V_f64 w) {
  V_f64 t = w - 3;
  V_f64 p = POLYNOMIAL(f64, t, 1.2732868700624292e-12, -1.4563269630773788e-11, -1.48666180578682e-11,
    1.0684025387667025e-09, -5.5654659371024445e-09, -2.3407992568788055e-08, 4.502891203278818e-07,
    -1.7489187809627485e-06, -1.2716873090583234e-05, 0.00019506272533632716, -0.0008361815249746705,
    -0.005738136016107892, 0.24163040414304734, 1.6235420065379758);
  W_f64 far = w > 6;
  if (!ANY(far)) return p;
  V_f64 s = __builtin_elementwise_sqrt(w);
  t = s - 3.349744871391589;
  V_f64 q = POLYNOMIAL(f64, t, 7.786674522614228e-06, -3.089333864809644e-05, 3.355297319636023e-05,
    6.349343608563442e-05, -0.00031884583208754107, 0.0007182486628404642, -0.0011894383005891893,
    0.0017793483437302051, -0.002907462411033308, 0.004381757150775902, 1.0062275558056968, 3.1842049804248953);
  p = far ? q : p;
  far = s > 4.25;
  if (!ANY(far)) return p;
  t = s - 5.225;
  q = POLYNOMIAL(f64, t, 1.638680048214338e-07, -7.544466283099919e-07, 3.2136945530986466e-06,
                 -1.4438350406580702e-05, 5.693691321783451e-05, -0.00015566614795891316, -0.00026286063261749307,
                 1.0102086098029355, 5.0772147179879035);
  return far ? q : p;
}

/// The approximation for |x| < 1, NaN beyond.
ALWAYS_INLINE V_f64 LEVEL(erf_inverse_rough)(V_f64 x) {
  V_f64 w = -LEVEL(log_f64)((1 - x) * (1 + x));
  return x * LEVEL(erf_inverse_ratio)(w);
}

// SLEEF cuts these off before their values overflow, and some lose the last bits of subnormal numbers.
#define COMPLETE(T, least, asinh_end, lgamma_end)                                                                 \
  ALWAYS_INLINE V_##T LEVEL(complete_tan_##T)(V_##T x, V_##T y) { return ABS(x) < least ? x : y; }                 \
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
COMPLETE(f32, 0x1p-100f, 0x1p60f, 1e30f)
COMPLETE(f64, 0x1p-1000, 0x1p500, 1e300)
