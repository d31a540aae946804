"""Writes Tests/SomaTests/Resources/core_golden.json: operations of the tensor core as NumPy and SciPy compute them.

Run from the repository's root:  python3 Tests/Golden/make_core_golden.py
Float32 results of functions are computed in float64 and rounded once. Where the core's rules differ from NumPy's (casts
saturate, integer powers of negative exponents, the sign of -0), the rule is written out here.
"""

import pathlib

import numpy as np
import scipy.linalg
import scipy.special as sp

from core_golden_structure import add_structure
from golden_format import Cases

OUT = pathlib.Path("Tests/SomaTests/Resources/core_golden.json")
FLOATS = [np.float32, np.float64]
INTEGERS = [np.int32, np.int64, np.int8, np.uint8]


def close(dtype, ulps=4):
    """For functions; below the normal numbers a few steps of the smallest one."""
    info = np.finfo(dtype)
    return {"relative": float(ulps * info.eps), "absolute": float(ulps * np.float64(info.smallest_subnormal))}


def summed(dtype, terms=64):
    """For sums of a few values near 1, in any order."""
    eps = float(np.finfo(dtype).eps)
    return {"relative": terms * eps, "absolute": terms * eps}


def rounded(function, *inputs):
    """The function in double, rounded to the inputs' type."""
    return np.asarray(function(*[np.asarray(x, np.float64) for x in inputs])).astype(inputs[0].dtype)


def add_unary(cases):
    special = [0.0, -0.0, 1, -1, 0.5, -0.5, 0.9999, 1.5, 2.5, -2.5, 1e-3, -1e-3, 1e-30, -1e-30, 3.25, -7.75, 20, -20]
    wide = [88.5, -88.5, 100, -103, 700, -745.1, 1e5, -1e5, 1e30, -1e30, np.inf, -np.inf, np.nan, np.pi, np.pi / 2]
    exact = {
        "negate": np.negative,
        "abs": np.abs,
        "floor": np.floor,
        "ceil": np.ceil,
        "round": np.rint,
        "sign": lambda x: np.where(x == 0, x, np.sign(x)),
    }
    functions = {
        "exp": np.exp,
        "expm1": np.expm1,
        "log": np.log,
        "log1p": np.log1p,
        "sqrt": np.sqrt,
        "rsqrt": lambda x: 1 / np.sqrt(x),
        "sin": np.sin,
        "cos": np.cos,
        "tan": np.tan,
        "asin": np.arcsin,
        "acos": np.arccos,
        "atan": np.arctan,
        "sinh": np.sinh,
        "cosh": np.cosh,
        "tanh": np.tanh,
        "asinh": np.arcsinh,
        "acosh": np.arccosh,
        "atanh": np.arctanh,
        "erf": sp.erf,
        "erfc": sp.erfc,
        "erfInverse": sp.erfinv,
        "logistic": lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x))),
    }
    for dtype in FLOATS:
        x = np.array(special + wide, dtype)
        for name, function in exact.items():
            cases.add(name, [x], [function(x)], signed_zeros=True)
        cases.add("isFinite", [x], [np.isfinite(x)])
        cases.add("isNaN", [x], [np.isnan(x)])
        for name, function in functions.items():
            cases.add(name, [x], [rounded(function, x)], **close(dtype))
        positive = np.array([1e-30, 1e-3, 0.1, 0.5, 1, 1.25, 1.4616321449683623, 2, 3.5, 10, 100.5, 1e5, 1e10], dtype)
        negative = np.array([-0.5, -1.5, -2.25, -3.75, -10.125], dtype)
        both = np.concatenate([positive, negative])
        # Near the roots at 1 and 2, and between negative poles, only the absolute error can be small.
        eps = float(np.finfo(dtype).eps)
        cases.add("logGamma", [both], [rounded(sp.gammaln, both)], relative=8 * eps, absolute=8 * eps)
        cases.add("digamma", [both], [rounded(sp.digamma, both)], relative=8 * eps, absolute=8 * eps)
        for order in [1, 2, 3]:
            some = np.array([0.1, 0.5, 1, 2, 3.5, 10, 100.5, 1000], dtype)
            cases.add(
                "polygamma", [some], [rounded(lambda v: sp.polygamma(order, v), some)], order=order, relative=32 * eps
            )
    for dtype in INTEGERS:
        info = np.iinfo(dtype)
        x = np.array([0, 1, 2, 5, 100, info.max, info.min, info.max - 1, info.min + 1], dtype)
        cases.add("negate", [x], [np.negative(x)])
        cases.add("abs", [x], [np.abs(x)])
        cases.add("sign", [x], [np.sign(x).astype(dtype)])
        cases.add("not", [x], [np.invert(x)])
    cases.add("not", [np.array([True, False])], [np.array([False, True])])


