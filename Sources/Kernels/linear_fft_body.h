// Execution of Fourier transforms for one element type REAL and one instruction set TARGET, with names made by
// NAME(x). Included once for each combination.
//
// Columns are gathered to [n, s] with `s` of them side by side, so every inner loop runs along columns and is a plain
// vector loop; a Stockham pass (Cochran et al. 1967) needs no bit reversal.

#define FN TARGET static
// The arrays never overlap; `restrict` says so, but is forgotten when functions are inlined.
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety) interleave(disable)")
#define INLINE_FN TARGET __attribute__((always_inline)) static inline

typedef struct {
  REAL *re, *im;
} NAME(pair);

INLINE_FN void NAME(store)(REAL *restrict yr, REAL *restrict yi, size_t at, REAL re, REAL im, const REAL *w,
                           int twiddled) {
  yr[at] = twiddled ? re * w[0] - im * w[1] : re;
  yi[at] = twiddled ? re * w[1] + im * w[0] : im;
}

// y[q + s (radix p + j)] = w^(p j) Σ_k x[q + s (p + m k)] exp(-2πi j k / radix), for one p and all q.
INLINE_FN void NAME(radix2)(size_t m, size_t s, const REAL *restrict xr, const REAL *restrict xi, REAL *restrict yr,
                            REAL *restrict yi, const REAL *w, int twiddled) {
  size_t k = m * s;
  INDEPENDENT
  for (size_t q = 0; q < s; q++) {
    REAL ar = xr[q], ai = xi[q], br = xr[q + k], bi = xi[q + k];
    yr[q] = ar + br;
    yi[q] = ai + bi;
    NAME(store)(yr, yi, q + s, ar - br, ai - bi, w, twiddled);
  }
}

INLINE_FN void NAME(radix3)(size_t m, size_t s, const REAL *restrict xr, const REAL *restrict xi, REAL *restrict yr,
                            REAL *restrict yi, const REAL *w, int twiddled) {
  const REAL sine = (REAL)0.866025403784438646763723170752936183L;
  size_t k = m * s;
  INDEPENDENT
  for (size_t q = 0; q < s; q++) {
    REAL ar = xr[q], ai = xi[q];
    REAL tr = xr[q + k] + xr[q + 2 * k], ti = xi[q + k] + xi[q + 2 * k];
    REAL dr = sine * (xr[q + k] - xr[q + 2 * k]), di = sine * (xi[q + k] - xi[q + 2 * k]);
    REAL cr = ar - (REAL)0.5 * tr, ci = ai - (REAL)0.5 * ti;
    yr[q] = ar + tr;
    yi[q] = ai + ti;
    NAME(store)(yr, yi, q + s, cr + di, ci - dr, w, twiddled);
    NAME(store)(yr, yi, q + 2 * s, cr - di, ci + dr, w + 2, twiddled);
  }
}

INLINE_FN void NAME(radix4)(size_t m, size_t s, const REAL *restrict xr, const REAL *restrict xi, REAL *restrict yr,
                            REAL *restrict yi, const REAL *w, int twiddled) {
  size_t k = m * s;
  INDEPENDENT
  for (size_t q = 0; q < s; q++) {
    REAL ar = xr[q] + xr[q + 2 * k], ai = xi[q] + xi[q + 2 * k];
    REAL br = xr[q] - xr[q + 2 * k], bi = xi[q] - xi[q + 2 * k];
    REAL cr = xr[q + k] + xr[q + 3 * k], ci = xi[q + k] + xi[q + 3 * k];
    REAL dr = xr[q + k] - xr[q + 3 * k], di = xi[q + k] - xi[q + 3 * k];
    yr[q] = ar + cr;
    yi[q] = ai + ci;
    NAME(store)(yr, yi, q + s, br + di, bi - dr, w, twiddled);
    NAME(store)(yr, yi, q + 2 * s, ar - cr, ai - ci, w + 2, twiddled);
    NAME(store)(yr, yi, q + 3 * s, br - di, bi + dr, w + 4, twiddled);
  }
}

