#!/usr/bin/env python3
"""Writes Tests/SomaExperimentsTests/StatisticsGolden.swift from SciPy and mpmath.

    pip install numpy scipy mpmath
    python3 Tests/Golden/make_statistics_golden.py
"""
import itertools
import pathlib

import mpmath
import numpy
from scipy import stats

mpmath.mp.dps = 40
random = numpy.random.default_rng(7)
out = ["// Made by Tests/Golden/make_statistics_golden.py; not to be edited.", "// swift-format-ignore-file", "",
       "/// SciPy's and mpmath's numbers.", "enum StatisticsGolden {"]


def numbers(values):
    return "[" + ", ".join("-.infinity" if v == -numpy.inf else ".infinity" if v == numpy.inf else repr(float(v)) for v in values) + "]"


rows = []
for degrees in [0.5, 1, 2, 3, 4, 7.5, 10, 29, 100, 1000, 1e5]:
    for t in [-40.0, -6.0, -2.5, -1.0, -0.1, 0.0, 0.3, 1.96, 3.0, 12.0, 200.0]:
        nu = mpmath.mpf(degrees)
        x = nu / (nu + mpmath.mpf(t) ** 2)
        two = mpmath.betainc(nu / 2, mpmath.mpf(1) / 2, 0, x, regularized=True)
        rows.append((degrees, t, float(two)))
out.append("  /// Degrees of freedom, t, two-sided probability (mpmath, 40 digits).")
out.append("  static let tails: [(Double, Double, Double)] = [")
out += [f"    ({d!r}, {t!r}, {p!r})," for d, t, p in rows] + ["  ]"]

out.append("  /// Degrees of freedom, probability, quantile (SciPy).")
out.append("  static let quantiles: [(Double, Double, Double)] = [")
for degrees in [1, 2, 4, 9, 30, 500]:
    for p in [0.0005, 0.025, 0.1, 0.6, 0.975, 0.995]:
        out.append(f"    ({float(degrees)!r}, {p!r}, {float(stats.t.ppf(p, degrees))!r}),")
out.append("  ]")

out.append("  struct Pairs { let a, b: [Double]; let t, tP, rankSum, rankP: Double }")
out.append("  /// Paired samples with `scipy.stats.ttest_rel` and `scipy.stats.wilcoxon`.")
out.append("  static let pairs: [Pairs] = [")
cases = []
for n in [3, 5, 8, 20, 45, 80]:
    a = random.normal(0.95, 0.01, n)
    cases.append((a, a + random.normal(0.004, 0.01, n)))
# Accuracies that are multiples of 1/360: ties and pairs without a difference.
for n in [6, 10, 13]:
    cases.append((random.integers(340, 352, n) / 360, random.integers(340, 352, n) / 360))
for n in [60, 120]:
    cases.append((random.integers(0, 30, n).astype(float), random.integers(1, 31, n).astype(float)))
for a, b in cases:
    t = stats.ttest_rel(a, b)
    difference = a - b
    kept = difference[difference != 0]
    magnitude = numpy.abs(kept)
    exact = len(kept) <= 50
    if exact and (len(numpy.unique(magnitude)) < len(magnitude)):
        # The exact probability given tied ranks, by all sign patterns.
        ranks = stats.rankdata(magnitude)
        plus = ranks[kept > 0].sum()
        smaller = min(plus, ranks.sum() - plus)
        sums = [sum(r for r, s in zip(ranks, signs) if s) for signs in itertools.product([0, 1], repeat=len(ranks))]
        p = min(1.0, 2 * numpy.mean(numpy.array(sums) <= smaller))
    else:
        w = stats.wilcoxon(kept, method="exact" if exact else "asymptotic")
        smaller, p = w.statistic, w.pvalue
    out.append(f"    Pairs(a: {numbers(a)}, b: {numbers(b)}, t: {float(t.statistic)!r}, tP: {float(t.pvalue)!r}, "
               f"rankSum: {float(smaller)!r}, rankP: {float(p)!r}),")
out.append("  ]")

out.append("  /// Values with the 95 % and 99 % intervals of `scipy.stats.t.interval`.")
out.append("  static let intervals: [(values: [Double], mean: Double, low95: Double, high95: Double, low99: Double, high99: Double)] = [")
for n in [2, 3, 5, 30]:
    v = random.normal(3, 2, n)
    i = [stats.t.interval(level, n - 1, loc=v.mean(), scale=stats.sem(v)) for level in (0.95, 0.99)]
    out.append(f"    ({numbers(v)}, {float(v.mean())!r}, {float(i[0][0])!r}, {float(i[0][1])!r}, {float(i[1][0])!r}, {float(i[1][1])!r}),")
out.append("  ]")

out.append("  /// The quantiles 0.025 and 0.975 of the mean over all n^n resamples: what a bootstrap approaches.")
out.append("  static let bootstrap: [(values: [Double], low: Double, high: Double)] = [")
for n in [4, 6]:
    v = random.normal(0, 1, n)
    means = numpy.array([numpy.mean(c) for c in itertools.product(v, repeat=n)])
    low, high = numpy.quantile(means, [0.025, 0.975])
    out.append(f"    ({numbers(v)}, {float(low)!r}, {float(high)!r}),")
out.append("  ]")

out.append("  /// Values, probability, `numpy.quantile`.")
out.append("  static let quantile7: [(values: [Double], p: Double, quantile: Double)] = [")
for n in [1, 2, 7, 10]:
    v = random.normal(0, 1, n)
    for p in [0, 0.1, 0.5, 0.83, 1]:
        out.append(f"    ({numbers(v)}, {float(p)!r}, {float(numpy.quantile(v, p))!r}),")
out.append("  ]")
out.append("}")
path = pathlib.Path(__file__).resolve().parent.parent / "SomaExperimentsTests/StatisticsGolden.swift"
path.write_text("\n".join(out) + "\n")