def integer_power(base, exponent):
    """Wraps; a negative exponent gives 0 but for the bases 1 and -1."""
    bits = np.iinfo(base.dtype).bits
    out = []
    for b, e in zip(base.tolist(), exponent.tolist()):
        if e >= 0:
            value = pow(b, e, 1 << bits)
        elif abs(b) == 1:
            value = b if e % 2 else 1
        else:
            value = 0
        value %= 1 << bits
        out.append(value - (1 << bits) if np.iinfo(base.dtype).min < 0 and value >> (bits - 1) else value)
    return np.array(out, base.dtype)


def add_binary(cases, random):
    arithmetic = {
        "add": np.add,
        "subtract": np.subtract,
        "multiply": np.multiply,
        "divide": np.divide,
        "maximum": np.maximum,
        "minimum": np.minimum,
    }
    shapes = [((3, 4), (4,)), ((2, 1, 3), (4, 1)), ((), (5,)), ((1,), (0,)), ((0, 3), (1, 3)), ((2, 3, 1), (1, 5))]
    compare = {
        "equal": np.equal,
        "notEqual": np.not_equal,
        "less": np.less,
        "lessEqual": np.less_equal,
        "greater": np.greater,
        "greaterEqual": np.greater_equal,
    }
    grid = np.array([0, -0.0, 1, -1, 2.5, -2.5, 7, -7, 1e-20, 1e20, np.inf, -np.inf, np.nan])
    for dtype in FLOATS:
        for index, (name, function) in enumerate(arithmetic.items()):
            for a_shape, b_shape in [shapes[index], shapes[(index + 2) % 6]]:
                a, b = random.normal(size=a_shape).astype(dtype), random.normal(size=b_shape).astype(dtype)
                cases.add(name, [a, b], [function(a, b)])
        a, b = [v.ravel().astype(dtype) for v in np.meshgrid(grid, grid)]
        plain = (a != 0) | (b != 0)  # which zero a maximum of zeros gives is left open
        for name, function in arithmetic.items():
            x, y = (a[plain], b[plain]) if "imum" in name else (a, b)
            cases.add(name, [x, y], [function(x, y)])
        finite = np.isfinite(a) & (np.abs(a) < 1e10) & (b != 0)
        cases.add("remainder", [a[finite], b[finite]], [np.remainder(a[finite], b[finite])], **close(dtype))
        cases.add("power", [a, b], [rounded(np.power, a, b)], **close(dtype, 8))
        cases.add("atan2", [a, b], [rounded(np.arctan2, a, b)], **close(dtype))
        for name, function in compare.items():
            cases.add(name, [a, b], [function(a, b)])
    for dtype in INTEGERS:
        info = np.iinfo(dtype)
        edge = np.unique(
            np.array(
                [
                    0,
                    1,
                    2,
                    3,
                    7,
                    info.max,
                    info.min,
                    info.max // 2 + 1,
                    max(info.min, -1),
                    max(info.min, -2),
                    max(info.min, -7),
                ]
            ).astype(dtype)
        )
        a, b = [v.ravel() for v in np.meshgrid(edge, edge)]
        for name in ["add", "subtract", "multiply", "maximum", "minimum"]:
            cases.add(name, [a, b], [arithmetic[name](a, b)])
        cases.add("divide", [a, b], [np.floor_divide(a, b)])
        cases.add("remainder", [a, b], [np.remainder(a, b)])
        cases.add("and", [a, b], [a & b])
        cases.add("or", [a, b], [a | b])
        cases.add("xor", [a, b], [a ^ b])
        counts = np.array([0, 1, 3, info.bits - 1, info.bits, info.bits + 5], dtype)
        v, c = [x.ravel() for x in np.meshgrid(edge, counts)]
        cases.add("shiftLeft", [v, c], [np.left_shift(v, c)])
        cases.add("shiftRight", [v, c], [np.right_shift(v, c)])
        base = np.array([0, 1, 2, 3, 10, info.max], dtype)
        exponents = np.array([0, 1, 2, 5, 31, 64] + ([-1, -2] if info.min < 0 else []), dtype)
        if info.min < 0:
            base = np.concatenate([base, np.array([-1, -2, -3], dtype)])
        v, c = [x.ravel() for x in np.meshgrid(base, exponents)]
        cases.add("power", [v, c], [integer_power(v, c)])
        for name in ["equal", "less", "greaterEqual"]:
            cases.add(name, [a, b], [compare[name](a, b)])
    p, q = np.array([True, True, False, False]), np.array([True, False, True, False])
    for name, function in {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}.items():
        cases.add(name, [p, q], [function(p, q)])
    for dtype in [np.float32, np.int64]:
        mask = random.random((3, 1)) < 0.5
        a, b = random.integers(-9, 9, (1, 4)).astype(dtype), random.integers(-9, 9, (3, 4)).astype(dtype)
        cases.add("where", [mask, a, b], [np.where(mask, a, b)])