INLINE_FN void NAME(radix5)(size_t m, size_t s, const REAL *restrict xr, const REAL *restrict xi, REAL *restrict yr,
                            REAL *restrict yi, const REAL *w, int twiddled) {
  const REAL c1 = (REAL)0.309016994374947424102293417182819059L, c2 = (REAL)-0.809016994374947424102293417182819059L;
  const REAL s1 = (REAL)0.951056516295153572116439333379382143L, s2 = (REAL)0.587785252292473129168705954639072769L;
  size_t k = m * s;
  INDEPENDENT
  for (size_t q = 0; q < s; q++) {
    REAL ar = xr[q], ai = xi[q];
    REAL t1r = xr[q + k] + xr[q + 4 * k], t1i = xi[q + k] + xi[q + 4 * k];
    REAL d1r = xr[q + k] - xr[q + 4 * k], d1i = xi[q + k] - xi[q + 4 * k];
    REAL t2r = xr[q + 2 * k] + xr[q + 3 * k], t2i = xi[q + 2 * k] + xi[q + 3 * k];
    REAL d2r = xr[q + 2 * k] - xr[q + 3 * k], d2i = xi[q + 2 * k] - xi[q + 3 * k];
    REAL u1r = ar + c1 * t1r + c2 * t2r, u1i = ai + c1 * t1i + c2 * t2i;
    REAL u2r = ar + c2 * t1r + c1 * t2r, u2i = ai + c2 * t1i + c1 * t2i;
    REAL v1r = s1 * d1r + s2 * d2r, v1i = s1 * d1i + s2 * d2i;
    REAL v2r = s2 * d1r - s1 * d2r, v2i = s2 * d1i - s1 * d2i;
    yr[q] = ar + t1r + t2r;
    yi[q] = ai + t1i + t2i;
    NAME(store)(yr, yi, q + s, u1r + v1i, u1i - v1r, w, twiddled);
    NAME(store)(yr, yi, q + 2 * s, u2r + v2i, u2i - v2r, w + 2, twiddled);
    NAME(store)(yr, yi, q + 3 * s, u2r - v2i, u2i + v2r, w + 4, twiddled);
    NAME(store)(yr, yi, q + 4 * s, u1r - v1i, u1i + v1r, w + 6, twiddled);
  }
}

// Any odd radix, from sums and differences of the terms that mirror each other, 16 columns at a time.
FN void NAME(radix_odd)(int radix, size_t m, size_t s, const REAL *restrict xr, const REAL *restrict xi,
                        REAL *restrict yr, REAL *restrict yi, const REAL *w, const REAL *roots) {
  enum { lanes = 16 };
  int half = radix / 2;
  REAL tr[largest_radix / 2][lanes], ti[largest_radix / 2][lanes];
  REAL dr[largest_radix / 2][lanes], di[largest_radix / 2][lanes];
  for (size_t q0 = 0; q0 < s; q0 += lanes) {
    size_t width = s - q0 < lanes ? s - q0 : lanes;
    for (int k = 0; k < half; k++) {
      size_t low = q0 + (size_t)(k + 1) * m * s, high = q0 + (size_t)(radix - 1 - k) * m * s;
      INDEPENDENT
      for (size_t q = 0; q < width; q++) {
        tr[k][q] = xr[low + q] + xr[high + q];
        ti[k][q] = xi[low + q] + xi[high + q];
        dr[k][q] = xr[low + q] - xr[high + q];
        di[k][q] = xi[low + q] - xi[high + q];
      }
    }
    REAL ur[lanes], ui[lanes], vr[lanes], vi[lanes];
    for (int j = 0; j <= half; j++) {
      for (size_t q = 0; q < width; q++) ur[q] = xr[q0 + q], ui[q] = xi[q0 + q], vr[q] = vi[q] = 0;
      for (int k = 0; k < half; k++) {
        int index = j * (k + 1) % radix;
        REAL cosine = roots[2 * index], sine = -roots[2 * index + 1];
        INDEPENDENT
      for (size_t q = 0; q < width; q++) {
          ur[q] += cosine * tr[k][q];
          ui[q] += cosine * ti[k][q];
          vr[q] += sine * dr[k][q];
          vi[q] += sine * di[k][q];
        }
      }
      if (j == 0) {
        for (size_t q = 0; q < width; q++) yr[q0 + q] = ur[q], yi[q0 + q] = ui[q];
        continue;
      }
      const REAL *w1 = w + 2 * (j - 1), *w2 = w + 2 * (radix - j - 1);
      size_t one = q0 + (size_t)j * s, two = q0 + (size_t)(radix - j) * s;
      INDEPENDENT
      for (size_t q = 0; q < width; q++) {
        NAME(store)(yr, yi, one + q, ur[q] + vi[q], ui[q] - vr[q], w1, 1);
        NAME(store)(yr, yi, two + q, ur[q] - vi[q], ui[q] + vr[q], w2, 1);
      }
    }
  }
}

