"""Golden cases that move, reduce, sort and window elements; called by make_core_golden.py."""

import itertools

import numpy as np
import scipy.special as sp

FLOATS = [np.float32, np.float64]


def add_structure(cases, random, summed, rounded):
    add_reductions(cases, random, summed, rounded)
    add_movement(cases, random)
    add_indexing(cases, random, summed)
    add_sorting(cases, random)
    add_windows(cases, random, summed)
    add_composites(cases, random, summed, rounded)
    add_creation(cases, summed)


def add_reductions(cases, random, summed, rounded):
    choices = [
        ((2, 3, 4), [0]),
        ((2, 3, 4), [-1]),
        ((2, 3, 4), [0, 2]),
        ((2, 3, 4), [0, 1, 2]),
        ((5,), [0]),
        ((3, 0, 2), [1]),
        ((0, 3), [1]),
        ((3, 1), [-2]),
    ]
    for dtype in FLOATS + [np.int32, np.int64]:
        floating = np.dtype(dtype).kind == "f"
        for index, (shape, axes) in enumerate(choices):
            x = (random.normal(size=shape) if floating else random.integers(-9, 9, shape)).astype(dtype)
            keep = index % 2 == 1
            tolerance = summed(dtype) if floating else {}
            axis = tuple(axes)
            cases.add(
                "sum", [x], [np.sum(x, axis, dtype=dtype, keepdims=keep)], axes=axes, keepDims=keep, **tolerance
            )
            cases.add(
                "product", [x], [np.prod(x, axis, dtype=dtype, keepdims=keep)], axes=axes, keepDims=keep, **tolerance
            )
            if x.size:
                cases.add("max", [x], [np.max(x, axis, keepdims=keep)], axes=axes, keepDims=keep)
                cases.add("min", [x], [np.min(x, axis, keepdims=keep)], axes=axes, keepDims=keep)
                if floating:
                    cases.add(
                        "mean",
                        [x],
                        [rounded(lambda v: np.mean(v, axis, keepdims=keep), x)],
                        axes=axes,
                        keepDims=keep,
                        **tolerance
                    )
        ties = np.array([[1, 3, 3, 0], [5, 5, -2, -2], [7, 7, 7, 7]], dtype)
        for axis in [0, 1, -1]:
            cases.add("argmax", [ties], [np.argmax(ties, axis).astype(np.int32)], axis=axis)
            cases.add("argmin", [ties], [np.argmin(ties, axis).astype(np.int32)], axis=axis)
        row = (random.normal(size=(3, 5)) if floating else random.integers(-4, 5, (3, 5))).astype(dtype)
        for axis in [0, -1]:
            tolerance = summed(dtype) if floating else {}
            cases.add("cumulativeSum", [row], [np.cumsum(row, axis, dtype=dtype)], axis=axis, **tolerance)
            cases.add("cumulativeProduct", [row], [np.cumprod(row, axis, dtype=dtype)], axis=axis, **tolerance)
            cases.add("cumulativeMax", [row], [np.maximum.accumulate(row, axis)], axis=axis)
        if floating:
            holes = np.array([[1, np.nan, 3], [np.inf, 2, -np.inf], [0, -1, -np.inf]], dtype)
            for name, function in {"sum": np.sum, "max": np.max, "min": np.min, "product": np.prod}.items():
                cases.add(name, [holes], [function(holes, 1)], axes=[1], keepDims=False)
            cases.add("argmax", [holes], [np.argmax(holes, 1).astype(np.int32)], axis=1)
            cases.add("argmin", [holes], [np.argmin(holes, 1).astype(np.int32)], axis=1)
            cases.add("cumulativeMax", [holes], [np.maximum.accumulate(holes, 1)], axis=1)
        else:
            big = np.array([np.iinfo(dtype).max, 1, 5], dtype)
            cases.add("sum", [big], [np.sum(big, dtype=dtype, keepdims=False)], axes=[0], keepDims=False)
            cases.add("product", [big], [np.prod(big, dtype=dtype)], axes=[0], keepDims=False)
            cases.add("cumulativeSum", [big], [np.cumsum(big, dtype=dtype)], axis=0)
    flags = np.array([[True, False, True], [False, False, False], [True, True, True]])
    cases.add("any", [flags], [flags.any(1)], axes=[1], keepDims=False)
    cases.add("all", [flags], [flags.all(1)], axes=[1], keepDims=False)
    cases.add("all", [flags], [flags.all(0, keepdims=True)], axes=[0], keepDims=True)
    empty = np.zeros((2, 0), bool)
    cases.add("any", [empty], [empty.any(1)], axes=[1], keepDims=False)
    cases.add("all", [empty], [empty.all(1)], axes=[1], keepDims=False)


