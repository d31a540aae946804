"""Writes Tests/SomaTests/Resources/numpy_golden.json: composites of the tensor core as NumPy computes them.

Run from the repository's root:  python3 Tests/Golden/make_numpy_golden.py
Float32 results are computed in float64 and rounded once.
"""

import pathlib

import numpy as np

from golden_format import Cases

OUT = pathlib.Path("Tests/SomaTests/Resources/numpy_golden.json")
random = np.random.default_rng(2)
cases = Cases()


def near(dtype, terms=32):
    eps = float(np.finfo(dtype).eps)
    return {"relative": terms * eps, "absolute": terms * eps}


def add(operation, inputs, function, **attributes):
    """Each floating type; inputs rounded to it first."""
    for dtype in (np.float32, np.float64):
        own = [np.asarray(x, dtype) if np.asarray(x).dtype.kind == "f" else np.asarray(x) for x in inputs]
        wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in own]
        results = function(*wide)
        results = results if isinstance(results, (tuple, list)) else (results,)
        outputs = [np.asarray(r).astype(dtype) if np.asarray(r).dtype.kind == "f" else np.asarray(r) for r in results]
        cases.add(operation, own, outputs, **near(dtype), **attributes)


def whole(x):
    return np.asarray(x).astype(np.int32)


def nan_reductions():
    x = random.normal(size=(4, 5))
    x[0, 1] = x[2, 3] = x[2, 4] = np.nan
    gone = np.array([[np.nan, np.nan], [1.0, np.nan]])
    for value in (x, gone):
        for axes in ([0], [1], [0, 1]):
            axis = tuple(axes)
            with np.errstate(all="ignore"):
                add("nanSum", [value], lambda v: np.nansum(v, axis), axes=axes)
                add("nanProduct", [value], lambda v: np.nanprod(v, axis), axes=axes)
                add("nanMax", [value], lambda v: np.nanmax(v, axis), axes=axes)
                add("nanMin", [value], lambda v: np.nanmin(v, axis), axes=axes)
                add("nanMean", [value], lambda v: np.nanmean(v, axis), axes=axes)
                add("nanVariance", [value], lambda v: np.nanvar(v, axis), axes=axes, correction=0)
                add("nanVariance", [value], lambda v: np.nanvar(v, axis, ddof=1), axes=axes, correction=1)
        for q in (0, 0.3, 0.5, 1):
            add("nanQuantile", [value], lambda v: np.nanquantile(v, q, axis=1), q=q)
        add("nanCumulativeSum", [value], lambda v: np.nancumsum(v, 1))
        add("nanCumulativeProduct", [value], lambda v: np.nancumprod(v, 1))
    add("nanArgMax", [x], lambda v: whole(np.nanargmax(v, 1)))
    add("nanArgMin", [x], lambda v: whole(np.nanargmin(v, 1)))
    odd = np.array([np.nan, 2.5, -1.0])
    add("nanToNumber", [odd], lambda v: np.nan_to_num(v, nan=7.0))


