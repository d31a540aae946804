"""Writes Tests/SomaTests/Resources/elementwise.bin: arguments and exact values of the elementwise functions.

The values come from mpmath (pip install mpmath numpy) with at least 40 digits. Run from the repository's root.

Layout, little endian: records of a header (kind u8: 0 unary, 1 binary, 2 polygamma; operation or order u8; type u8:
0 float32, 1 float64; 0 u8; count u32), then arrays of `count`: the argument, the second argument (binary only), the
value as float64, and for float64 the rest of the value in units of its last place as float32.
"""
import struct
from pathlib import Path

import mpmath as mp
import numpy as np

mp.mp.prec = 200
rng = np.random.default_rng(20)
infinity = float("inf")

UNARY = """NEGATE ABS SIGN FLOOR CEIL ROUND EXP EXPM1 LOG LOG1P SQRT RSQRT SIN COS TAN ASIN ACOS ATAN SINH COSH TANH
ASINH ACOSH ATANH ERF ERFC ERF_INVERSE LGAMMA LOGISTIC""".split()
BINARY = "ADD SUBTRACT MULTIPLY DIVIDE REMAINDER POWER MAXIMUM MINIMUM ATAN2".split()


def erf_inverse(x):
    small = 1 - abs(x)
    if small > 0.1:
        return mp.erfinv(x)
    y = mp.sqrt(-mp.log(small * (1 + abs(x))))
    for _ in range(100):
        step = (mp.erfc(y) - small) / (2 / mp.sqrt(mp.pi) * mp.exp(-y * y))
        step /= 1 - y * step
        y += step
        if abs(step) < mp.mpf(10) ** -50:
            break
    return mp.sign(x) * y


def lgamma(x):
    if x > 0:
        return mp.loggamma(x).real
    return mp.log(abs(mp.gamma(x))) if x != mp.floor(x) else mp.inf


# Function, domain, and the values at NaN, inf, -inf, 0, -0 that follow from the domain or from IEEE 754 and C99.
nan = float("nan")
FUNCTIONS = {
    "EXP": (mp.exp, -760, 800, (infinity, 0.0, 1.0, 1.0)),
    "EXPM1": (mp.expm1, -infinity, 800, (infinity, -1.0, 0.0, -0.0)),
    "LOG": (mp.log, 5e-324, infinity, (infinity, nan, -infinity, -infinity)),
    "LOG1P": (mp.log1p, -1 + 2**-24, infinity, (infinity, nan, 0.0, -0.0)),
    "SQRT": (mp.sqrt, 5e-324, infinity, (infinity, nan, 0.0, -0.0)),
    "RSQRT": (lambda x: 1 / mp.sqrt(x), 5e-324, infinity, (0.0, nan, infinity, -infinity)),
    "SIN": (mp.sin, -infinity, infinity, (nan, nan, 0.0, -0.0)),
    "COS": (mp.cos, -infinity, infinity, (nan, nan, 1.0, 1.0)),
    "TAN": (mp.tan, -infinity, infinity, (nan, nan, 0.0, -0.0)),
    "ASIN": (mp.asin, -1, 1, (nan, nan, 0.0, -0.0)),
    "ACOS": (mp.acos, -1, 1, (nan, nan, None, None)),
    "ATAN": (mp.atan, -infinity, infinity, (None, None, 0.0, -0.0)),
    "SINH": (mp.sinh, -800, 800, (infinity, -infinity, 0.0, -0.0)),
    "COSH": (mp.cosh, -800, 800, (infinity, infinity, 1.0, 1.0)),
    "TANH": (mp.tanh, -infinity, infinity, (1.0, -1.0, 0.0, -0.0)),
    "ASINH": (mp.asinh, -infinity, infinity, (infinity, -infinity, 0.0, -0.0)),
    "ACOSH": (mp.acosh, 1, infinity, (infinity, nan, nan, nan)),
    "ATANH": (mp.atanh, -1 + 2**-24, 1 - 2**-24, (nan, nan, 0.0, -0.0)),
    "ERF": (mp.erf, -infinity, infinity, (1.0, -1.0, 0.0, -0.0)),
    "ERFC": (mp.erfc, -infinity, 30, (0.0, 2.0, 1.0, 1.0)),
    "ERF_INVERSE": (erf_inverse, -1 + 2**-24, 1 - 2**-24, (nan, nan, 0.0, -0.0)),
    "LGAMMA": (lgamma, -170, infinity, (infinity, infinity, infinity, infinity)),
    "LOGISTIC": (lambda x: 1 / (1 + mp.exp(-x)), -760, infinity, (1.0, 0.0, 0.5, 0.5)),
}
# Poles and ends of domains.
EDGES = {
    "LOG": {-1.0: nan, 1.0: 0.0}, "LOG1P": {-1.0: -infinity, -2.0: nan}, "SQRT": {-1.0: nan}, "RSQRT": {-4.0: nan},
    "ASIN": {1.5: nan, -1.5: nan}, "ACOS": {1.5: nan, 1.0: 0.0}, "ACOSH": {1.0: 0.0, 0.5: nan, -3.0: nan},
    "ATANH": {1.0: infinity, -1.0: -infinity, 2.0: nan}, "ERF_INVERSE": {1.0: infinity, -1.0: -infinity, 1.25: nan},
    "LGAMMA": {1.0: 0.0, 2.0: 0.0, -1.0: infinity, -4.0: infinity}, "EXP": {1000.0: infinity, -1000.0: 0.0},
    "EXPM1": {1000.0: infinity, -1000.0: -1.0}, "SINH": {1000.0: infinity, -1000.0: -infinity},
    "COSH": {1000.0: infinity, -1000.0: infinity}, "ERFC": {40.0: 0.0, -40.0: 2.0}, "ERF": {40.0: 1.0},
    "TANH": {100.0: 1.0, -100.0: -1.0}, "LOGISTIC": {1000.0: 1.0, -1000.0: 0.0},
}


