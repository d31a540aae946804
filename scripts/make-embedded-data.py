#!/usr/bin/env python3
"""Writes the data sets that are part of the library as Swift source, from the copies of scikit-learn, vega_datasets and
statsmodels.

    pip install scikit-learn vega_datasets statsmodels
    python3 scripts/make-embedded-data.py
"""
import base64
import pathlib
import textwrap
import zlib

import numpy
import vega_datasets
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from statsmodels.datasets import co2

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


def integers(name, comment, values, kind):
    """A file with an array of integers."""
    lines = textwrap.wrap(
        ", ".join(str(int(value)) for value in values) + ",", 118, initial_indent="  ", subsequent_indent="  "
    )
    file_name = name[0].upper() + name[1:]
    (directory / f"{file_name}.swift").write_text(
        header + f"// swift-format-ignore-file\n\n/// {comment}\nlet {name}: [{kind}] = [\n" + "\n".join(lines) + "\n]\n"
    )


diabetes = load_diabetes(scaled=False)
rows = numpy.column_stack([diabetes.data * 10000, diabetes.target * 10000]).round().astype(int)
integers("diabetesData", "442 × 10 measurements and the progression a year later, in ten-thousandths.", rows.reshape(-1), "Int32")



def packed(name, comment, data):
    """A file with the table's numbers, then its labels, as float32, compressed."""
    content = data.data.astype("<f4").tobytes() + data.target.astype("<f4").tobytes()
    lines = textwrap.wrap(base64.b64encode(zlib.compress(content, 9)).decode(), 116)
    file_name = name[0].upper() + name[1:]
    (directory / f"{file_name}.swift").write_text(
        header + f'// swift-format-ignore-file\n\n/// {comment}\nlet {name} = """\n  ' + "\n  ".join(lines) + '\n  """\n'
    )


packed("breastCancerData", "569 × 30 measurements, then 569 labels, float32 compressed by zlib, in base64.", load_breast_cancer())
packed("wineData", "178 × 13 measurements, then 178 labels, float32 compressed by zlib, in base64.", load_wine())

weather = vega_datasets.data.seattle_weather()
integers(
    "seattleData",
    "The highest temperature of each day from 2012 to 2015, in tenths of a degree Celsius.",
    (weather.temp_max * 10).round(),
    "Int16",
)

monthly = co2.load_pandas().data.co2.resample("MS").mean().interpolate()
integers(
    "maunaLoaData",
    "Monthly means from March 1958 to December 2001, gaps filled linearly, in hundredths of ppm.",
    (monthly * 100).round(),
    "Int32",
)
