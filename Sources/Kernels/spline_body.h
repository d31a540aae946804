// Sums of B-splines for one element type `T` and its integers `I`; included once for each, at each level.

// The order + 1 splines that are not zero, at each sample of a chunk: w[r][s] is the value (times u) of spline base[s] + r.
typedef struct {
  I base[SOMA_SPLINE_CHUNK];
  T w[SOMA_SPLINE_ORDER + 1][SOMA_SPLINE_CHUNK];
} NAME(spline_values);

// What is known of one input's knots.
typedef struct {
  // Whether all are equally far apart; then the pieces of the spline are the same polynomials on every interval.
  int uniform;
  T start, inverse;
  // Powers of the place within the interval, for each spline.
  T piece[SOMA_SPLINE_ORDER + 1][SOMA_SPLINE_ORDER + 1];
  // With more knots on both sides, so that no index leaves them.
  const T *padded;
} NAME(spline_grid);

// Pieces of the cardinal spline of the order, differentiated; times inverseᵈ.
static void NAME(spline_pieces)(const soma_spline *spline, double inverse, T piece[][SOMA_SPLINE_ORDER + 1]) {
  const int k = spline->order;
  double now[SOMA_SPLINE_ORDER + 2][SOMA_SPLINE_ORDER + 2] = {{0}};
  now[0][0] = 1;
  for (int q = 1; q <= k; q++) {
    double next[SOMA_SPLINE_ORDER + 2][SOMA_SPLINE_ORDER + 2] = {{0}};
    for (int r = 0; r <= q; r++)
      for (int p = 0; p < q; p++) {
        // ((t + q - r) N[r-1] + (r + 1 - t) N[r]) / q
        const double left = r > 0 ? now[r - 1][p] : 0, right = r < q ? now[r][p] : 0;
        next[r][p] += ((q - r) * left + (r + 1) * right) / q;
        next[r][p + 1] += (left - right) / q;
      }
    memcpy(now, next, sizeof now);
  }
  for (int d = 0; d < spline->derivative; d++)
    for (int r = 0; r <= k; r++) {
      for (int p = 0; p < k; p++) now[r][p] = (p + 1) * now[r][p + 1] * inverse;
      now[r][k] = 0;
    }
  for (int r = 0; r <= k; r++)
    for (int p = 0; p <= k; p++) piece[r][p] = (T)now[r][p];
}

static void NAME(spline_look)(const soma_spline *spline, const T *knots, T *padded, NAME(spline_grid) * grid) {
  const int k = spline->order;
  const size_t count = spline->splines + (size_t)k + 1;
  const double first = knots[0], step = ((double)knots[count - 1] - first) / (double)(count - 1);
  const double size = fabs(first) > fabs((double)knots[count - 1]) ? fabs(first) : fabs((double)knots[count - 1]);
  double deviation = 0;
  for (size_t j = 1; j + 1 < count; j++) {
    const double difference = fabs((double)knots[j] - (first + step * (double)j));
    if (difference > deviation) deviation = difference;
  }
  // Steps at places of equal values would depend on rounding: then the knots themselves decide.
  const int uniform = step > 0 && spline->derivative < k && deviation <= 4 * (double)EPSILON * (size + step);
  if (uniform) {
    if (!grid->uniform || grid->inverse != (T)(1 / step)) NAME(spline_pieces)(spline, 1 / step, grid->piece);
    grid->start = knots[0];
    grid->inverse = (T)(1 / step);
  } else {
    for (int p = 0; p <= k; p++) {
      padded[k - p] = (T)(first - p * step);
      padded[(size_t)k + count - 1 + (size_t)p] = (T)((double)knots[count - 1] + p * step);
    }
    memcpy(padded + k, knots, count * sizeof(T));
    grid->padded = padded;
  }
  grid->uniform = uniform;
}

// The first of the splines that exist, and the values moved along where some of the order + 1 do not exist.
static void NAME(spline_edge)(const soma_spline *spline, NAME(spline_values) * values, size_t s) {
  const int k = spline->order;
  const I most = (I)spline->splines - (k + 1), base = values->base[s];
  if (base >= 0 && base <= most) return;
  const I kept = base < 0 ? 0 : most;
  T w[SOMA_SPLINE_ORDER + 1];
  for (int r = 0; r <= k; r++) {
    const I from = kept + r - base;
    w[r] = from >= 0 && from <= k ? values->w[from][s] : 0;
  }
  for (int r = 0; r <= k; r++) values->w[r][s] = w[r];
  values->base[s] = kept;
}

