"""The file format of the core's golden cases.

One JSON object: {"about": …, "arrays": [array, …], "cases": [case, …]}, an entry a line. An array is
[dtype, shape, data]; data is base64 of little-endian elements in row-major order (bool: a byte each), so NaN,
infinities and the sign of zero are kept. Equal arrays are stored once. A case has
  "name"        unique, "operation/number";
  "operation"   what is computed (the table below the functions of make_core_golden.py);
  "attributes"  numbers, strings, booleans or lists of them;
  "inputs", "outputs"  indices into "arrays";
  "relative", "absolute"  |found - expected| <= absolute + relative · |expected|. Both 0: equal, NaN equal to NaN, and
                zeros equal whatever their sign unless "signedZeros" is true.
"""

import base64
import json

import numpy as np

DTYPES = {"float32", "float64", "int32", "int64", "bool", "int8", "uint8"}


class Cases:
    def __init__(self):
        self.cases = []
        self.counts = {}
        self.arrays = {}

    def add(self, operation, inputs, outputs, relative=0.0, absolute=0.0, signed_zeros=False, **attributes):
        number = self.counts.get(operation, 0)
        self.counts[operation] = number + 1
        case = {"name": f"{operation}/{number}", "operation": operation}
        if attributes:
            case["attributes"] = attributes
        case["inputs"] = [self.index(v) for v in inputs]
        case["outputs"] = [self.index(v) for v in outputs]
        if relative:
            case["relative"] = relative
        if absolute:
            case["absolute"] = absolute
        if signed_zeros:
            case["signedZeros"] = True
        self.cases.append(case)

    def index(self, value):
        line = json.dumps(encode(value), separators=(",", ":"))
        return self.arrays.setdefault(line, len(self.arrays))

    def write(self, path, about):
        lines = ",\n".join(json.dumps(c, separators=(",", ":"), allow_nan=False) for c in self.cases)
        path.write_text(
            '{"about":'
            + json.dumps(about)
            + ',"arrays":[\n'
            + ",\n".join(self.arrays)
            + '\n],"cases":[\n'
            + lines
            + "\n]}\n"
        )


def encode(value):
    array = np.asarray(value)
    if array.dtype.name not in DTYPES:
        raise TypeError(f"no such element type in the core: {array.dtype}")
    array = np.require(array, array.dtype.newbyteorder("<"), ["C"])
    return [array.dtype.name, list(array.shape), base64.b64encode(array.tobytes()).decode()]
