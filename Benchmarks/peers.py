"""The workloads of `soma bench` in PyTorch and JAX: the same shapes, first parameters, inputs, loss and optimizer.

    python Benchmarks/peers.py mlp --write mlp.npz
    python Benchmarks/peers.py mlp torch --initial mlp.npz --losses 5

The second form prints a line of JSON, and another for each line on standard input, as `soma bench --serve` does.
Peers: torch, torch-nhwc (channels last), torch-compile, torch-float64 (for losses), jax. An archive holds `input/0`, `input/1` … and
`parameter/<path>` by the names that Soma gives; matrices are [inputs, units], kernels [out, in, taps...].
"""
import argparse
import json
import math
import resource
import sys
import time

import numpy as np

THREADS = 2
RATE = 1e-3


def dense_sizes(*sizes, step=1):
    """The paths and sizes of a chain of dense layers; `step` 2 leaves a number to each activation."""
    return [(str(i * step), a, b) for i, (a, b) in enumerate(zip(sizes, sizes[1:]))]


CHAINS = {
    "tiny-mlp": dense_sizes(2, 32, 32, 1, step=2),
    "mlp": dense_sizes(784, 256, 256, 10, step=2),
    "kan-mlp": dense_sizes(784, 576, 10, step=2),
    "pinn": dense_sizes(2, 64, 64, 64, 64, 1, step=2),
    "siren": dense_sizes(2, 128, 128, 128, 128, 3),
}
SPLINES, ORDER = 5, 3
KAN = dense_sizes(784, 64, 10)
BATCH, TIME, WIDTH, HEADS, LAYERS, SYMBOLS = 16, 128, 128, 4, 4, 256
VISCOSITY = 0.01 / math.pi
# Stage, channels in, channels out, stride.
STAGES = [("stage0/0", 16, 16, 1), ("stage1/0", 16, 32, 2), ("stage2/0", 32, 64, 2)]
WORKLOADS = ["gemm", "tiny-mlp", "mlp", "kan", "kan-mlp", "pinn", "siren", "resnet8", "gpt-char"]


# ---- First parameters and inputs


def first_tensors(name, seed=0):
    rng = np.random.default_rng(seed)
    tensors = {}

    def parameter(path, value):
        tensors["parameter/" + path] = np.asarray(value, np.float32)

    def dense(path, inputs, units, bias=True):
        bound = 1 / math.sqrt(inputs)
        parameter(path + "/weight", rng.uniform(-bound, bound, (inputs, units)))
        if bias:
            parameter(path + "/bias", np.zeros(units))

    def convolution(path, inputs, outputs, taps):
        bound = 1 / math.sqrt(inputs * taps * taps)
        parameter(path + "/weight", rng.uniform(-bound, bound, (outputs, inputs, taps, taps)))

    def norm(path, width):
        parameter(path + "/scale", np.ones(width))
        parameter(path + "/shift", np.zeros(width))

    def data(*arrays):
        for i, array in enumerate(arrays):
            kind = np.float32 if array.dtype.kind == "f" else np.int32
            tensors[f"input/{i}"] = np.asarray(array, kind)

    for path, inputs, units in CHAINS.get(name, []):
        dense(path, inputs, units)
    if name == "gemm":
        data(rng.normal(size=(2048, 2048)), rng.normal(size=(2048, 2048)))
    elif name == "tiny-mlp":
        data(rng.normal(size=(64, 2)), rng.normal(size=(64, 1)))
    elif name in ("mlp", "kan-mlp"):
        data(rng.normal(size=(128, 784)), rng.integers(0, 10, 128))
    elif name == "pinn":
        data(rng.uniform(size=(2048, 2)))
    elif name == "siren":
        data(rng.uniform(-1, 1, (65536, 2)), rng.uniform(size=(65536, 3)))
    elif name == "kan":
        for path, inputs, units in KAN:
            parameter(path + "/base", rng.normal(size=(inputs, units)) * 0.02)
            parameter(path + "/spline", rng.normal(size=(inputs * (SPLINES + ORDER), units)) * 0.02)
        data(rng.uniform(-1, 1, (128, 784)), rng.integers(0, 10, 128))
    elif name == "resnet8":
        convolution("stem/convolution", 3, 16, 3)
        norm("stem/norm", 16)
        for path, inputs, outputs, stride in STAGES:
            convolution(path + "/1/convolution", inputs, outputs, 3)
            norm(path + "/1/norm", outputs)
            convolution(path + "/2/convolution", outputs, outputs, 3)
            norm(path + "/2/norm", outputs)
            if stride != 1:
                convolution(path + "/shortcut", inputs, outputs, 1)
        dense("head", 64, 10)
        data(rng.normal(size=(64, 3, 32, 32)), rng.integers(0, 10, 64))
    elif name == "gpt-char":
        parameter("embedding/weight", rng.normal(size=(SYMBOLS, WIDTH)) * 0.02)
        parameter("positions/weight", rng.normal(size=(TIME, WIDTH)) * 0.02)
        for i in range(LAYERS):
            block = f"block/{i}/"
            norm(block + "norm1", WIDTH)
            dense(block + "attention/qkv", WIDTH, 3 * WIDTH)
            dense(block + "attention/out", WIDTH, WIDTH)
            norm(block + "norm2", WIDTH)
            dense(block + "feedForward/in", WIDTH, 4 * WIDTH)
            dense(block + "feedForward/out", 4 * WIDTH, WIDTH)
        norm("norm", WIDTH)
        dense("head", WIDTH, SYMBOLS, bias=False)
        data(rng.integers(0, SYMBOLS, (BATCH, TIME)), rng.integers(0, SYMBOLS, (BATCH, TIME)))
    return tensors