static void NAME(spline_uniform)(const soma_spline *spline, const NAME(spline_grid) * grid, const T *x, size_t n,
                                 NAME(spline_values) * values) {
  const int k = spline->order;
  const T last = (T)(spline->splines + (size_t)k), start = grid->start, inverse = grid->inverse;
  T t[SOMA_SPLINE_CHUNK], inside[SOMA_SPLINE_CHUNK];
  VECTORIZE for (size_t s = 0; s < n; s++) {
    const T place = (x[s] - start) * inverse;
    // Comparisons with a number that is none are false, and its splines are none either.
    const int is_inside = place >= 0 && place < last;
    const T kept = is_inside ? place : 0;
    const I j = (I)kept;
    t[s] = kept - (T)j;
    inside[s] = is_inside ? 1 : x[s] == x[s] ? 0 : x[s];
    values->base[s] = is_inside ? j - k : 0;
  }
  for (int r = 0; r <= k; r++) {
    const T *piece = grid->piece[r];
    T *w = values->w[r];
    const int degree = k - spline->derivative;
    if (degree == 3) {
      VECTORIZE for (size_t s = 0; s < n; s++)
        w[s] = (((piece[3] * t[s] + piece[2]) * t[s] + piece[1]) * t[s] + piece[0]) * inside[s];
    } else {
      VECTORIZE for (size_t s = 0; s < n; s++) w[s] = piece[degree];
      for (int p = degree - 1; p >= 0; p--) {
        VECTORIZE for (size_t s = 0; s < n; s++) w[s] = w[s] * t[s] + piece[p];
      }
      VECTORIZE for (size_t s = 0; s < n; s++) w[s] *= inside[s];
    }
  }
}

// The recursion of Cox and de Boor over the splines that are not zero, then its derivatives.
static void NAME(spline_general)(const soma_spline *spline, const NAME(spline_grid) * grid, const T *x, size_t n,
                                 NAME(spline_values) * values) {
  const int k = spline->order;
  const size_t count = spline->splines + (size_t)k + 1;
  const T *knots = grid->padded + k;
  I *j = values->base;
  T inside[SOMA_SPLINE_CHUNK], next[SOMA_SPLINE_ORDER + 1][SOMA_SPLINE_CHUNK];
  VECTORIZE for (size_t s = 0; s < n; s++) j[s] = -1;
  for (size_t m = 0; m < count; m++) {
    const T knot = knots[m];
    VECTORIZE for (size_t s = 0; s < n; s++) j[s] += x[s] >= knot ? 1 : 0;
  }
  const I last = (I)count - 1;
  VECTORIZE for (size_t s = 0; s < n; s++) {
    const int is_inside = j[s] >= 0 && j[s] < last;
    inside[s] = is_inside ? 1 : x[s] == x[s] ? 0 : x[s];
    j[s] = is_inside ? j[s] : 0;
    values->w[0][s] = 1;
  }
  for (int q = 1; q <= k; q++) {
    const int is_value = q <= k - spline->derivative;
    for (int r = 0; r <= q; r++) {
      T *out = next[r];
      const T *low = r > 0 ? values->w[r - 1] : 0, *high = r < q ? values->w[r] : 0;
      VECTORIZE for (size_t s = 0; s < n; s++) {
        const T *at = knots + j[s] - q + r;
        T sum = 0;
        if (low) {
          const T width = at[q] - at[0], top = is_value ? x[s] - at[0] : (T)q;
          sum += width > 0 ? top / width * low[s] : 0;
        }
        if (high) {
          const T width = at[q + 1] - at[1], top = is_value ? at[q + 1] - x[s] : -(T)q;
          sum += width > 0 ? top / width * high[s] : 0;
        }
        out[s] = sum;
      }
    }
    for (int r = 0; r <= q; r++) memcpy(values->w[r], next[r], n * sizeof(T));
  }
  for (int r = 0; r <= k; r++) {
    VECTORIZE for (size_t s = 0; s < n; s++) values->w[r][s] *= inside[s];
  }
  VECTORIZE for (size_t s = 0; s < n; s++) j[s] -= k;
}