#define EACH_TWIDDLE(butterfly)                                                                              \
  NAME(butterfly)(m, s, x.re, x.im, y.re, y.im, w, 0);                                                       \
  for (size_t p = 1; p < m; p++)                                                                             \
    NAME(butterfly)(m, s, x.re + p * s, x.im + p * s, y.re + p * r * s, y.im + p * r * s, w + 2 * (r - 1) * p, 1);

FN void NAME(run_pass)(const fft_pass *pass, size_t s, NAME(pair) x, NAME(pair) y) {
  size_t m = pass->rest, r = (size_t)pass->radix;
  const REAL *w = pass->twiddles;
  switch (pass->radix) {
    case 2: EACH_TWIDDLE(radix2) break;
    case 3: EACH_TWIDDLE(radix3) break;
    case 4: EACH_TWIDDLE(radix4) break;
    case 5: EACH_TWIDDLE(radix5) break;
    default:
      for (size_t p = 0; p < m; p++)
        NAME(radix_odd)(pass->radix, m, s, x.re + p * s, x.im + p * s, y.re + p * r * s, y.im + p * r * s,
                        w + 2 * (r - 1) * p, pass->roots);
  }
}
#undef EACH_TWIDDLE

// All passes over [n, s]; the values begin in `x` and end in the pair that is returned.
FN NAME(pair) NAME(run_passes)(const fft_core *core, size_t s, NAME(pair) x, NAME(pair) y) {
  for (size_t i = 0; i < core->passes; i++) {
    NAME(run_pass)(core->pass + i, s, x, y);
    s *= (size_t)core->pass[i].radix;
    NAME(pair) other = x;
    x = y;
    y = other;
  }
  return x;
}

// Smooth lengths: passes, or for one column the square of two lengths.
FN NAME(pair) NAME(run_smooth)(const fft_core *core, size_t s, NAME(pair) x, NAME(pair) y) {
  if (s > 1 || !core->rows) return NAME(run_passes)(core, s, x, y);
  size_t n1 = core->rows->n, n2 = core->columns->n;
  NAME(pair) from = NAME(run_passes)(core->rows, n2, x, y), to = from.re == x.re ? y : x;
  const REAL *w = core->between;
  for (size_t j0 = 0; j0 < n2; j0 += 16) {
    size_t end = j0 + 16 < n2 ? j0 + 16 : n2;
    for (size_t k0 = 0; k0 < n1; k0 += 16) {
      size_t last = k0 + 16 < n1 ? k0 + 16 : n1;
      for (size_t j = j0; j < end; j++)
        for (size_t k = k0; k < last; k++) {
          REAL re = from.re[k * n2 + j], im = from.im[k * n2 + j];
          const REAL *factor = w + 2 * (j * n1 + k);
          to.re[j * n1 + k] = re * factor[0] - im * factor[1];
          to.im[j * n1 + k] = re * factor[1] + im * factor[0];
        }
    }
  }
  return NAME(run_passes)(core->columns, n1, to, from);
}

