"""Third derivatives of the elementwise functions, by mpmath with 60 digits: Tests/SomaTests/Transforms/ThirdDerivativeGolden.swift.

    python3 Tests/Golden/make_third_derivatives.py > Tests/SomaTests/Transforms/ThirdDerivativeGolden.swift
"""

import mpmath as mp

mp.mp.dps = 60

FUNCTIONS = {
    "negate": (lambda x: -x, [-0.75, 0.5, 2.0]),
    "abs": (abs, [-0.75, 0.5, 2.0]),
    "exp": (mp.exp, [-1.5, 0.25, 2.0]),
    "expm1": (mp.expm1, [-1.5, 0.25, 2.0]),
    "log": (mp.log, [0.25, 0.75, 3.0]),
    "log1p": (lambda x: mp.log(1 + x), [-0.5, 0.25, 3.0]),
    "sqrt": (mp.sqrt, [0.25, 0.75, 3.0]),
    "rsqrt": (lambda x: 1 / mp.sqrt(x), [0.25, 0.75, 3.0]),
    "sin": (mp.sin, [-2.5, 0.25, 1.0]),
    "cos": (mp.cos, [-2.5, 0.25, 1.0]),
    "tan": (mp.tan, [-1.0, 0.25, 0.75]),
    "asin": (mp.asin, [-0.75, 0.125, 0.5]),
    "acos": (mp.acos, [-0.75, 0.125, 0.5]),
    "atan": (mp.atan, [-2.0, 0.125, 0.75]),
    "sinh": (mp.sinh, [-1.5, 0.25, 2.0]),
    "cosh": (mp.cosh, [-1.5, 0.25, 2.0]),
    "tanh": (mp.tanh, [-1.5, 0.25, 2.0]),
    "asinh": (mp.asinh, [-1.5, 0.25, 2.0]),
    "acosh": (mp.acosh, [1.25, 2.0, 3.5]),
    "atanh": (mp.atanh, [-0.75, 0.125, 0.5]),
    "erf": (mp.erf, [-1.5, 0.25, 2.0]),
    "erfc": (mp.erfc, [-1.5, 0.25, 2.0]),
    "erfInverse": (mp.erfinv, [-0.75, 0.125, 0.5]),
    "lgamma": (mp.loggamma, [0.375, 1.25, 4.0]),
    "digamma": (mp.digamma, [0.375, 1.25, 4.0]),
    "logistic": (lambda x: 1 / (1 + mp.exp(-x)), [-1.5, 0.25, 2.0]),
    "softplus": (lambda x: mp.log(1 + mp.exp(x)), [-1.5, 0.25, 2.0]),
    "power 2.5": (lambda x: x ** mp.mpf(2.5), [0.25, 0.75, 3.0]),
    "power -1.5": (lambda x: x ** mp.mpf(-1.5), [0.25, 0.75, 3.0]),
    "2.5 to the power": (lambda x: mp.mpf(2.5) ** x, [-1.5, 0.25, 2.0]),
    "atan2": (lambda x: mp.atan2(x, mp.mpf(0.75)), [-1.5, 0.25, 2.0]),
    "reciprocal": (lambda x: 1 / x, [-1.5, 0.25, 2.0]),
}

print("// Made by Tests/Golden/make_third_derivatives.py with mpmath; not to be edited.\n")
print("enum ThirdDerivativeGolden {")
print("  /// Points, and the third derivative at each.")
print("  static let all: [String: (x: [Double], third: [Double])] = [")
for name, (function, points) in FUNCTIONS.items():
    values = [float(mp.re(mp.diff(function, mp.mpf(x), 3))) for x in points]
    print(f'    "{name}": (')
    print(f"      {points},")
    print(f"      {[0.0 if abs(v) < 1e-30 else v for v in values]}")
    print("    ),")
print("  ]")
print("}")