static void NAME(spline_evaluate)(const soma_spline *spline, const NAME(spline_grid) * grid, const T *x, const T *u,
                                  size_t stride, size_t n, NAME(spline_values) * values) {
  T place[SOMA_SPLINE_CHUNK];
  for (size_t s = 0; s < n; s++) place[s] = x[s * stride];
  if (grid->uniform)
    NAME(spline_uniform)(spline, grid, place, n, values);
  else
    NAME(spline_general)(spline, grid, place, n, values);
  const I most = (I)spline->splines - (spline->order + 1);
  int beyond = 0;
  VECTORIZE for (size_t s = 0; s < n; s++) beyond |= values->base[s] < 0 || values->base[s] > most;
  if (beyond)
    for (size_t s = 0; s < n; s++) NAME(spline_edge)(spline, values, s);
  if (u)
    for (size_t s = 0; s < n; s++) {
      const T factor = u[s * stride];
      for (int r = 0; r <= spline->order; r++) values->w[r][s] *= factor;
    }
}

// Runs `BLOCK(V, blocks)` over the outputs: whole vectors, four at a time where there are as many, then shorter ones, then single
// numbers. Each pass handles `blocks` vectors of type V from output `o` on.
#define SPLINE_PASS(BLOCK, V, blocks)                                                                             \
  for (; o + (blocks) * (sizeof(V) / sizeof(T)) <= width; o += (blocks) * (sizeof(V) / sizeof(T))) BLOCK(V, blocks)
#define SPLINE_PASSES(BLOCK)                                                                                      \
  size_t o = 0;                                                                                                   \
  SPLINE_PASS(BLOCK, NAME(spline_v64), 4)                                                                         \
  SPLINE_PASS(BLOCK, NAME(spline_v64), 1)                                                                         \
  SPLINE_PASS(BLOCK, NAME(spline_v32), 1)                                                                         \
  SPLINE_PASS(BLOCK, NAME(spline_v16), 1)                                                                         \
  SPLINE_PASS(BLOCK, T, 1)

typedef T NAME(spline_v64) __attribute__((vector_size(64), aligned(sizeof(T))));
typedef T NAME(spline_v32) __attribute__((vector_size(32), aligned(sizeof(T))));
typedef T NAME(spline_v16) __attribute__((vector_size(16), aligned(sizeof(T))));

// Inputs whose coefficients are used together while they are in the nearest cache.
#define SPLINE_TILE 8

#define SPLINE_SETTING                                                                                            \
  const size_t n = spline->samples, inputs = spline->inputs, rows = spline->splines, width = spline->outputs;     \
  const int k = spline->order;                                                                                    \
  const size_t count = rows + (size_t)k + 1;                                                                      \
  const T *x = px, *knots = pknots;                                                                               \
  NAME(spline_grid) grid;                                                                                         \
  grid.uniform = 0;                                                                                               \
  T padded[count + 2 * (size_t)k + 2];                                                                            \
  (void)n;

static void NAME(spline_output)(const soma_spline *spline, void *out, const void *px, const void *pknots,
                                const void *pc, const void *pu, size_t first, size_t last) {
  SPLINE_SETTING
  NAME(spline_values) values[SPLINE_TILE];
  const T *c = pc, *u = pu;
  memset((T *)out + first * width, 0, (last - first) * width * sizeof(T));
  for (size_t at = first; at < last; at += SOMA_SPLINE_CHUNK) {
    const size_t part = last - at < SOMA_SPLINE_CHUNK ? last - at : SOMA_SPLINE_CHUNK;
    for (size_t i = 0; i < inputs; i += SPLINE_TILE) {
      const size_t tile = inputs - i < SPLINE_TILE ? inputs - i : SPLINE_TILE;
      for (size_t e = 0; e < tile; e++) {
        NAME(spline_look)(spline, knots + (i + e) * count, padded, &grid);
        const size_t place = at * inputs + i + e;
        NAME(spline_evaluate)(spline, &grid, x + place, u ? u + place : 0, inputs, part, &values[e]);
      }
      for (size_t s = 0; s < part; s++) {
        T *y = (T *)out + (at + s) * width;
#define SPLINE_OUTPUT(V, blocks)                                                                                  \
  {                                                                                                               \
    V sum[blocks];                                                                                                \
    for (int b = 0; b < (blocks); b++) sum[b] = ((V *)(y + o))[b];                                                \
    for (size_t e = 0; e < tile; e++) {                                                                           \
      const T *row = c + ((i + e) * rows + (size_t)values[e].base[s]) * width + o;                                \
      if (k == 3) {                                                                                               \
        const T w0 = values[e].w[0][s], w1 = values[e].w[1][s], w2 = values[e].w[2][s], w3 = values[e].w[3][s];   \
        for (int b = 0; b < (blocks); b++) {                                                                      \
          sum[b] += w0 * ((const V *)row)[b];                                                                     \
          sum[b] += w1 * ((const V *)(row + width))[b];                                                           \
          sum[b] += w2 * ((const V *)(row + 2 * width))[b];                                                       \
          sum[b] += w3 * ((const V *)(row + 3 * width))[b];                                                       \
        }                                                                                                         \
      } else {                                                                                                    \
        for (int r = 0; r <= k; r++)                                                                              \
          for (int b = 0; b < (blocks); b++) sum[b] += values[e].w[r][s] * ((const V *)(row + (size_t)r * width))[b]; \
      }                                                                                                           \
    }                                                                                                             \
    for (int b = 0; b < (blocks); b++) ((V *)(y + o))[b] = sum[b];                                                \
  }
        SPLINE_PASSES(SPLINE_OUTPUT)
      }
    }
  }
}

