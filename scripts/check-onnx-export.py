#!/usr/bin/env python3
"""Runs what `soma onnx samples` writes (every ready network, every layer of its own kind, all activations of the catalogue)
with onnxruntime, checks the models with the standard's own checker, and compares the outputs. Exit status 1 if one differs.

    python3 -m venv .venv-onnx && .venv-onnx/bin/pip install onnx==1.23.2 onnxruntime==1.32.0
    make build
    .venv-onnx/bin/python scripts/check-onnx-export.py

An output is equal if |soma - onnxruntime| <= 1e-4 + 1e-3 |onnxruntime| everywhere; infinities and what is no number must be
at the same places.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

SOMA = pathlib.Path(__file__).resolve().parent.parent / ".build/release/soma"


def main():
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    wrong, largest = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        answer = subprocess.run([SOMA, "onnx", "samples", folder], check=True, capture_output=True, text=True)
        print(answer.stdout, end="")
        cases = sorted(pathlib.Path(folder).iterdir())
        for case in cases:
            try:
                onnx.checker.check_model(str(case / "model.onnx"), full_check=True)
                session = onnxruntime.InferenceSession(str(case / "model.onnx"), options)
                output = session.run(None, {"input": np.load(case / "input.npy")})[0]
            except Exception as error:  # whatever a model can be refused with
                wrong.append(f"{case.name}: {str(error).splitlines()[0][:300]}")
                continue
            expected = np.load(case / "output.npy")
            if output.shape != expected.shape or output.dtype != expected.dtype:
                wrong.append(f"{case.name}: {output.dtype}{output.shape}, not {expected.dtype}{expected.shape}")
            elif not np.allclose(expected, output, rtol=1e-3, atol=1e-4, equal_nan=True):
                wrong.append(f"{case.name}: differs by {np.nanmax(np.abs(expected - output)):.3g}")
            else:
                finite = np.isfinite(output)
                scale = 1 + np.abs(output[finite])
                largest = max(largest, float(np.max(np.abs(expected[finite] - output[finite]) / scale, initial=0)))
    for line in wrong:
        print(f"wrong  {line}")
    print(f"onnxruntime {onnxruntime.__version__}: {len(cases) - len(wrong)} of {len(cases)} equal; "
          f"largest difference {largest:.1e} of 1 + |output|")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