# ---- PyTorch


def torch_step(name, tensors, kind):
    """A function that does a step and returns a function of nothing that gives the loss."""
    import torch
    import torch.nn as nn
    import torch.nn.functional as F

    torch.set_num_threads(THREADS)
    channels_last, compiled = kind == "torch-nhwc", kind == "torch-compile"
    data = []
    while f"input/{len(data)}" in tensors:
        array = torch.from_numpy(tensors[f"input/{len(data)}"])
        data.append(array.long() if array.dtype == torch.int32 else array)

    if name == "gemm":
        product = torch.compile(torch.matmul) if compiled else torch.matmul

        def multiply():
            result = product(data[0], data[1])
            return lambda: float((result**2).mean())

        return multiply

    class Sine(nn.Module):
        def __init__(self):
            super().__init__()
            for path, inputs, units in CHAINS["siren"]:
                self.add_module(path, nn.Linear(inputs, units))

        def forward(self, h):
            layers = list(self.children())
            for layer in layers[:-1]:
                h = torch.sin(30 * layer(h))
            return layers[-1](h)

    class Spline(nn.Module):
        def __init__(self, inputs, units):
            super().__init__()
            self.base = nn.Parameter(torch.empty(units, inputs))
            self.spline = nn.Parameter(torch.empty(units, inputs * (SPLINES + ORDER)))
            knots = torch.arange(-ORDER, SPLINES + ORDER + 1) * (2 / SPLINES) - 1
            self.register_buffer("knots", knots.expand(inputs, -1).contiguous())

        def forward(self, x):
            g, z = self.knots, x.unsqueeze(-1)
            b = ((z >= g[:, :-1]) & (z < g[:, 1:])).to(x.dtype)
            for k in range(1, ORDER + 1):
                left = (z - g[:, : -(k + 1)]) / (g[:, k:-1] - g[:, : -(k + 1)])
                right = (g[:, k + 1 :] - z) / (g[:, k + 1 :] - g[:, 1:-k])
                b = left * b[..., :-1] + right * b[..., 1:]
            return F.linear(F.silu(x), self.base) + F.linear(b.flatten(1), self.spline)

    class Unit(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.norm = nn.BatchNorm2d(outputs)

        def forward(self, x):
            return self.norm(self.convolution(x))

    class ResidualBlock(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.add_module("1", Unit(inputs, outputs, stride))
            self.add_module("2", Unit(outputs, outputs, 1))
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if stride != 1 else None

        def forward(self, x):
            h = getattr(self, "2")(F.relu(getattr(self, "1")(x)))
            return F.relu(h + (x if self.shortcut is None else self.shortcut(x)))

    class ResNet8(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = Unit(3, 16, 1)
            for path, inputs, outputs, stride in STAGES:
                self.add_module(path.split("/")[0], nn.ModuleList([ResidualBlock(inputs, outputs, stride)]))
            self.head = nn.Linear(64, 10)

        def forward(self, x):
            h = F.relu(self.stem(x))
            for path, *_ in STAGES:
                h = getattr(self, path.split("/")[0])[0](h)
            return self.head(F.adaptive_avg_pool2d(h, 1).flatten(1))

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

        def forward(self, x):
            parts = self.qkv(x).split(WIDTH, -1)
            q, k, v = (t.view(BATCH, TIME, HEADS, WIDTH // HEADS).transpose(1, 2) for t in parts)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).reshape(BATCH, TIME, WIDTH))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.attention = Attention()
            self.feedForward = nn.ModuleDict({"in": nn.Linear(WIDTH, 4 * WIDTH), "out": nn.Linear(4 * WIDTH, WIDTH)})

        def forward(self, h):
            h = h + self.attention(self.norm1(h))
            return h + self.feedForward["out"](F.gelu(self.feedForward["in"](self.norm2(h))))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.positions = nn.Embedding(SYMBOLS, WIDTH), nn.Embedding(TIME, WIDTH)
            self.block = nn.ModuleList(Block() for _ in range(LAYERS))
            self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, SYMBOLS, bias=False)

        def forward(self, x):
            h = self.embedding(x) + self.positions.weight
            for block in self.block:
                h = block(h)
            return self.head(self.norm(h))

    def chain(activation):
        layers = []
        for _, inputs, units in CHAINS[name]:
            layers += [nn.Linear(inputs, units), activation()]
        return nn.Sequential(*layers[:-1])

    make = {
        "tiny-mlp": lambda: chain(nn.Tanh), "mlp": lambda: chain(nn.Mish), "kan-mlp": lambda: chain(nn.SiLU),
        "pinn": lambda: chain(nn.Tanh),
        "siren": Sine, "kan": lambda: nn.Sequential(*(Spline(i, o) for _, i, o in KAN)), "resnet8": ResNet8,
        "gpt-char": GPT,
    }
    model = make[name]()
    count = 0
    with torch.no_grad():
        for path, target in model.named_parameters():
            path = path.replace(".", "/")
            head, leaf = path.rsplit("/", 1)
            if head.rsplit("/", 1)[-1].startswith("norm"):
                path = head + "/" + {"weight": "scale", "bias": "shift"}[leaf]
            value = torch.from_numpy(tensors["parameter/" + path])
            transposed = value.dim() == 2 and head not in ("embedding", "positions")
            target.copy_(value.T if transposed else value)
            count += 1
    if count != sum(key.startswith("parameter/") for key in tensors):
        raise ValueError(f"{name}: the archive has other parameters than the model")
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        data[0] = data[0].to(memory_format=torch.channels_last)
    if kind == "torch-float64":
        model = model.double()
        data = [array.double() if array.is_floating_point() else array for array in data]
    if name == "resnet8":
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    elif name == "gpt-char":
        optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    else:
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    network = torch.compile(model) if compiled else model

    def loss():
        if name == "pinn":
            z = data[0].clone().requires_grad_(True)
            u = network(z)
            g = torch.autograd.grad(u.sum(), z, create_graph=True)[0]
            uxx = torch.autograd.grad(g[:, 0].sum(), z, create_graph=True)[0][:, 0]
            return ((g[:, 1] + u[:, 0] * g[:, 0] - VISCOSITY * uxx) ** 2).mean()
        y = network(data[0])
        if name in ("tiny-mlp", "siren"):
            return F.mse_loss(y, data[1])
        return F.cross_entropy(y.view(-1, y.shape[-1]), data[1].view(-1))

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        optimizer.step()
        return value.item

    return step


# ---- JAX


def jax_step(name, tensors):
    import jax
    import jax.numpy as jnp
    from jax import lax

    data = []
    while f"input/{len(data)}" in tensors:
        data.append(jnp.asarray(tensors[f"input/{len(data)}"]))
    if name == "gemm":
        product = jax.jit(jnp.matmul)

        def multiply():
            result = product(data[0], data[1]).block_until_ready()
            return lambda: float((np.asarray(result) ** 2).mean())

        return multiply

    start = {key[len("parameter/") :]: jnp.asarray(t) for key, t in tensors.items() if key.startswith("parameter/")}

    def dense(p, path, h):
        return h @ p[path + "/weight"] + p[path + "/bias"]

    def chain(p, h, activation):
        for path, *_ in CHAINS[name][:-1]:
            h = activation(dense(p, path, h))
        return dense(p, CHAINS[name][-1][0], h)

    def cross_entropy(z, labels):
        return -jnp.take_along_axis(jax.nn.log_softmax(z), labels[..., None], -1).mean()

    def splines(x):
        knots = jnp.arange(-ORDER, SPLINES + ORDER + 1) * (2 / SPLINES) - 1
        z = x[..., None]
        b = ((z >= knots[:-1]) & (z < knots[1:])).astype(x.dtype)
        for k in range(1, ORDER + 1):
            left = (z - knots[: -(k + 1)]) / (knots[k:-1] - knots[: -(k + 1)])
            right = (knots[k + 1 :] - z) / (knots[k + 1 :] - knots[1:-k])
            b = left * b[..., :-1] + right * b[..., 1:]
        return b.reshape(x.shape[0], -1)

    def convolution(p, path, x, stride):
        kernel = p[path + "/weight"]
        pad = kernel.shape[-1] // 2
        return lax.conv_general_dilated(x, kernel, (stride, stride), [(pad, pad)] * 2)

    def unit(p, path, x, stride):
        h = convolution(p, path + "/convolution", x, stride)
        mean = h.mean((0, 2, 3), keepdims=True)
        variance = ((h - mean) ** 2).mean((0, 2, 3), keepdims=True)
        shape = (1, -1, 1, 1)
        scale = p[path + "/norm/scale"].reshape(shape) / jnp.sqrt(variance + 1e-5)
        return (h - mean) * scale + p[path + "/norm/shift"].reshape(shape)

    def layer_norm(p, path, x):
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        return (x - mean) / jnp.sqrt(variance + 1e-5) * p[path + "/scale"] + p[path + "/shift"]

    def resnet(p, x):
        h = jax.nn.relu(unit(p, "stem", x, 1))
        for path, _, _, stride in STAGES:
            inner = unit(p, path + "/2", jax.nn.relu(unit(p, path + "/1", h, stride)), 1)
            h = jax.nn.relu(inner + (h if stride == 1 else convolution(p, path + "/shortcut", h, stride)))
        return dense(p, "head", h.mean((2, 3)))

    def gpt(p, x):
        h = p["embedding/weight"][x] + p["positions/weight"]
        mask = jnp.tril(jnp.ones((TIME, TIME), bool))
        for i in range(LAYERS):
            block = f"block/{i}/"
            parts = jnp.split(dense(p, block + "attention/qkv", layer_norm(p, block + "norm1", h)), 3, -1)
            q, k, v = (t.reshape(BATCH, TIME, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3) for t in parts)
            scores = jnp.where(mask, q @ k.transpose(0, 1, 3, 2) / math.sqrt(WIDTH // HEADS), -1e9)
            y = (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(BATCH, TIME, WIDTH)
            h = h + dense(p, block + "attention/out", y)
            inner = jax.nn.gelu(dense(p, block + "feedForward/in", layer_norm(p, block + "norm2", h)), approximate=False)
            h = h + dense(p, block + "feedForward/out", inner)
        return layer_norm(p, "norm", h) @ p["head/weight"]

    def residual(p, point):
        u = lambda z: chain(p, z, jnp.tanh)[0]
        gradient = jax.grad(u)
        g, second = jax.jvp(gradient, (point,), (jnp.array([1.0, 0.0]),))
        return g[1] + u(point) * g[0] - VISCOSITY * second[0]

    def loss(p, inputs):
        if name == "tiny-mlp":
            return ((chain(p, inputs[0], jnp.tanh) - inputs[1]) ** 2).mean()
        if name == "siren":
            return ((chain(p, inputs[0], lambda h: jnp.sin(30 * h)) - inputs[1]) ** 2).mean()
        if name == "pinn":
            return (jax.vmap(lambda z: residual(p, z))(inputs[0]) ** 2).mean()
        if name == "kan-mlp":
            return cross_entropy(chain(p, inputs[0], jax.nn.silu), inputs[1])
        if name == "mlp":
            return cross_entropy(chain(p, inputs[0], jax.nn.mish), inputs[1])
        if name == "kan":
            h = inputs[0]
            for path, *_ in KAN:
                h = jax.nn.silu(h) @ p[path + "/base"] + splines(h) @ p[path + "/spline"]
            return cross_entropy(h, inputs[1])
        return cross_entropy((resnet if name == "resnet8" else gpt)(p, inputs[0]), inputs[1])

    def update(p, m, v, t, inputs):
        value, g = jax.value_and_grad(loss)(p, inputs)
        if name == "resnet8":
            m = jax.tree.map(lambda a, b: 0.9 * a + b, m, g)
            return jax.tree.map(lambda a, b: a - 0.1 * b, p, m), m, v, value
        decay = 1 - RATE * 0.01 if name == "gpt-char" else 1
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
        rate, root = RATE / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        p = jax.tree.map(lambda a, b, c: decay * a - rate * b / (jnp.sqrt(c) / root + 1e-8), p, m, v)
        return p, m, v, value

    compiled = jax.jit(update, donate_argnums=(0, 1, 2))
    zeros = jax.tree.map(jnp.zeros_like, start)
    state = [start, zeros, jax.tree.map(jnp.zeros_like, start) if name != "resnet8" else {}, 0.0]

    def step():
        state[3] += 1
        state[0], state[1], state[2], value = compiled(*state, data)
        value.block_until_ready()
        return lambda: float(value)

    return step


# ---- Measurement, as `soma bench` does it


def serve(step, first, losses, seconds, started):
    first_seconds = (time.clock_gettime_ns(time.CLOCK_MONOTONIC) - started) * 1e-9
    values = [first()] if losses else []
    values += [step()() for _ in range(losses - 1)]

    def measure(steps):
        begin = time.perf_counter()
        for _ in range(steps):
            step()
        return (time.perf_counter() - begin) * 1e3 / steps

    measure(1)
    steps = 1
    while (milliseconds := measure(steps)) * steps <= 100 * seconds and steps < 1 << 20:
        steps *= 2
    steps = max(1, int(seconds * 1000 / milliseconds))
    while True:
        result = {
            "millisecondsPerStep": measure(steps), "secondsToFirstStep": first_seconds, "losses": values,
            "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        }
        print(json.dumps(result), flush=True)
        if not sys.stdin.readline():
            return


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("peer", nargs="?", choices=["torch", "torch-nhwc", "torch-compile", "torch-float64", "jax"])
    parser.add_argument("--write", metavar="FILE", help="write inputs and first parameters, and end")
    parser.add_argument("--initial", metavar="FILE", help="begin with these instead of the same made anew")
    parser.add_argument("--losses", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--started", type=int, default=time.clock_gettime_ns(time.CLOCK_MONOTONIC))
    choice = parser.parse_args()
    if choice.write:
        np.savez(choice.write, **first_tensors(choice.workload))
        return
    if not choice.peer:
        parser.error("say which peer, or --write FILE")
    tensors = dict(np.load(choice.initial)) if choice.initial else first_tensors(choice.workload)
    if choice.peer == "jax":
        step = jax_step(choice.workload, tensors)
    else:
        step = torch_step(choice.workload, tensors, choice.peer)
    serve(step, step(), choice.losses, choice.seconds, choice.started)


if __name__ == "__main__":
    main()