// The samples of a chunk in the order of their first splines: those of spline b are order[begin[b]] ..< order[begin[b + 1]].
static void NAME(spline_sort)(const soma_spline *spline, const NAME(spline_values) * values, size_t n, I *begin,
                              I *order) {
  const size_t places = spline->splines - (size_t)spline->order;
  memset(begin, 0, (places + 1) * sizeof(I));
  for (size_t s = 0; s < n; s++) begin[values->base[s] + 1]++;
  for (size_t b = 0; b < places; b++) begin[b + 1] += begin[b];
  I next[places];
  memcpy(next, begin, places * sizeof(I));
  for (size_t s = 0; s < n; s++) order[next[values->base[s]]++] = (I)s;
}

static void NAME(spline_coefficients)(const soma_spline *spline, void *out, const void *px, const void *pknots,
                                      const void *pg, const void *pu, size_t first, size_t last) {
  SPLINE_SETTING
  NAME(spline_values) values;
  const size_t places = rows - (size_t)k;
  I begin[places + 1], order[SOMA_SPLINE_CHUNK];
  T *y = out;
  const T *g = pg, *u = pu;
  memset(y + first * rows * width, 0, (last - first) * rows * width * sizeof(T));
  for (size_t i = first; i < last; i++) {
    NAME(spline_look)(spline, knots + i * count, padded, &grid);
    T *yi = y + i * rows * width;
    for (size_t at = 0; at < n; at += SOMA_SPLINE_CHUNK) {
      const size_t part = n - at < SOMA_SPLINE_CHUNK ? n - at : SOMA_SPLINE_CHUNK, place = at * inputs + i;
      NAME(spline_evaluate)(spline, &grid, x + place, u ? u + place : 0, inputs, part, &values);
      NAME(spline_sort)(spline, &values, part, begin, order);
      const T *gs = g + at * width;
      for (size_t p = 0; p < places; p++) {
        const I from = begin[p], to = begin[p + 1];
        if (from == to) continue;
        T *row = yi + p * width;
#define SPLINE_FOUR(V, blocks)                                                                                    \
  {                                                                                                               \
    V s0[blocks], s1[blocks], s2[blocks], s3[blocks];                                                             \
    for (int b = 0; b < (blocks); b++) {                                                                          \
      s0[b] = ((V *)(row + o))[b];                                                                                \
      s1[b] = ((V *)(row + width + o))[b];                                                                        \
      s2[b] = ((V *)(row + 2 * width + o))[b];                                                                    \
      s3[b] = ((V *)(row + 3 * width + o))[b];                                                                    \
    }                                                                                                             \
    for (I e = from; e < to; e++) {                                                                               \
      const I s = order[e];                                                                                       \
      const T w0 = values.w[0][s], w1 = values.w[1][s], w2 = values.w[2][s], w3 = values.w[3][s];                 \
      const T *gi = gs + (size_t)s * width + o;                                                                   \
      for (int b = 0; b < (blocks); b++) {                                                                        \
        const V gv = ((const V *)gi)[b];                                                                          \
        s0[b] += w0 * gv;                                                                                         \
        s1[b] += w1 * gv;                                                                                         \
        s2[b] += w2 * gv;                                                                                         \
        s3[b] += w3 * gv;                                                                                         \
      }                                                                                                           \
    }                                                                                                             \
    for (int b = 0; b < (blocks); b++) {                                                                          \
      ((V *)(row + o))[b] = s0[b];                                                                                \
      ((V *)(row + width + o))[b] = s1[b];                                                                        \
      ((V *)(row + 2 * width + o))[b] = s2[b];                                                                    \
      ((V *)(row + 3 * width + o))[b] = s3[b];                                                                    \
    }                                                                                                             \
  }
#define SPLINE_ANY(V, blocks)                                                                                     \
  for (int r = 0; r <= k; r++) {                                                                                  \
    V sum[blocks];                                                                                                \
    T *target = row + (size_t)r * width + o;                                                                      \
    for (int b = 0; b < (blocks); b++) sum[b] = ((V *)target)[b];                                                 \
    for (I e = from; e < to; e++) {                                                                               \
      const T *gi = gs + (size_t)order[e] * width + o;                                                            \
      for (int b = 0; b < (blocks); b++) sum[b] += values.w[r][order[e]] * ((const V *)gi)[b];                    \
    }                                                                                                             \
    for (int b = 0; b < (blocks); b++) ((V *)target)[b] = sum[b];                                                 \
  }
        if (k == 3) {
          SPLINE_PASSES(SPLINE_FOUR)
        } else {
          SPLINE_PASSES(SPLINE_ANY)
        }
      }
    }
  }
}