def cast(x, dtype):
    """Float to integer truncates toward zero and saturates, NaN gives 0; integers wrap; to bool is != 0."""
    if dtype == np.bool_:
        return x != 0
    if x.dtype.kind == "f" and np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        out = []
        for v in x.astype(np.float64).tolist():
            if np.isnan(v):
                out.append(0)
            elif np.isinf(v):
                out.append(info.max if v > 0 else info.min)
            else:
                out.append(min(max(int(v), info.min), info.max))
        return np.array(out, dtype)
    return x.astype(dtype)


def add_casts(cases):
    values = {
        np.float32: [
            0,
            0.5,
            -0.5,
            1.9,
            -1.9,
            127.5,
            128,
            255,
            300,
            -129,
            3e9,
            -3e9,
            1e19,
            -1e19,
            np.inf,
            -np.inf,
            np.nan,
        ],
        np.int32: [0, 1, -1, 127, 128, 255, 256, -128, -129, 65536, 2**31 - 1, -(2**31), 16777217],
        np.int8: [0, 1, -1, 127, -128],
        np.uint8: [0, 1, 127, 128, 255],
        np.bool_: [False, True],
    }
    values[np.float64] = values[np.float32] + [1e-320, 1e300, 16777217]
    values[np.int64] = values[np.int32] + [2**63 - 1, -(2**63), 2**53 + 1, 2**32 + 5]
    for source, numbers in values.items():
        x = np.array(numbers, source)
        for target in values:
            if source != target:
                cases.add("cast", [x], [cast(x, target)], to=np.dtype(target).name)