def add_movement(cases, random):
    for dtype in [np.float32, np.int64, np.uint8, np.bool_]:
        x = random.integers(0, 200, (2, 3, 4)).astype(dtype)
        for shape in [[6, 4], [-1], [4, 3, 2, 1]]:
            cases.add("reshape", [x], [x.reshape(shape)], shape=shape)
        for order in [[2, 1, 0], [0, 2, 1], [1, -1, 0]]:
            cases.add("transpose", [x], [x.transpose(order)], axes=order)
        cases.add("swapAxes", [x], [x.swapaxes(0, -1)], first=0, second=-1)
        cases.add("broadcast", [x[:, :1]], [np.broadcast_to(x[:, :1], (5, 2, 3, 4))], shape=[5, 2, 3, 4])
        for starts, stops, steps in [
            ([0, 1, 0], [2, 3, 4], [1, 1, 2]),
            ([1, 2, 3], [0, 0, 0], [-1, -1, -2]),
            ([0, 0, 1], [1, 3, 1], [1, 2, 1]),
            ([1, 0, 3], [2, 3, 1], [1, 2, -1]),
        ]:
            cut = x[tuple(slice(a, b, c) for a, b, c in zip(starts, stops, steps))]
            cases.add("slice", [x], [cut], starts=starts, stops=stops, steps=steps)
        cases.add("slice", [x], [x[::-1, :, ::-2]], starts=[None] * 3, stops=[None] * 3, steps=[-1, 1, -2])
        value = np.array(7).astype(dtype)
        cases.add(
            "pad",
            [x, value],
            [np.pad(x, [(1, 0), (0, 2), (2, 1)], constant_values=value)],
            low=[1, 0, 2],
            high=[0, 2, 1],
        )
        parts = [x, x[:, :1], x[:, :0], x[:, 1:]]
        cases.add("concatenate", parts, [np.concatenate(parts, 1)], axis=1)
        cases.add("concatenate", [x, x], [np.concatenate([x, x], -1)], axis=-1)
        cases.add("stack", [x, x[::-1]], [np.stack([x, x[::-1]], -1)], axis=-1)
        cases.add("stack", [x[0, 0], x[1, 2]], [np.stack([x[0, 0], x[1, 2]])], axis=0)
        for axes in [[0], [-1], [0, 2]]:
            cases.add("flip", [x], [np.flip(x, axes)], axes=axes)
        for shift, axis in [(1, 0), (-3, 2), (5, -1), (0, 1)]:
            cases.add("roll", [x], [np.roll(x, shift, axis)], shift=shift, axis=axis)
        cases.add("repeat", [x], [np.repeat(x, 3, 1)], count=3, axis=1)
        cases.add("tile", [x], [np.tile(x, (2, 1, 2))], counts=[2, 1, 2])
        for diagonal in [-1, 0, 2]:
            cases.add("lowerTriangle", [x], [np.tril(x, diagonal)], diagonal=diagonal)
            cases.add("upperTriangle", [x], [np.triu(x, diagonal)], diagonal=diagonal)
        empty = x[:, :0]
        cases.add("reshape", [empty], [empty.reshape(0, 8)], shape=[0, 8])
        cases.add("transpose", [empty], [empty.transpose(1, 0, 2)], axes=[1, 0, 2])
        cases.add(
            "pad",
            [empty, value],
            [np.pad(empty, [(0, 0), (1, 1), (0, 0)], constant_values=value)],
            low=[0, 1, 0],
            high=[0, 1, 0],
        )