def statistics():
    x, w = random.normal(size=(4, 6)), random.uniform(0.1, 1, size=(4, 6))
    add("average", [x, w], lambda v, u: np.average(v, 1, u), axes=[1])
    add("peakToPeak", [x], lambda v: np.ptp(v, 0), axes=[0])
    add("countNonZero", [np.round(x)], lambda v: whole(np.count_nonzero(v, 0)), axes=[0])
    add("percentile", [x], lambda v: np.percentile(v, 30, 1), p=30)
    add("covariance", [x], np.cov)
    add("correlation", [x], np.corrcoef)
    n = np.array([0, 3, 3, 1, 0, 5], np.int32)
    cases.add("binCount", [n], [whole(np.bincount(n, minlength=7))], length=7)
    add("binCountWeighted", [n, random.normal(size=6)], lambda v, u: np.bincount(v, u, 7), length=7)
    samples = np.concatenate([random.normal(size=40), [np.nan, 9, -9]])
    edges = np.array([-2.0, -1, -0.25, 0, 1.5, 3])
    on_edges = np.concatenate([edges, edges, [0.1]])
    for v in (samples, on_edges):
        add("histogramEdges", [v, edges], lambda a, e: whole(np.histogram(a[~np.isnan(a)], e)[0]))
        add("histogramDensity", [v, edges], lambda a, e: np.histogram(a[~np.isnan(a)], e, density=True)[0])
    # Multiples of 1/4, so that no edge is a rounding away from a sample.
    plain = np.array([0, 0.25, 0.5, 0.5, 0.75, 1, 2, 2, 1.75, 0.25])
    add("histogram", [plain], lambda a: (whole(np.histogram(a, 8)[0]), np.histogram(a, 8)[1]), bins=8)
    add("histogram", [np.full(3, 2.0)], lambda a: (whole(np.histogram(a, 4)[0]), np.histogram(a, 4)[1]), bins=4)
    add("trapezoid", [x], lambda v: np.trapezoid(v, dx=0.5, axis=0), spacing=0.5, axis=0)
    points = np.sort(random.normal(size=6))
    add("trapezoidOver", [x, points], lambda v, p: np.trapezoid(v, p, axis=1))


def interpolation():
    xs = np.array([-1.0, 0, 0, 0.5, 2, 2, 2, 7])
    values = np.array([[-3.0, -1, 0], [0.25, 2, 7], [8, np.nan, 1.9]])
    for side in ("left", "right"):
        add("searchSorted", [xs, values], lambda a, v: whole(np.searchsorted(a, v, side)), side=side)
        add("digitized", [values[:2], np.unique(xs)], lambda v, e: whole(np.digitize(v, e, side == "right")), right=side == "right")
    for n in (1, 2, 3, 5, 6):
        sorted_values = np.sort(random.integers(0, 5, n)).astype(float)
        add("searchSorted", [sorted_values, np.arange(-1, 6, 0.5)], lambda a, v: whole(np.searchsorted(a, v)), side="left")
    grid, heights = np.array([-1.0, 0, 0.5, 2, 7]), random.normal(size=5)
    add("interpolated", [values, grid, heights], lambda v, a, b: np.interp(v, a, b))
    add("interpolatedEnds", [values, grid, heights], lambda v, a, b: np.interp(v, a, b, -5.0, 6.0))
    x = random.normal(size=(3, 6))
    add("differences", [x], lambda v: np.diff(v, 2, 1), order=2)
    add("slope", [x], lambda v: np.gradient(v, 0.5, axis=1), spacing=0.5)
    add("slope", [x[:, :2]], lambda v: np.gradient(v, 0.5, axis=1), spacing=0.5)
    c = random.normal(size=4)
    add("polynomial", [x, c], lambda v, k: np.polyval(k, v))
    add("vandermonde", [c], lambda v: np.vander(v, 4))
    t = np.linspace(-1, 1, 9)
    y = 3 * t**2 - t + 0.5
    for dtype in (np.float32, np.float64):
        a, b = t.astype(dtype), y.astype(dtype)
        fitted = np.polyfit(a.astype(float), b.astype(float), 2).astype(dtype)
        cases.add("polynomialFit", [a, b], [fitted], degree=2, **near(dtype, 200))
    for n, m in ((7, 3), (3, 7), (6, 4), (5, 5), (4, 1), (6, 2)):
        a, b = random.normal(size=n), random.normal(size=m)
        for mode in ("full", "same", "valid"):
            add("convolved", [a, b], lambda p, q: np.convolve(p, q, mode), mode=mode)
            if n >= m:
                add("correlated", [a, b], lambda p, q: np.correlate(p, q, mode), mode=mode)