def add_linear_algebra(cases, random):
    for dtype in FLOATS:
        tolerance = summed(dtype)
        for a_shape, b_shape in [
            ((3, 4), (4, 2)),
            ((4,), (4,)),
            ((2, 3, 4), (4, 5)),
            ((2, 1, 3, 4), (5, 4, 2)),
            ((4,), (4, 3)),
            ((2, 4), (4,)),
            ((0, 4), (4, 2)),
            ((2, 0), (0, 3)),
            ((3, 2, 4), (4,)),
        ]:
            a, b = random.normal(size=a_shape).astype(dtype), random.normal(size=b_shape).astype(dtype)
            cases.add("matmul", [a, b], [rounded(np.matmul, a, b)], **tolerance)
        a = random.normal(size=(2, 5, 5))
        positive = (a @ a.transpose(0, 2, 1) + 5 * np.eye(5)).astype(dtype)
        cases.add("cholesky", [positive], [rounded(np.linalg.cholesky, positive)], **tolerance)
        cases.add("eigenvalues", [positive], [rounded(np.linalg.eigvalsh, positive)], **tolerance)
        square = (a + 4 * np.eye(5)).astype(dtype)
        wide = random.normal(size=(2, 3, 5)).astype(dtype)
        cases.add(
            "singularValues", [wide], [rounded(lambda v: np.linalg.svd(v, compute_uv=False), wide)], **tolerance
        )
        q, r = np.linalg.qr(wide[0].T.astype(np.float64))
        flip = np.sign(np.diag(r))
        cases.add("qr", [wide[0].T], [(q * flip).astype(dtype), (r * flip[:, None]).astype(dtype)], **tolerance)
        right = random.normal(size=(2, 5, 3)).astype(dtype)
        cases.add("solve", [square, right], [rounded(np.linalg.solve, square, right)], **tolerance)
        cases.add("inverse", [square], [rounded(np.linalg.inv, square)], **tolerance)
        sign, log_abs = np.linalg.slogdet(square.astype(np.float64))
        cases.add("logDeterminant", [square], [sign.astype(dtype), log_abs.astype(dtype)], **tolerance)
        x = scipy.linalg.solve_triangular(square[0].astype(np.float64), right[0].astype(np.float64), lower=True)
        cases.add(
            "triangularSolve", [square[0], right[0]], [x.astype(dtype)], lower=True, transpose=False, **tolerance
        )
        for equation, *shapes in [
            ("ij,jk->ik", (2, 3), (3, 4)),
            ("ij->ji", (2, 3)),
            ("ii->i", (3, 3)),
            ("ii", (3, 3)),
            ("ij->", (2, 3)),
            ("ij->j", (2, 3)),
            ("i,i->", (4,), (4,)),
            ("i,j->ij", (2,), (3,)),
            ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
            ("bhqd,bhkd->bhqk", (1, 2, 3, 2), (1, 2, 4, 2)),
            ("ij,ij->ij", (2, 3), (2, 3)),
            ("...ij,...jk->...ik", (2, 2, 3), (3, 2)),
            ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)),
            ("ijk,k->ij", (2, 2, 3), (3,)),
            ("ij,kj->ik", (2, 3), (4, 3)),
            ("ijk->kij", (2, 3, 2)),
            ("bi,bj->bij", (2, 3), (2, 2)),
        ]:
            operands = [random.normal(size=s).astype(dtype) for s in shapes]
            out = np.einsum(equation, *[o.astype(np.float64) for o in operands]).astype(dtype)
            cases.add("einsum", operands, [out], equation=equation, **tolerance)
        for n in [1, 2, 5, 8, 12, 13]:
            x = random.normal(size=(2, n, 3)) + 1j * random.normal(size=(2, n, 3))
            re, im = x.real.astype(dtype), x.imag.astype(dtype)
            x = re.astype(np.float64) + 1j * im.astype(np.float64)
            y, z = np.fft.fft(x, axis=1), np.fft.ifft(x, axis=1)
            cases.add("fft", [re, im], [y.real.astype(dtype), y.imag.astype(dtype)], axis=1, **tolerance)
            cases.add("ifft", [re, im], [z.real.astype(dtype), z.imag.astype(dtype)], axis=-2, **tolerance)
            h = np.fft.rfft(x.real, axis=1)
            back = np.fft.irfft(x[:, : n // 2 + 1], n=n, axis=1)
            cases.add("rfft", [re], [h.real.astype(dtype), h.imag.astype(dtype)], axis=1, **tolerance)
            cases.add(
                "irfft",
                [re[:, : n // 2 + 1], im[:, : n // 2 + 1]],
                [back.astype(dtype)],
                axis=1,
                length=n,
                **tolerance,
            )
    a, b = random.integers(-(2**31), 2**31, (3, 4), np.int32), random.integers(-(2**31), 2**31, (4, 2), np.int32)
    cases.add("matmul", [a, b], [np.matmul(a, b)])


def main():
    np.seterr(all="ignore")
    random = np.random.default_rng(20240607)
    cases = Cases()
    add_unary(cases)
    add_binary(cases, random)
    add_casts(cases)
    add_linear_algebra(cases, random)
    add_structure(cases, random, summed, rounded)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    cases.write(OUT, f"Made by Tests/Golden/make_core_golden.py, NumPy {np.__version__}; format: golden_format.py")
    print(len(cases.cases), "cases,", len(cases.counts), "operations,", OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
