#!/usr/bin/env python3
"""Writes the standard's node tests (onnx.backend.test.case) into a folder, for `soma onnx conformance DIR`.

    python3 -m venv .venv-onnx && .venv-onnx/bin/pip install onnx==1.23.2
    .venv-onnx/bin/python scripts/make-onnx-conformance.py onnx-tests

Each test becomes DIR/NAME with model.onnx, test_data_set_N/input_I.pb and output_I.pb, and tolerance.txt with the relative
and the absolute tolerance that the standard gives it.
"""
import pathlib
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

warnings.simplefilter("ignore")


def write(path, value, type_proto):
    kind = type_proto.WhichOneof("value")
    if isinstance(value, onnx.TensorProto):
        proto = value
    elif kind == "sequence_type":
        proto = numpy_helper.from_list(value, "")
    elif kind == "optional_type":
        proto = numpy_helper.from_optional(value, "")
    elif kind == "map_type":
        proto = numpy_helper.from_dict(value, "")
    else:
        proto = numpy_helper.from_array(np.asarray(value), "")
        # Narrow types that NumPy lacks arrive under the type that the model declares.
        declared = type_proto.tensor_type.elem_type
        if declared and proto.data_type != declared:
            proto.data_type = declared
    path.write_bytes(proto.SerializeToString())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    count = 0
    for case in collect_testcases(None):
        if case.model is None or not case.data_sets:
            continue
        folder = root / case.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(case.model.SerializeToString())
        (folder / "tolerance.txt").write_text(f"{case.rtol} {case.atol}\n")
        for i, (inputs, outputs) in enumerate(case.data_sets):
            data = folder / f"test_data_set_{i}"
            data.mkdir(exist_ok=True)
            for kind, values, ports in (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output)):
                for j, (value, port) in enumerate(zip(values, ports)):
                    write(data / f"{kind}_{j}.pb", value, port.type)
        count += 1
    print(f"{count} tests of onnx {onnx.__version__} in {root}")


if __name__ == "__main__":
    main()