def add_indexing(cases, random, summed):
    for dtype in [np.float32, np.float64, np.int32]:
        x = random.integers(-50, 50, (4, 3, 5)).astype(dtype)
        for axis in [0, 1, -1]:
            for indices in [[0, 2, 2, 1], [[1, 0], [2, 2]], []]:
                index = np.array(indices, np.int32)
                cases.add("take", [x, index], [np.take(x, index, axis)], axis=axis)
        for axis in [0, 2]:
            index = random.integers(0, x.shape[axis], (4, 3, 5) if axis == 2 else (2, 3, 5)).astype(np.int64)
            cases.add("takeAlongAxis", [x, index], [np.take_along_axis(x, index, axis)], axis=axis)
        index = np.array([1, 3, 1, 1, 0], np.int32)
        updates = random.integers(-9, 9, (5, 3, 5)).astype(dtype)
        out = x.copy()
        np.add.at(out, index, updates)
        cases.add("scatterAdd", [x, index, updates], [out], axis=0)
        columns = random.integers(-9, 9, (4, 3, 4)).astype(dtype)
        out = x.copy()
        np.add.at(out, (slice(None), slice(None), index[:4]), columns)
        cases.add("scatterAdd", [x, index[:4], columns], [out], axis=2)
        labels = np.array([[0, 3], [2, 1]], np.int32)
        cases.add(
            "oneHot",
            [labels],
            [(labels[..., None] == np.arange(4)).astype(dtype)],
            classes=4,
            dtype=np.dtype(dtype).name,
        )


def add_sorting(cases, random):
    for dtype in [np.float32, np.float64, np.int32, np.int64]:
        x = random.integers(-4, 5, (3, 7)).astype(dtype)
        for axis in [0, -1]:
            cases.add("sort", [x], [np.sort(x, axis, kind="stable")], axis=axis)
            order = np.argsort(x, axis, kind="stable").astype(np.int32)
            cases.add("argsort", [x], [order], axis=axis)
        # Largest first; of equal ones, the lower index first.
        order = np.argsort(-x, -1, kind="stable")[:, :3]
        cases.add("topK", [x], [np.take_along_axis(x, order, -1), order.astype(np.int32)], k=3)
        if np.dtype(dtype).kind == "f":
            holes = np.array([3, np.nan, -np.inf, 1, np.inf, np.nan, -0.5], dtype)
            cases.add("sort", [holes], [np.sort(holes)], axis=0)
            cases.add("argsort", [holes], [np.argsort(holes, kind="stable").astype(np.int32)], axis=0)