// X_k = c_k Σ_j (x_j c_j) conj(c_{k-j}) with c_j = exp(-πi j² / n): a cyclic convolution of a smooth length. The
// inverse transform is the forward one with real and imaginary parts exchanged.
FN NAME(pair) NAME(run_core)(const fft_core *core, size_t s, NAME(pair) x, NAME(pair) y, NAME(pair) z) {
  if (!core->convolution) return NAME(run_smooth)(core, s, x, y);
  size_t n = core->n, m = core->convolution->n;
  const REAL *chirp = core->chirp, *spectrum = core->spectrum;
  for (size_t j = 0; j < n; j++) {
    REAL c = chirp[2 * j], d = chirp[2 * j + 1];
    const REAL *xr = x.re + j * s, *xi = x.im + j * s;
    REAL *yr = y.re + j * s, *yi = y.im + j * s;
    INDEPENDENT
    for (size_t q = 0; q < s; q++) {
      REAL re = xr[q], im = xi[q];
      yr[q] = re * c - im * d;
      yi[q] = re * d + im * c;
    }
  }
  memset(y.re + n * s, 0, (m - n) * s * sizeof(REAL));
  memset(y.im + n * s, 0, (m - n) * s * sizeof(REAL));
  NAME(pair) f = NAME(run_smooth)(core->convolution, s, y, z), g = f.re == y.re ? z : y;
  for (size_t j = 0; j < m; j++) {
    REAL c = spectrum[2 * j], d = spectrum[2 * j + 1];
    REAL *fr = f.re + j * s, *fi = f.im + j * s;
    INDEPENDENT
    for (size_t q = 0; q < s; q++) {
      REAL re = fr[q], im = fi[q];
      fr[q] = re * c - im * d;
      fi[q] = re * d + im * c;
    }
  }
  NAME(pair) exchanged = {f.im, f.re}, exchanged_work = {g.im, g.re};
  NAME(pair) h = NAME(run_smooth)(core->convolution, s, exchanged, exchanged_work);
  for (size_t j = 0; j < n; j++) {
    REAL c = chirp[2 * j], d = chirp[2 * j + 1];
    const REAL *hr = h.im + j * s, *hi = h.re + j * s;
    REAL *xr = x.re + j * s, *xi = x.im + j * s;
    INDEPENDENT
    for (size_t q = 0; q < s; q++) {
      REAL re = hr[q], im = hi[q];
      xr[q] = re * c - im * d;
      xi[q] = re * d + im * c;
    }
  }
  return x;
}

// Columns first ..< first + s of [outer, length, inner], counted over outer and inner, to or from [length, s]. Rows
// advance by `step` of the array's own rows, beginning with row `offset`.
FN void NAME(gather)(REAL *restrict out, const REAL *in, size_t length, size_t rows, size_t offset, size_t step,
                     size_t inner, size_t first, size_t s) {
  for (size_t c = 0; c < s;) {
    size_t column = first + c, o = column / inner, i = column % inner;
    size_t run = inner - i < s - c ? inner - i : s - c;
    const REAL *from = in + (o * length + offset) * inner + i;
    if (run == 1) {
      for (size_t j = 0; j < rows; j++) out[j * s + c] = from[j * step * inner];
    } else {
      for (size_t j = 0; j < rows; j++)
        for (size_t q = 0; q < run; q++) out[j * s + c + q] = from[j * step * inner + q];
    }
    c += run;
  }
}

