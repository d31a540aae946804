#!/usr/bin/env python3
"""Writes Tests/SomaExperimentsTests/BenchmarkGolden.swift: the first losses of the benchmarks' workloads in PyTorch,
in float64, from parameters and inputs that a rule makes (see BenchmarkTests.swift).

    pip install numpy torch
    python3 Tests/Golden/make_benchmark_golden.py
"""
import math
import pathlib
import sys

import numpy

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "Benchmarks"))
import peers

LOSSES = {"tiny-mlp": 5, "mlp": 5, "kan": 5, "pinn": 5, "resnet8": 5, "gpt-char": 5, "siren": 1}


def uniform(count, seed):
    """Numbers in -1 … 1: multiplicative hashing, the same in every language."""
    index = numpy.arange(count, dtype=numpy.uint64) + numpy.uint64(seed * 7919 + 1)
    return (index * numpy.uint64(2654435761) % numpy.uint64(1 << 32)).astype(numpy.float64) / 2**31 - 1


def made(name, workload, like, seed):
    values = uniform(like.size, seed).reshape(like.shape)
    if like.dtype.kind == "i":
        classes = peers.SYMBOLS if workload == "gpt-char" else 10
        return numpy.floor((values + 1) / 2 * classes).astype(numpy.int32)
    if name.startswith("input/"):
        return values.astype(numpy.float32)
    leaf = name.rsplit("/", 1)[1]
    if leaf in ("bias", "shift", "scale"):
        return numpy.full(like.shape, 1 if leaf == "scale" else 0, numpy.float32)
    fan = like.shape[0] if like.ndim == 2 else math.prod(like.shape[1:])
    return (values / math.sqrt(fan)).astype(numpy.float32)


lines = ["// Made by Tests/Golden/make_benchmark_golden.py; not to be edited.", "// swift-format-ignore-file", "",
         "/// PyTorch's losses, step by step.", "enum BenchmarkGolden {", "  static let losses: [(workload: String, losses: [Double])] = ["]
for workload, count in LOSSES.items():
    like = peers.first_tensors(workload)
    tensors = {name: made(name, workload, like[name], seed) for seed, name in enumerate(sorted(like))}
    step = peers.torch_step(workload, tensors, "torch-float64")
    lines.append(f'    ("{workload}", [{", ".join(repr(step()()) for _ in range(count))}]),')
lines += ["  ]", "}", ""]
(root / "Tests/SomaExperimentsTests/BenchmarkGolden.swift").write_text("\n".join(lines))
