#!/usr/bin/env python3
"""Writes the photographs that are part of the library as Swift source: grey, 192 pixels on the shorter side, as JPEG. They come
with scikit-image and are in the public domain or CC0 (the files' notes are in its data/README.txt and documentation):
astronaut (NASA), camera (L. Varshney), chelsea (S. van der Walt), coffee (R. Michetti), coins (Brooklyn Museum), rocket (SpaceX).

    pip install scikit-image pillow
    python3 scripts/make-embedded-photographs.py
"""
import base64
import io
import pathlib
import textwrap

import PIL.Image
import skimage

source = pathlib.Path(skimage.__file__).parent / "data"
target = pathlib.Path(__file__).resolve().parent.parent / "Sources/SomaData/Embedded/PhotographsData.swift"
names = ["astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "rocket.jpg"]
text = "// Made by scripts/make-embedded-photographs.py; not to be edited.\n// swift-format-ignore-file\n\n"
text += "/// Names and JPEG files, in base64.\nlet photographsData: [(name: String, jpeg: String)] = [\n"
for name in names:
    picture = PIL.Image.open(source / name).convert("L")
    scale = 192 / min(picture.size)
    size = tuple(round(length * scale) for length in picture.size)
    buffer = io.BytesIO()
    picture.resize(size, PIL.Image.LANCZOS).save(buffer, "JPEG", quality=92, optimize=True)
    lines = textwrap.wrap(base64.b64encode(buffer.getvalue()).decode(), 116)
    text += f'  ("{name.split(".")[0]}", """\n  ' + "\n  ".join(lines) + '\n  """),\n'
    print(name, size, len(buffer.getvalue()))
target.write_text(text + "]\n")
