#!/usr/bin/env python3
"""Writes the resources of SomaInterchangeTests: small containers by the reference writers, and some of the standard's node
tests of ONNX in one archive.

    pip install torch safetensors gguf
    python3 scripts/make-onnx-conformance.py onnx-tests   # see there
    python3 Tests/Golden/make_interchange_golden.py onnx-tests Tests/SomaInterchangeTests/Resources
"""
import collections
import pathlib
import sys
import zipfile

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

# One small test for each operator is enough here; `soma onnx conformance` runs them all.
LARGEST = 3000


def node_tests(source, target):
    chosen = collections.OrderedDict()
    for folder in sorted(source.iterdir()):
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        operator = "_".join(folder.name.split("_")[1:2])
        if size <= LARGEST and (operator not in chosen or size < chosen[operator][0]):
            chosen[operator] = (size, folder.name, files)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for _, name, files in chosen.values():
            for path in files:
                entry = zipfile.ZipInfo(f"{name}/{path.relative_to(source / name)}")
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, folder = map(pathlib.Path, sys.argv[1:])
    grid = torch.arange(12, dtype=torch.float32).reshape(3, 4) / 8 - 0.5
    tensors = {
        "a.float32": grid, "a.float64": grid.double(), "a.float16": grid.half(), "a.bfloat16": grid.bfloat16(),
        "b.int64": torch.tensor([-3, 0, 1 << 40]), "b.int32": torch.tensor([-7, 9], dtype=torch.int32),
        "b.int8": torch.tensor([-128, 127], dtype=torch.int8), "b.uint8": torch.tensor([0, 255], dtype=torch.uint8),
        "b.bool": torch.tensor([True, False]), "c.scalar": torch.tensor(2.5), "c.empty": torch.zeros(0, 3),
    }
    save_file(tensors, folder / "tensors.safetensors", metadata={"made by": "safetensors"})
    torch.save({"model": tensors, "transposed": grid.t(), "step": 3, "names": ["x", "y"]}, folder / "checkpoint.pt")
    writer = gguf.GGUFWriter(str(folder / "tensors.gguf"), "test")
    writer.add_uint32("test.layers", 2)
    writer.add_array("test.words", ["one", "two"])
    writer.add_tensor("plain", grid.numpy())
    rows = (np.arange(64, dtype=np.float32).reshape(2, 32) - 31) / 16
    for name in ("Q8_0", "Q4_0"):
        kind = gguf.GGMLQuantizationType[name]
        packed = gguf.quants.quantize(rows, kind)
        writer.add_tensor(name.lower(), packed, raw_dtype=kind)
        np.save(folder / f"gguf-{name.lower()}.npy", gguf.quants.dequantize(packed, kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    node_tests(source, folder / "onnx-node-tests.zip")


if __name__ == "__main__":
    main()
