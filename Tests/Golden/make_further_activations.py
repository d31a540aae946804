"""Values of the activations beyond the survey that `ActivationGolden.swift` lists from `helu` on (NumPy, mpmath)."""

import mpmath
import numpy as np

mpmath.mp.dps = 40
x = np.array([-2, -0.5, 0, 0.5, 2])


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def mittag_leffler(alpha, z):
    """E_{alpha,1}(z), z < 0, by inversion of its Laplace transform at 1."""
    return mpmath.invertlaplace(lambda s: s ** (alpha - 1) / (s**alpha - z), 1, method="talbot", degree=80)


gate = np.array([float(mittag_leffler(mpmath.mpf("0.05"), -mpmath.exp(-t))) for t in x])
score = 3 * (x - x.mean() - 2.3 * x.std())
pairs = x[:4].reshape(2, 2)
winners = np.append(np.where(pairs == pairs.max(1, keepdims=True), pairs, 0).ravel(), x[4])
values = {
    "helu": np.maximum(x, 0),
    "hard-mish": 0.5 * x * np.clip(x + 2, 0, 2),
    "elephant": 1 / (1 + np.abs(x / 0.08) ** 4),
    "tempered-sigmoid": 2 * sigmoid(2 * x) - 1,
    "apa": sigmoid(x),
    "aglu": x * sigmoid(x),
    "ash": x * sigmoid(score),
    "hard-ash": np.clip(x, 0, 2) * np.clip(score + 3, 0, 6) / 6,
    "top-k": np.maximum(x - x.min(), 0),
    "winner-takes-all": winners,
    "mittag-leffler-gate": x * gate,
    "mittag-leffler-sigmoid": gate,
    "matrix-diagonal": np.maximum(x, 0),
    "matrix-tridiagonal": np.maximum(x, 0),
}
for name, numbers in values.items():
    print(f'  ("{name}", [{", ".join("%.8g" % (v + 0.0) for v in numbers)}]),')
