#!/usr/bin/env python3
"""Puts the tests' real files, sorted by format, into a folder for each reader.

    python3 Fuzz/seeds.py Fuzz/seeds
"""
import gzip
import pathlib
import shutil
import sys
import zipfile

tests = pathlib.Path(__file__).resolve().parent.parent / "Tests"
data, interchange = tests / "Golden/data", tests / "SomaInterchangeTests/Resources"

ENDINGS = {"npy": ["npy"], "npz": ["npz"], "png": ["png"], "jpeg": ["jpg"], "edf": ["edf", "bdf"], "gzip": ["gz"],
           "safetensors": ["safetensors"], "pt": ["pt"], "gguf": ["gguf"], "sound": ["wav", "flac", "ogg"]}
# Formats whose files the tests write themselves.
WRITTEN = {
    "csv": ["a,b,c\n1,2.5,x\n-3,,\"y, \"\"z\"\"\"\n", "a\tb\r\n1\t2\r\n", "# comment\n1;2\n3;4\n"],
    "idx": [b"\0\0\x08\x03" + b"\0\0\0\x02" * 3 + bytes(range(8)), b"\0\0\x0d\x01" + b"\0\0\0\x02" + b"\x3f\x80\0\0" * 2],
    "vnnlib": ["(declare-const X_0 Real)\n(declare-const Y_0 Real) ; c\n(assert (and (>= X_0 -1.5e0) (<= X_0 (+ 1 (* 2 3)))))\n"
               "(assert (or (not (< Y_0 (- X_0))) (= Y_0 2)))\n", "(declare-fun X_0 () Real)(assert (<= X_0 1))"],
    "obj": ["v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nvt 0 0\nf 1 2 3\nf 1/1 2/1 4/1\nf -4 -2 -1 # c\nf 2 3 4\n", "o a\nv 1e0 -2.5 3\n"],
    "text": ["In the beginning\nwas the w\u00f6rd.\n"],
}


def main():
    target = pathlib.Path(sys.argv[1])
    files = sorted(data.iterdir()) + sorted(interchange.rglob("*"))
    for reader, endings in ENDINGS.items():
        folder = target / reader
        folder.mkdir(parents=True, exist_ok=True)
        for path in files:
            if path.suffix[1:] in endings and path.is_file() and path.stat().st_size < 65536:
                shutil.copy(path, folder / f"{path.parent.name}-{path.name}")
    for reader, texts in WRITTEN.items():
        (target / reader).mkdir(parents=True, exist_ok=True)
        for i, text in enumerate(texts):
            (target / reader / str(i)).write_bytes(text if isinstance(text, bytes) else text.encode())
    (target / "gzip" / "text").write_bytes(gzip.compress(b"some text, some text, some text"))
    (target / "onnx").mkdir(exist_ok=True)
    with zipfile.ZipFile(interchange / "onnx-node-tests.zip") as archive:
        for name in archive.namelist():
            if name.endswith("model.onnx"):
                (target / "onnx" / name.split("/")[0]).write_bytes(archive.read(name))
    (target / "tokenizer").mkdir(exist_ok=True)
    for path in interchange.glob("tokenizer-*.json"):
        if path.stat().st_size < 65536:
            shutil.copy(path, target / "tokenizer" / path.name)


if __name__ == "__main__":
    main()