def sets():
    x = np.array([[3, 1, 3], [2, 1, 9]], np.int32)
    values, first, inverse, counts = np.unique(x, True, True, True)
    cases.add("unique", [x], [values, whole(first), whole(inverse.reshape(x.shape)), whole(counts)])
    f = np.array([2.0, np.nan, -1, np.nan, 2])
    values, first, inverse, counts = np.unique(f, True, True, True)
    cases.add("unique", [f], [values, whole(first), whole(inverse), whole(counts)])
    y = np.array([1, 4, 3, 4], np.int32)
    cases.add("isMember", [x, y], [np.isin(x, y)])
    cases.add("union", [x, y], [np.union1d(x, y)])
    cases.add("intersection", [x, y], [np.intersect1d(x, y)])
    cases.add("subtracting", [x, y], [np.setdiff1d(x, y)])
    cases.add("symmetricDifference", [np.unique(x), np.unique(y)], [np.setxor1d(np.unique(x), np.unique(y))])
    z = np.array([[0, 2, 0], [1, 0, 3]], np.int32)
    cases.add("nonZeroPositions", [z], [whole(np.argwhere(z))])
    cases.add("elementsWhere", [x, x > 2], [x[x > 2]])
    keys = [np.array([1, 5, 1, 4, 3, 4, 4], np.int32), np.array([9, 4, 0, 4, 0, 2, 1], np.int32)]
    cases.add("lexicographicOrder", keys, [whole(np.lexsort(keys))])


def rounding():
    x = np.array([-2.5, -1.0, -0.0, 0.0, 0.3, 1.5, 7.25, -7.75])
    y = np.array([2.0, -2, 3, -3, 0.25, -0.5, 2, 2])
    add("truncated", [x], np.trunc)
    add("fractionAndInteger", [x], lambda v: np.modf(v))
    add("truncatedRemainder", [x, y], np.fmod)
    add("dividedWithRemainder", [x, y], lambda a, b: np.divmod(a, b))
    add("heaviside", [x], lambda v: np.heaviside(v, 0.5))
    add("withSign", [x, np.array([1.0, -0.0, -3, 0.0, -1, 1, 0, -0.0])], np.copysign)
    add("isSignNegative", [x], np.signbit)
    add("cubeRoot", [np.array([-8.0, 0, 27, 1e-9, -1e12, 0.1, np.inf])], np.cbrt)
    add("logAddExp2", [x, y], np.logaddexp2)
    add("degrees", [x], np.degrees)
    add("radians", [x], np.radians)
    add("rounded", [np.array([1.25, -0.375, 2.5, 1234.5])], lambda v: np.round(v, 1), decimals=1)
    add("unwrapped", [np.array([0.0, 2, 4, 6.5, 1, -2, 3, 9])], np.unwrap)
    a = np.array([12, 0, -18, 0, 35, 1], np.int32)
    b = np.array([18, 5, 24, 0, -14, 7], np.int32)
    cases.add("gcd", [a, b], [np.gcd(a, b)])
    cases.add("lcm", [a, b], [np.lcm(a, b)])
    big = np.array([7540113804746346429, 6 * 10**17], np.int64)
    cases.add("gcd", [big, np.array([4660046610375530309, 4 * 10**17], np.int64)], [np.gcd(big, np.array([4660046610375530309, 4 * 10**17], np.int64))])


