#!/usr/bin/env python3
"""Numbers that the tests of fields compare with: damped sines, and the face of 48 x 48 pixels that a network built by hand draws
(Kumar et al. 2025, arXiv 2505.11581, for the layout). NumPy, double precision; prints them."""

import numpy as np

places = np.array([0, 0.25, 1, -1, 4, -9.0])
for name, damping in [("root", lambda x: np.sqrt(x)), ("logarithm", np.log1p), ("arc tangent", np.arctan)]:
    # The first two dampings are of |x|, the arc tangent of x.
    argument = places if name == "arc tangent" else np.abs(places)
    print(name, [float(f"{v:.12g}") for v in np.sin(places) * damping(argument)])

side = 48
axis = np.linspace(-1, 1, side)
x, y = np.meshgrid(axis, axis, indexing="ij")
distance, one = 1.4 * np.hypot(x, y), np.ones_like(x)


def gaussian(v):
    return 2 * np.exp(-v * v) - 1


def sigmoid(v):
    return 2 / (1 + np.exp(-v)) - 1


stripe, narrow = gaussian(1.5 * x), gaussian(2 * x)
columns = gaussian(4 * stripe - 1.08 * one)
rows = gaussian(5 * y - 1.5 * one)
lip = gaussian(8 * y + 2.8 * one - 0.8 * stripe)
eyes = sigmoid(4 * columns + 4 * rows - 5 * one)
mouth = sigmoid(4 * lip + 4 * narrow - 5 * one)
head = sigmoid(8 * one - 8 * distance)
face = np.clip(np.abs(0.5 * head - 0.45 * eyes - 0.35 * mouth - 0.3 * one), 0, 1)
print("face", face.mean(), face.std(ddof=1), face[24, 24], face[24, 8])