FN void NAME(scatter)(REAL *out, const REAL *restrict in, size_t length, size_t rows, size_t offset, size_t step,
                      size_t inner, size_t first, size_t s) {
  for (size_t c = 0; c < s;) {
    size_t column = first + c, o = column / inner, i = column % inner;
    size_t run = inner - i < s - c ? inner - i : s - c;
    REAL *to = out + (o * length + offset) * inner + i;
    if (run == 1) {
      for (size_t j = 0; j < rows; j++) to[j * step * inner] = in[j * s + c];
    } else {
      for (size_t j = 0; j < rows; j++)
        for (size_t q = 0; q < run; q++) to[j * step * inner + q] = in[j * s + c + q];
    }
    c += run;
  }
}

// Fewer columns than half a block would leave vectors mostly empty: then one at a time.
INLINE_FN size_t NAME(width)(const soma_fft_plan *plan, size_t left) {
  if (left >= plan->block) return plan->block;
  return left >= 8 ? left : 1;
}

typedef struct {
  NAME(pair) x, y, z;
} NAME(areas);

INLINE_FN NAME(areas) NAME(divide)(const soma_fft_plan *plan, void *scratch) {
  size_t size = fft_area(plan->whole, plan->block);
  REAL *base = (REAL *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
  NAME(areas) areas = {{base, base + size}, {base + 2 * size, base + 3 * size}, {base + 4 * size, base + 5 * size}};
  return areas;
}

FN void NAME(complex)(const soma_fft_plan *plan, int inverse, void *out_re, void *out_im, const void *in_re,
                      const void *in_im, size_t outer, size_t inner, void *scratch) {
  size_t n = plan->n, total = outer * inner;
  NAME(areas) work = NAME(divide)(plan, scratch);
  for (size_t first = 0; first < total;) {
    size_t s = NAME(width)(plan, total - first);
    REAL *re = inverse ? work.x.im : work.x.re, *im = inverse ? work.x.re : work.x.im;
    NAME(gather)(re, in_re, n, n, 0, 1, inner, first, s);
    if (in_im)
      NAME(gather)(im, in_im, n, n, 0, 1, inner, first, s);
    else
      memset(im, 0, n * s * sizeof(REAL));
    NAME(pair) end = NAME(run_core)(plan->whole, s, work.x, work.y, work.z);
    NAME(scatter)(out_re, inverse ? end.im : end.re, n, n, 0, 1, inner, first, s);
    NAME(scatter)(out_im, inverse ? end.re : end.im, n, n, 0, 1, inner, first, s);
    first += s;
  }
}

// Even lengths pack neighbours into one complex value: with Z the transform of x_2j + i x_2j+1,
// E_k = (Z_k + conj Z_h-k) / 2, O_k = (Z_k - conj Z_h-k) / 2i, X_k = E_k + exp(-2πi k / n) O_k.
FN void NAME(real)(const soma_fft_plan *plan, void *out_re, void *out_im, const void *in, size_t outer, size_t inner,
                   void *scratch) {
  size_t n = plan->n, bins = n / 2 + 1, total = outer * inner, h = n / 2;
  NAME(areas) work = NAME(divide)(plan, scratch);
  const REAL *w = plan->real_twiddles;
  for (size_t first = 0; first < total;) {
    size_t s = NAME(width)(plan, total - first);
    NAME(pair) end;
    if (plan->half) {
      NAME(gather)(work.x.re, in, n, h, 0, 2, inner, first, s);
      NAME(gather)(work.x.im, in, n, h, 1, 2, inner, first, s);
      NAME(pair) half = NAME(run_core)(plan->half, s, work.x, work.y, work.z);
      end = half.re == work.x.re ? work.y : work.x;
      for (size_t k = 0; k <= h; k++) {
        size_t one = (k == h ? 0 : k) * s, two = (k == 0 ? 0 : h - k) * s;
        REAL c = w[2 * k], d = w[2 * k + 1];
        INDEPENDENT
        for (size_t q = 0; q < s; q++) {
          REAL ar = half.re[one + q], ai = half.im[one + q], br = half.re[two + q], bi = half.im[two + q];
          REAL er = (REAL)0.5 * (ar + br), ei = (REAL)0.5 * (ai - bi);
          REAL or = (REAL)0.5 * (ai + bi), oi = (REAL)0.5 * (br - ar);
          end.re[k * s + q] = er + c * or - d * oi;
          end.im[k * s + q] = ei + c * oi + d * or;
        }
      }
    } else {
      NAME(gather)(work.x.re, in, n, n, 0, 1, inner, first, s);
      memset(work.x.im, 0, n * s * sizeof(REAL));
      end = NAME(run_core)(plan->whole, s, work.x, work.y, work.z);
    }
    // Exactly zero for real values, whatever the rounding was.
    memset(end.im, 0, s * sizeof(REAL));
    if (n % 2 == 0) memset(end.im + h * s, 0, s * sizeof(REAL));
    NAME(scatter)(out_re, end.re, bins, bins, 0, 1, inner, first, s);
    NAME(scatter)(out_im, end.im, bins, bins, 0, 1, inner, first, s);
    first += s;
  }
}

// Even lengths: E_k = X_k + conj X_h-k, O_k = (X_k - conj X_h-k) exp(2πi k / n), Z = E + i O.
FN void NAME(real_inverse)(const soma_fft_plan *plan, void *out, const void *in_re, const void *in_im, size_t outer,
                           size_t inner, void *scratch) {
  size_t n = plan->n, bins = n / 2 + 1, total = outer * inner, h = n / 2;
  NAME(areas) work = NAME(divide)(plan, scratch);
  const REAL *w = plan->real_twiddles;
  for (size_t first = 0; first < total;) {
    size_t s = NAME(width)(plan, total - first);
    NAME(pair) bin = work.y;
    NAME(gather)(bin.re, in_re, bins, bins, 0, 1, inner, first, s);
    NAME(gather)(bin.im, in_im, bins, bins, 0, 1, inner, first, s);
    memset(bin.im, 0, s * sizeof(REAL));
    if (n % 2 == 0) memset(bin.im + h * s, 0, s * sizeof(REAL));
    // Real and imaginary parts are exchanged for the inverse.
    NAME(pair) z = {work.x.im, work.x.re};
    if (plan->half) {
      for (size_t k = 0; k < h; k++) {
        size_t one = k * s, two = (h - k) * s;
        REAL c = w[2 * k], d = -w[2 * k + 1];
        INDEPENDENT
        for (size_t q = 0; q < s; q++) {
          REAL ar = bin.re[one + q], ai = bin.im[one + q], br = bin.re[two + q], bi = -bin.im[two + q];
          REAL dr = ar - br, di = ai - bi;
          REAL or = dr * c - di * d, oi = dr * d + di * c;
          z.re[one + q] = ar + br - oi;
          z.im[one + q] = ai + bi + or;
        }
      }
      NAME(pair) end = NAME(run_core)(plan->half, s, work.x, work.y, work.z);
      NAME(scatter)(out, end.im, n, h, 0, 2, inner, first, s);
      NAME(scatter)(out, end.re, n, h, 1, 2, inner, first, s);
    } else {
      for (size_t k = 0; k < n; k++) {
        size_t from = (k < bins ? k : n - k) * s;
        for (size_t q = 0; q < s; q++) {
          z.re[k * s + q] = bin.re[from + q];
          z.im[k * s + q] = k < bins ? bin.im[from + q] : -bin.im[from + q];
        }
      }
      NAME(pair) end = NAME(run_core)(plan->whole, s, work.x, work.y, work.z);
      NAME(scatter)(out, end.im, n, n, 0, 1, inner, first, s);
    }
    first += s;
  }
}

#undef FN
#undef INLINE_FN
#undef INDEPENDENT