def sample(dtype, low, high, count):
    """The whole range by magnitude, the usual ranges uniformly, and the neighbourhoods of 1 and -1."""
    info = np.finfo(dtype)
    magnitude = 10 ** rng.uniform(np.log10(float(info.smallest_subnormal)), np.log10(float(info.max)), count)
    near = 10 ** rng.uniform(-7, 0, count) * rng.choice([-1, 1], count)
    parts = [magnitude, -magnitude, rng.uniform(-20, 20, count), rng.uniform(-1, 1, count),
             rng.uniform(-100, 100, count), rng.uniform(-750, 750, count), 1 + near, -1 + near]
    with np.errstate(all="ignore"):
        x = np.concatenate(parts).astype(dtype)
        extremes = np.array([info.smallest_subnormal, info.tiny, info.max, 88.7, 89.3, 104, 709.5, 710.4])
        extremes = np.concatenate([extremes, -extremes]).astype(dtype)
    keep = lambda v: v[np.isfinite(v) & (v.astype(float) >= low) & (v.astype(float) <= high)]
    x = keep(x)
    return np.unique(np.concatenate([keep(extremes), x[rng.permutation(len(x))[:count]]]))


def parts_of(value, dtype):
    """float64 nearest to the value and what is left, in units of its last place."""
    if abs(value) > mp.mpf(float(np.finfo(dtype).max)):
        return (infinity if value > 0 else -infinity), 0.0
    head = float(value)
    unit = mp.mpf(2) ** (max(mp.frexp(mp.mpf(head))[1] - 1, -1022) - 52) if head else mp.mpf(2) ** -1074
    return head, float((value - mp.mpf(head)) / unit)


def record(kind, code, dtype, arguments, values):
    pairs = [parts_of(v, dtype) if isinstance(v, mp.mpf) else (v, 0.0) for v in values]
    body = struct.pack("<BBBBI", kind, code, 0 if dtype == np.float32 else 1, 0, len(values))
    for a in arguments:
        body += np.asarray(a, dtype).tobytes()
    body += np.array([p[0] for p in pairs], "<f8").tobytes()
    if dtype == np.float64:
        body += np.array([p[1] for p in pairs], "<f4").tobytes()
    return body


