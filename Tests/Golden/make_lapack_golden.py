"""Writes LinearLapackGolden.swift: factorizations of a few fixed matrices as NumPy and SciPy compute them in double.

The matrices are given by formulas that the Swift test repeats exactly (integers over powers of two), so only results
are stored. Run from the repository's root:  python3 Tests/Golden/make_lapack_golden.py
"""

import pathlib

import numpy as np
import scipy.linalg

OUT = pathlib.Path("Tests/SomaTests/Kernels/LinearLapackGolden.swift")


def matrix(m, n, seed):
    """Entry (i, j) is ((seed + 7 (i + 1)³ (j + 2)² + 11 j³) mod 127 - 63) / 64."""
    i, j = np.meshgrid(np.arange(m), np.arange(n), indexing="ij")
    return ((seed + 7 * (i + 1) ** 3 * (j + 2) ** 2 + 11 * j**3) % 127 - 63) / 64.0


def positive(n, seed):
    a = matrix(n, n, seed)
    return a @ a.T + np.eye(n)


def literal(values, indent="    "):
    words = [repr(float(v)) for v in np.asarray(values).ravel()]
    lines, line = [], indent
    for word in words:
        if len(line) + len(word) + 2 > 118:
            lines.append(line.rstrip())
            line = indent
        line += word + ", "
    lines.append(line.rstrip())
    return "[\n" + "\n".join(lines) + "\n  ]"


def main():
    fields = []
    sign, log_abs = np.linalg.slogdet(matrix(6, 6, 0))
    q, r = np.linalg.qr(matrix(7, 4, 2))
    flip = np.sign(np.diag(r))
    wide_q, wide_r = np.linalg.qr(matrix(4, 6, 3))
    wide_flip = np.sign(np.diag(wide_r))
    fields.append(("cholesky", np.linalg.cholesky(positive(5, 1)), "`numpy.linalg.cholesky` of positive(5, 1)."))
    symmetric = (matrix(6, 6, 9) + matrix(6, 6, 9).T) / 2
    fields.append(
        ("eigenvalues", np.linalg.eigvalsh(symmetric), "`numpy.linalg.eigvalsh`, symmetrized matrix(6, 6, 9).")
    )
    fields.append(("singularValues", np.linalg.svd(matrix(7, 4, 2))[1], "`numpy.linalg.svd` of matrix(7, 4, 2)."))
    fields.append(("wideSingularValues", np.linalg.svd(matrix(4, 6, 3))[1], "The same of matrix(4, 6, 3)."))
    fields.append(("q", q * flip, "`numpy.linalg.qr` of matrix(7, 4, 2), diagonal of R made positive."))
    fields.append(("r", r * flip[:, None], "Its R."))
    fields.append(("wideR", wide_r * wide_flip[:, None], "R of matrix(4, 6, 3)."))
    a, b = matrix(6, 6, 0), matrix(6, 3, 8)
    fields.append(("solution", np.linalg.solve(a, b), "`numpy.linalg.solve` of matrix(6, 6, 0) and matrix(6, 3, 8)."))
    fields.append(("transposedSolution", np.linalg.solve(a.T, b), "With the first transposed."))
    fields.append(("determinant", [sign, log_abs], "`numpy.linalg.slogdet` of matrix(6, 6, 0)."))
    t = matrix(6, 6, 4) + 4 * np.eye(6)
    for lower in (False, True):
        for transpose in (False, True):
            for unit in (False, True):
                name = (
                    ("lower" if lower else "upper") + ("Transposed" if transpose else "") + ("Unit" if unit else "")
                )
                x = scipy.linalg.solve_triangular(t, b, trans=int(transpose), lower=lower, unit_diagonal=unit)
                fields.append((name, x, "`scipy.linalg.solve_triangular` of matrix(6, 6, 4) + 4 I."))
    text = "// Made by Tests/Golden/make_lapack_golden.py with NumPy " + np.__version__ + "; not to be edited.\n\n"
    text += "enum LinearLapackGolden {\n"
    text += "\n\n".join(f"  /// {doc}\n  static let {name}: [Double] = {literal(v)}" for name, v, doc in fields)
    OUT.write_text(text + "\n}\n")


if __name__ == "__main__":
    main()