def convolve(x, w, stride, dilation, low, high, groups):
    """Direct sum over the taps, in double: x [n, c, …], w [o, c / groups, …]."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    rank = x.ndim - 2
    padded = np.pad(x, [(0, 0), (0, 0)] + list(zip(low, high)))
    reach = [(w.shape[2 + i] - 1) * dilation[i] + 1 for i in range(rank)]
    size = [(padded.shape[2 + i] - reach[i]) // stride[i] + 1 for i in range(rank)]
    out = np.zeros([x.shape[0], w.shape[0]] + size)
    ins, outs = w.shape[1], w.shape[0] // groups
    for taps in itertools.product(*[range(k) for k in w.shape[2:]]):
        window = padded[
            (slice(None), slice(None))
            + tuple(slice(t * d, t * d + (m - 1) * s + 1, s) for t, d, m, s in zip(taps, dilation, size, stride))
        ]
        for g in range(groups):
            out[:, g * outs : (g + 1) * outs] += np.einsum(
                "nc...,oc->no...",
                window[:, g * ins : (g + 1) * ins],
                w[(slice(g * outs, (g + 1) * outs), slice(None)) + taps],
            )
    return out


def convolve_transposed(y, w, stride, low, high):
    """The adjoint of `convolve` in its input (one group, dense taps): y [n, o, …], w [o, c, …]."""
    y, w = y.astype(np.float64), w.astype(np.float64)
    rank = y.ndim - 2
    full = [(y.shape[2 + i] - 1) * stride[i] + w.shape[2 + i] for i in range(rank)]
    out = np.zeros([y.shape[0], w.shape[1]] + full)
    for taps in itertools.product(*[range(k) for k in w.shape[2:]]):
        place = (slice(None), slice(None)) + tuple(
            slice(t, t + (m - 1) * s + 1, s) for t, m, s in zip(taps, y.shape[2:], stride)
        )
        out[place] += np.einsum("no...,oc->nc...", y, w[(slice(None), slice(None)) + taps])
    return out[(slice(None), slice(None)) + tuple(slice(a, n - b) for a, n, b in zip(low, full, high))]


def add_windows(cases, random, summed):
    for dtype in FLOATS:
        for x_shape, w_shape, stride, dilation, low, high, groups in [
            ((2, 3, 9), (4, 3, 3), [1], [1], [1], [1], 1),
            ((1, 4, 10), (4, 2, 3), [2], [2], [2], [0], 2),
            ((2, 2, 6, 5), (3, 2, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1], 1),
            ((1, 4, 7, 6), (4, 1, 3, 2), [2, 1], [1, 2], [0, 1], [1, 0], 4),
            ((1, 3, 5, 5), (2, 3, 1, 1), [2, 2], [1, 1], [0, 0], [0, 0], 1),
            ((1, 2, 4, 4, 5), (2, 2, 2, 3, 2), [1, 2, 1], [1, 1, 2], [1, 0, 0], [0, 1, 1], 1),
        ]:
            x, w = random.normal(size=x_shape).astype(dtype), random.normal(size=w_shape).astype(dtype)
            out = convolve(x, w, stride, dilation, low, high, groups).astype(dtype)
            cases.add(
                "convolution",
                [x, w],
                [out],
                stride=stride,
                dilation=dilation,
                low=low,
                high=high,
                groups=groups,
                **summed(dtype)
            )
        for y_shape, w_shape, stride, low, high in [
            ((2, 3, 4), (3, 2, 3), [2], [1], [0]),
            ((1, 2, 3, 4), (2, 3, 3, 2), [2, 1], [1, 0], [1, 0]),
            ((1, 2, 2, 3, 2), (2, 2, 2, 2, 3), [2, 1, 2], [0, 0, 1], [0, 1, 1]),
        ]:
            y, w = random.normal(size=y_shape).astype(dtype), random.normal(size=w_shape).astype(dtype)
            cases.add(
                "transposedConvolution",
                [y, w],
                [convolve_transposed(y, w, stride, low, high).astype(dtype)],
                stride=stride,
                low=low,
                high=high,
                **summed(dtype)
            )
        for shape, window, stride, low, high in [
            ((1, 2, 7), [3], [2], [0], [0]),
            ((2, 1, 6, 5), [2, 2], [2, 2], [0, 0], [0, 0]),
            ((1, 2, 5, 5), [3, 3], [1, 2], [1, 1], [1, 0]),
            ((1, 1, 4, 4, 4), [2, 2, 2], [2, 2, 2], [0, 0, 0], [0, 0, 0]),
        ]:
            x = random.normal(size=shape).astype(dtype)
            edges = [(0, 0), (0, 0)] + list(zip(low, high))
            axes = tuple(range(2, x.ndim))

            def windows(fill):
                padded = np.pad(x.astype(np.float64), edges, constant_values=fill)
                view = np.lib.stride_tricks.sliding_window_view(padded, window, axes)
                steps = (slice(None), slice(None)) + tuple(slice(None, None, s) for s in stride)
                return view[steps], tuple(range(x.ndim, view.ndim))

            view, inner = windows(-np.inf)
            cases.add(
                "maxPool", [x], [view.max(inner).astype(dtype)], window=window, stride=stride, low=low, high=high
            )
            view, inner = windows(0)
            # Padding counts as zeros in the sum; the mean divides by the whole window.
            cases.add(
                "sumPool",
                [x],
                [view.sum(inner).astype(dtype)],
                window=window,
                stride=stride,
                low=low,
                high=high,
                **summed(dtype)
            )
            cases.add(
                "meanPool",
                [x],
                [view.mean(inner).astype(dtype)],
                window=window,
                stride=stride,
                low=low,
                high=high,
                **summed(dtype)
            )


def resize(x, size, method, align):
    """Along the last two axes: half-pixel centres, or corners on corners if `align`; nearest takes floor(i · scale)."""
    out = x.astype(np.float64)
    for axis, new in zip([-2, -1], size):
        old = out.shape[axis]
        if method == "nearest":
            out = np.take(out, np.floor(np.arange(new) * old / new).astype(int), axis)
            continue
        if align:
            place = np.arange(new) * ((old - 1) / (new - 1) if new > 1 else 0)
        else:
            place = np.maximum((np.arange(new) + 0.5) * old / new - 0.5, 0)
        low = np.minimum(np.floor(place).astype(int), old - 1)
        high = np.minimum(low + 1, old - 1)
        weight = (place - low).reshape([-1] + [1] * (-axis - 1))
        out = np.take(out, low, axis) * (1 - weight) + np.take(out, high, axis) * weight
    return out


def add_composites(cases, random, summed, rounded):
    for dtype in FLOATS:
        x = random.normal(size=(3, 4)).astype(dtype)
        large = np.array([[1000, 1000.5, -1000], [-np.inf, 0, 1], [-1e30, 5, 1e30], [-np.inf, -np.inf, 3]], dtype)
        for values in [x, large]:
            for axis in [0, -1]:
                for name, function in {"softmax": sp.softmax, "logSoftmax": sp.log_softmax}.items():
                    cases.add(
                        name, [values], [rounded(lambda v: function(v, axis), values)], axis=axis, **summed(dtype)
                    )
                cases.add(
                    "logSumExp",
                    [values],
                    [rounded(lambda v: sp.logsumexp(v, axis), values)],
                    axes=[axis],
                    keepDims=False,
                    **summed(dtype)
                )
        for axes in [[0], [-1], [0, 1]]:
            axis = tuple(axes)
            for correction in [0, 1]:
                cases.add(
                    "variance",
                    [x],
                    [rounded(lambda v: np.var(v, axis, ddof=correction), x)],
                    axes=axes,
                    correction=correction,
                    **summed(dtype)
                )
                cases.add(
                    "standardDeviation",
                    [x],
                    [rounded(lambda v: np.std(v, axis, ddof=correction), x)],
                    axes=axes,
                    correction=correction,
                    **summed(dtype)
                )
            cases.add(
                "norm", [x], [rounded(lambda v: np.sqrt((v * v).sum(axis)), x)], order=2, axes=axes, **summed(dtype)
            )
            cases.add("norm", [x], [rounded(lambda v: np.abs(v).sum(axis), x)], order=1, axes=axes, **summed(dtype))
            cases.add("norm", [x], [np.abs(x).max(axis)], order="infinity", axes=axes)
        image = random.normal(size=(1, 2, 4, 5)).astype(dtype)
        for size in [[8, 10], [3, 7], [2, 2], [1, 1]]:
            cases.add(
                "resize",
                [image],
                [resize(image, size, "nearest", False).astype(dtype)],
                size=size,
                method="nearest",
                alignCorners=False,
            )
            for align in [False, True]:
                cases.add(
                    "resize",
                    [image],
                    [resize(image, size, "linear", align).astype(dtype)],
                    size=size,
                    method="linear",
                    alignCorners=align,
                    **summed(dtype)
                )
        cases.add("clip", [x], [np.clip(x, dtype(-0.5), dtype(0.75))], low=-0.5, high=0.75)


def add_creation(cases, summed):
    for dtype in FLOATS:
        name = np.dtype(dtype).name
        for start, stop, count in [(0, 1, 5), (-2, 3, 11), (1, 0, 3), (2, 2, 4), (0, 1, 1)]:
            cases.add(
                "linspace",
                [],
                [np.linspace(start, stop, count).astype(dtype)],
                start=start,
                stop=stop,
                count=count,
                dtype=name,
                **summed(dtype, 2)
            )
    for dtype in [np.float32, np.float64, np.int32, np.int64]:
        name = np.dtype(dtype).name
        for start, stop, step in [(0, 5, 1), (10, 0, -3), (2, 2, 1), (-4, 9, 4)]:
            cases.add(
                "arange",
                [],
                [np.arange(start, stop, step).astype(dtype)],
                start=start,
                stop=stop,
                step=step,
                dtype=name,
            )
        for rows, columns in [(3, 3), (2, 4), (0, 2)]:
            cases.add("identity", [], [np.eye(rows, columns, dtype=dtype)], rows=rows, columns=columns, dtype=name)