def unary(name, dtype):
    function, low, high, specials = FUNCTIONS[name]
    x, y = [], []
    for v in sample(dtype, low, high, 190):
        value = function(mp.mpf(float(v))) if v != 0 and float(v) not in EDGES.get(name, {}) else None
        # The zeros of lgamma left of 0 are no double, and its relative error there is unbounded.
        if value is None or (name == "LGAMMA" and (value == mp.inf or (v < 0 and abs(value) < 0.1))):
            continue
        x.append(v)
        y.append(value)
    points = [nan, infinity, -infinity, 0.0, -0.0, *EDGES.get(name, {})]
    results = [nan, *specials, *EDGES.get(name, {}).values()]
    for v, value in zip(points, results):
        if value is not None:
            x.append(v)
            y.append(value)
    return record(0, UNARY.index(name), dtype, [x], y)


def binary(name, dtype):
    a, b, y = [], [], []
    count = 200
    if name == "POWER":
        pairs = zip(10 ** rng.uniform(-30, 30, count), rng.uniform(-12, 12, count))
        pairs = list(pairs) + list(zip(1 + rng.uniform(-1, 1, 60) * 1e-3, rng.uniform(-5e4, 5e4, 60)))
        pairs += [(-v, float(k)) for v, k in zip(rng.uniform(0, 20, 40), rng.integers(-9, 10, 40))]
    else:
        pairs = list(zip(rng.standard_normal(count) * 10 ** rng.uniform(-20, 20, count),
                         rng.standard_normal(count) * 10 ** rng.uniform(-20, 20, count)))
        pairs += list(zip(rng.standard_normal(count), rng.standard_normal(count)))
    for u, v in pairs:
        u, v = dtype(u), dtype(v)
        p, q = mp.mpf(float(u)), mp.mpf(float(v))
        value = mp.atan2(p, q) if name == "ATAN2" else (p**q if p > 0 else (-1) ** int(q) * abs(p) ** q)
        a.append(u)
        b.append(v)
        y.append(value)
    return record(1, BINARY.index(name), dtype, [a, b], y)


def polygamma(order, dtype):
    x, y = [], []
    candidates = np.concatenate([10 ** rng.uniform(-4, 10, 60), rng.uniform(0, 30, 60), rng.uniform(-8, 0, 40),
                                 -(10 ** rng.uniform(0, 2.5, 15)), 1.4616321449683622 + rng.uniform(-1e-3, 1e-3, 8)])
    for v in candidates.astype(dtype):
        t = mp.mpf(float(v))
        shift = int(mp.ceil(-t)) + 1 if t < 0 else 0
        if order == 0:
            value, size = mp.digamma(t), abs(mp.digamma(1 - t)) + 1 if t < 0 else 0
        else:
            s = order + 1
            terms = [(t + k) ** -s for k in range(shift)]
            value = (-1) ** s * mp.factorial(order) * (mp.zeta(s, t + shift) + sum(terms))
            size = mp.factorial(order) * (mp.zeta(s, t + shift) + sum(abs(u) for u in terms))
        # Left of 0 the neighbourhoods of zeros are left out, as with lgamma.
        if v > 0 or abs(value) > size / 2:
            x.append(v)
            y.append(value)
    return record(2, order, dtype, [x], y)


body = b""
for kind in (np.float32, np.float64):
    body += b"".join(unary(name, kind) for name in FUNCTIONS)
    body += b"".join(binary(name, kind) for name in ("POWER", "ATAN2"))
    body += b"".join(polygamma(order, kind) for order in (0, 1, 2, 5))
path = Path(__file__).parent.parent / "SomaTests" / "Resources" / "elementwise.bin"
path.write_bytes(body)
print(f"{path}: {len(body)} bytes")