def assembling():
    x, y = np.arange(6.0).reshape(2, 3), -np.arange(6.0).reshape(2, 3)
    v, w = np.arange(3.0), 10 + np.arange(3.0)
    for name, function in (("vertical", np.vstack), ("horizontal", np.hstack), ("depth", np.dstack), ("column", np.column_stack)):
        add(f"{name}Stack", [x, y], lambda *t: function(t))
        add(f"{name}Stack", [v, w], lambda *t: function(t))
    add("block", [x, y], lambda a, b: np.block([[a, b], [b, a]]))
    add("splitNearlyEqual", [np.arange(7.0)], lambda a: np.array_split(a, 3), parts=3)
    add("repeatedCounts", [x], lambda a: np.repeat(a, [2, 0, 3], 1), counts=[2, 0, 3])
    add("inserting", [x, y[:, :1]], lambda a, b: np.concatenate([a[:, :1], b, a[:, 1:]], 1), index=1)
    add("removing", [x], lambda a: np.delete(a, [0, -1], 1), indices=[0, -1])
    for turns in (-1, 0, 1, 2, 3):
        add("rotated90", [x], lambda a: np.rot90(a, turns), turns=turns)
    def put(a, b):
        a = a.copy()
        a[1, ::2] = b
        return a
    add("replacing", [x, np.array([7.0, 8.0])], put)
    add("choose", [np.array([[0, 1, 1], [1, 0, 0]], np.int32), x, y], lambda i, a, b: np.choose(i, [a, b]))
    add("selectCases", [x, y], lambda a, b: np.select([a > 4, a > 1], [a, b], 0.5))
    for dtype in (np.float32, np.float64):
        cases.add("logspace", [np.zeros(0, dtype)], [np.logspace(-1, 2, 5).astype(dtype)], **near(dtype, 8))
        cases.add("geomspace", [np.zeros(0, dtype)], [np.geomspace(1, 1000, 4).astype(dtype)], **near(dtype, 8))
        for name in ("hanning", "hamming", "blackman", "bartlett"):
            for n in (1, 8, 9):
                cases.add(name, [np.zeros(0, dtype)], [getattr(np, name)(n).astype(dtype)], n=n, **near(dtype, 8))
        cases.add("kaiser", [np.zeros(0, dtype)], [np.kaiser(9, 14).astype(dtype)], n=9, beta=14, **near(dtype, 8))
        for n in (6, 7):
            cases.add("fourierFrequencies", [np.zeros(0, dtype)], [np.fft.fftfreq(n, 0.1).astype(dtype)], n=n, **near(dtype, 8))
            cases.add("realFourierFrequencies", [np.zeros(0, dtype)], [np.fft.rfftfreq(n, 0.1).astype(dtype)], n=n, **near(dtype, 8))
    add("fourierShifted", [np.arange(15.0).reshape(3, 5)], np.fft.fftshift)
    add("inverseFourierShifted", [np.arange(15.0).reshape(3, 5)], np.fft.ifftshift)
    z = random.normal(size=(4, 6))
    add("fourier2", [z], lambda a: (np.fft.fft2(a).real, np.fft.fft2(a).imag))
    rows, columns = np.tril_indices(4, -1)
    cases.add("lowerTriangleIndices", [np.zeros(0)], [whole(rows), whole(columns)], n=4, offset=-1)
    rows, columns = np.triu_indices(3, 1)
    cases.add("upperTriangleIndices", [np.zeros(0)], [whole(rows), whole(columns)], n=3, offset=1)


def products():
    a, b = random.normal(size=(4, 3)), random.normal(size=(1, 3))
    add("cross", [a, b], np.cross)
    add("inner", [a, random.normal(size=(2, 5, 3))], np.inner)
    add("tensorDot", [random.normal(size=(2, 3, 4)), random.normal(size=(4, 5, 2))], lambda p, q: np.tensordot(p, q, ([0, 2], [2, 0])), axes=[0, 2], otherAxes=[2, 0])
    m = random.normal(size=(3, 3)) + 2 * np.eye(3)
    for n in (-2, 0, 1, 5):
        for dtype in (np.float32, np.float64):
            own = m.astype(dtype)
            cases.add("matrixPower", [own], [np.linalg.matrix_power(own.astype(float), n).astype(dtype)], n=n, **near(dtype, 500))
    add("chainProduct", [random.normal(size=s) for s in ((2, 9), (9, 3), (3, 8), (8, 4))], lambda *t: np.linalg.multi_dot(t))
    cases.add("conditionNumber", [m], [np.asarray(np.linalg.cond(m))], relative=1e-12)
    low = np.outer([1.0, 2, 3], [1.0, 1, 2]) + np.outer([0.0, 1, 0], [2.0, 0, 1])
    cases.add("matrixRank", [low], [whole(np.linalg.matrix_rank(low))])
    cases.add("nuclearNorm", [m], [np.asarray(np.linalg.norm(m, "nuc"))], relative=1e-13)


for part in (nan_reductions, statistics, interpolation, sets, rounding, assembling, products):
    part()
cases.write(OUT, f"NumPy {np.__version__}; written by Tests/Golden/make_numpy_golden.py")
print(len(cases.cases), "cases")