ALWAYS_INLINE T NAME(spline_dot)(const T *row, const T *g, const T *w, int k, size_t width) {
  T total = 0;
#define SPLINE_DOT(V, blocks)                                                                                     \
  {                                                                                                               \
    V sum = {0};                                                                                                  \
    for (int b = 0; b < (blocks); b++) {                                                                          \
      V mixed = w[0] * ((const V *)(row + o))[b];                                                                 \
      for (int r = 1; r <= k; r++) mixed += w[r] * ((const V *)(row + (size_t)r * width + o))[b];                 \
      sum += mixed * ((const V *)(g + o))[b];                                                                     \
    }                                                                                                             \
    T lanes[sizeof(V) / sizeof(T)];                                                                               \
    memcpy(lanes, &sum, sizeof(V));                                                                               \
    for (size_t half = sizeof(V) / sizeof(T) / 2; half > 0; half /= 2)                                            \
      for (size_t l = 0; l < half; l++) lanes[l] += lanes[l + half];                                              \
    total += lanes[0];                                                                                            \
  }
  SPLINE_PASSES(SPLINE_DOT)
  return total;
}

static void NAME(spline_weights)(const soma_spline *spline, void *out, const void *px, const void *pknots,
                                 const void *pc, const void *pg, size_t first, size_t last) {
  SPLINE_SETTING
  NAME(spline_values) values[SPLINE_TILE];
  T *y = out;
  const T *c = pc, *g = pg;
  for (size_t at = first; at < last; at += SOMA_SPLINE_CHUNK) {
    const size_t part = last - at < SOMA_SPLINE_CHUNK ? last - at : SOMA_SPLINE_CHUNK;
    for (size_t i = 0; i < inputs; i += SPLINE_TILE) {
      const size_t tile = inputs - i < SPLINE_TILE ? inputs - i : SPLINE_TILE;
      for (size_t e = 0; e < tile; e++) {
        NAME(spline_look)(spline, knots + (i + e) * count, padded, &grid);
        NAME(spline_evaluate)(spline, &grid, x + at * inputs + i + e, 0, inputs, part, &values[e]);
      }
      for (size_t s = 0; s < part; s++)
        for (size_t e = 0; e < tile; e++) {
          T w[SOMA_SPLINE_ORDER + 1];
          for (int r = 0; r <= k; r++) w[r] = values[e].w[r][s];
          const T *row = c + ((i + e) * rows + (size_t)values[e].base[s]) * width, *gs = g + (at + s) * width;
          // A constant order lets the compiler unroll.
          y[(at + s) * inputs + i + e] =
              k == 3 ? NAME(spline_dot)(row, gs, w, 3, width) : NAME(spline_dot)(row, gs, w, k, width);
        }
    }
  }
}

#undef SPLINE_PASS
#undef SPLINE_PASSES
#undef SPLINE_TILE
#undef SPLINE_SETTING
#undef SPLINE_OUTPUT
#undef SPLINE_FOUR
#undef SPLINE_ANY
#undef SPLINE_DOT
