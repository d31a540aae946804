#!/usr/bin/env python3
"""Writes the files that SomaData's tests read, with NumPy and Pillow as the independent references.

    pip install numpy pillow ml_dtypes
    python3 Tests/Golden/make-data-fixtures.py

Arrays hold i - 5 for element i in row-major order (i for unsigned ones, i % 3 == 0 for truth values), times 0.5 where
floating; pictures hold formulas of row, column and channel, so that the tests know every value without these files.
"""
import gzip
import io
import pathlib
import zipfile

import ml_dtypes
import numpy as np
from PIL import Image

out = pathlib.Path(__file__).resolve().parent / "data"
out.mkdir(exist_ok=True)


def array(dtype, shape=(2, 3, 4)):
    count = int(np.prod(shape))
    i = np.arange(count)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        values = i % 3 == 0
    elif dtype.kind == "u":
        values = i
    elif dtype.kind == "i":
        values = i - 5
    else:
        values = (i - 5) * 0.5
    return values.astype(dtype).reshape(shape)


for name in ["<f4", "<f8", "<i4", "<i8", "|b1", "|i1", "|u1", "<f2", "<i2", "<u2", "<u4", "<u8", ">f4", ">i8", ">f2"]:
    endian = {"<": "le", ">": "be", "|": "na"}[name[0]]
    np.save(out / f"c-{endian}-{name[1:]}.npy", array(name))
np.save(out / "c-bfloat16.npy", array(ml_dtypes.bfloat16))
np.save(out / "fortran-f4.npy", np.asfortranarray(array("<f4")))
np.save(out / "fortran-be-i4.npy", np.asfortranarray(array(">i4", (3, 5))))
np.save(out / "scalar.npy", np.array(2.5))
np.save(out / "empty.npy", np.zeros((0, 3), "<f4"))
np.save(out / "half-specials.npy", np.array([np.inf, -np.inf, np.nan, 65504, 6e-8, -0.0, 1 / 3], "<f2"))
for version in [(2, 0), (3, 0)]:
    with open(out / f"version-{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, array("<f8", (5,)), version)

np.savez(out / "stored.npz", a=array("<f4"), b=array("<i8", (7,)), c=np.array(True))
np.savez_compressed(out / "deflated.npz", x=array("<f8", (40, 3)), y=np.arange(40) % 4)
# An archive written to a pipe: sizes stand after the content (bit 3).
class Pipe(io.RawIOBase):
    def __init__(self):
        self.parts = []

    def writable(self):
        return True

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)


pipe = Pipe()
with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
    buffer = io.BytesIO()
    np.save(buffer, array("<f4"))
    archive.writestr(zipfile.ZipInfo("a.npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED)
(out / "streamed.npz").write_bytes(b"".join(pipe.parts))

# An archive whose sizes and offsets all stand in 64-bit fields, as those over 4 GiB do.
limit = zipfile.ZIP64_LIMIT
zipfile.ZIP64_LIMIT = 16
np.savez(out / "wide.npz", a=array("<f4"), b=array("<i8", (7,)))
zipfile.ZIP64_LIMIT = limit
# Python leaves small numbers in the old end record; all ones there say that the 64-bit record holds.
wide = bytearray((out / "wide.npz").read_bytes())
wide[-14:-2] = b"\xff" * 12
(out / "wide.npz").write_bytes(wide)

height, width = 6, 9
y, x = np.mgrid[:height, :width]
grey = (y * 40 + x * 5).astype(np.uint8)
rgb = np.stack([y * 40, x * 25, (y + x) * 15], axis=-1).astype(np.uint8)
Image.fromarray(grey).save(out / "grey.png")
Image.fromarray(rgb).save(out / "rgb.png")
alpha = np.where((y + x) % 2 == 0, 255, 0).astype(np.uint8)
Image.fromarray(np.dstack([rgb, alpha])).save(out / "rgba.png")
Image.fromarray(((y + x) % 2 == 0)).save(out / "one-bit.png")
palette = Image.fromarray((y % 4).astype(np.uint8), "P")
palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
palette.save(out / "palette.png")

y, x = np.mgrid[:40, :56]
smooth = np.stack([y * 6, x * 4, 255 - y * 3 - x * 2], axis=-1).astype(np.uint8)
picture = Image.fromarray(smooth)
for name, source, options in [
    ("rgb", picture, {"quality": 90}),
    ("progressive", picture, {"quality": 90, "progressive": True}),
    ("grey", picture.convert("L"), {"quality": 90}),
]:
    source.save(out / f"{name}.jpg", **options)
    np.save(out / f"{name}-jpg.npy", np.asarray(Image.open(out / f"{name}.jpg")))
picture.convert("CMYK").save(out / "cmyk.jpg")
np.save(out / "resized-small.npy", np.asarray(picture.resize((17, 11), Image.BILINEAR)))
np.save(out / "resized-large.npy", np.asarray(picture.resize((75, 90), Image.BILINEAR)))
np.save(out / "smooth-grey.npy", np.asarray(picture.convert("L")))

text = b"first member\n"
(out / "two-members.gz").write_bytes(gzip.compress(text, mtime=0) + gzip.compress(b"second\n", mtime=0))
