#!/usr/bin/env python3
"""Writes the data sets that are part of the library as Swift source, from scikit-learn's copies.

    pip install scikit-learn
    python3 scripts/make-embedded-data.py
"""
import base64
import pathlib
import textwrap
import zlib

import numpy
from sklearn.datasets import load_digits, load_iris

directory = pathlib.Path(__file__).resolve().parent.parent / "Sources/SomaData/Embedded"
header = "// Made by scripts/make-embedded-data.py; not to be edited.\n"

digits = load_digits()
content = digits.data.astype(numpy.uint8).tobytes() + digits.target.astype(numpy.uint8).tobytes()
lines = textwrap.wrap(base64.b64encode(zlib.compress(content, 9)).decode(), 116)
(directory / "DigitsData.swift").write_text(
    header
    + "// swift-format-ignore-file\n\n"
    + "/// 1797 × 64 pixels (0…16), then 1797 labels, compressed by zlib, in base64.\n"
    + 'let digitsData = """\n  '
    + "\n  ".join(lines)
    + '\n  """\n'
)

iris = load_iris()
rows = []
for label in range(3):
    flowers = (iris.data[iris.target == label] * 10).round().astype(int).reshape(-1)
    text = " ".join(str(value) for value in flowers)
    rows += [f"  // {iris.target_names[label]}"] + textwrap.wrap(
        ", ".join(text.split()) + ",", 118, initial_indent="  ", subsequent_indent="  "
    )
(directory / "IrisData.swift").write_text(
    header
    + "// swift-format-ignore-file\n\n"
    + "/// 150 × 4 lengths in millimetres, 50 flowers of each species.\n"
    + "let irisData: [UInt8] = [\n"
    + "\n".join(rows)
    + "\n]\n"
)
