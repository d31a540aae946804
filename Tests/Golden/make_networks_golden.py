"""Layers' outputs and gradients by PyTorch (CPU), for Tests/SomaNetworksTests.

Run: python Tests/Golden/make_networks_golden.py    (needs torch; written with 2.15)
Writes Tests/SomaNetworksTests/Resources/layers.json: for each case its tensors by name, as shape and Float64 numbers with 9 digits.
Weights are stored as Soma shapes them: dense matrices [in, out], the gates of recurrent cells side by side, the two biases of
PyTorch's recurrent cells added. `loss` is the sum of output * probe; `grad/name` are its gradients.
"""
import json, os, torch, torch.nn as nn, torch.nn.functional as F

torch.manual_seed(20)
torch.set_default_dtype(torch.float64)
cases = {}


def num(t):
    return {"shape": list(t.shape), "values": [float("%.9g" % v) for v in t.detach().reshape(-1).tolist()]}


def case(name, output, **tensors):
    """tensors that require a gradient get one stored too."""
    probe = torch.randn_like(output)
    leaves = {k: t for k, t in tensors.items() if t.requires_grad}
    grads = torch.autograd.grad((output * probe).sum(), list(leaves.values()))
    entry = {k: num(t) for k, t in tensors.items()}
    entry["output"] = num(output)
    entry["probe"] = num(probe)
    for k, g in zip(leaves, grads):
        entry["grad/" + k] = num(g)
    cases[name] = entry


def leaf(*shape, scale=1.0):
    return (torch.randn(*shape) * scale).requires_grad_()


# Convolutions
x = leaf(2, 3, 9); w = leaf(4, 3, 3); b = leaf(4)
case("convolution1", F.conv1d(x, w, b, stride=2, padding=1), x=x, weight=w, bias=b)
x = leaf(2, 4, 7, 6); w = leaf(6, 2, 3, 3); b = leaf(6)
case("convolution2", F.conv2d(x, w, b, stride=(2, 1), padding=1, dilation=(1, 2), groups=2), x=x, weight=w, bias=b)
x = leaf(1, 2, 4, 5, 4); w = leaf(3, 2, 2, 3, 2); b = leaf(3)
case("convolution3", F.conv3d(x, w, b, padding=1), x=x, weight=w, bias=b)
x = leaf(2, 3, 6, 6); w = leaf(6, 1, 3, 3); b = leaf(6)
case("depthwise", F.conv2d(x, w, b, padding=1, groups=3), x=x, weight=w, bias=b)
x = leaf(2, 3, 5, 5); d = leaf(3, 1, 3, 3); w = leaf(4, 3, 1, 1); b = leaf(4)
y = F.conv2d(F.conv2d(x, d, None, padding=1, groups=3), w, b)
entry = dict(x=x, **{"depthwise/weight": d, "pointwise/weight": w, "pointwise/bias": b})
case("separable", y, **entry)
x = leaf(2, 4, 4, 3); w = leaf(4, 2, 3, 3); b = leaf(4)
case("transposed", F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1, groups=2), x=x, weight=w, bias=b)

# Pooling
x = leaf(2, 2, 7, 6)
case("maxPool", F.max_pool2d(x, 3, 2, 1), x=x)
case("averagePool", F.avg_pool2d(x, (2, 3), 2), x=x)
case("adaptiveAverage", F.adaptive_avg_pool2d(x, (3, 4)), x=x)
case("adaptiveMax", F.adaptive_max_pool2d(x, (3, 4)), x=x)
case("globalAverage", x.mean((2, 3)), x=x)
case("globalMax", x.amax((2, 3)), x=x)

# Normalization
x = leaf(4, 3, 5, 4); g = leaf(3); b = leaf(3)
m, v = torch.zeros(3), torch.ones(3)
y = F.batch_norm(x, m, v, g, b, training=True, momentum=0.1)
case("batchNorm", y, x=x, scale=g, shift=b)
cases["batchNorm"]["mean"], cases["batchNorm"]["variance"] = num(m), num(v)
case("batchNormInference", F.batch_norm(x, m, v, g, b, training=False), x=x, scale=g, shift=b)
x = leaf(2, 6, 4, 3); g = leaf(6); b = leaf(6)
case("groupNorm", F.group_norm(x, 3, g, b), x=x, scale=g, shift=b)
case("instanceNorm", F.instance_norm(x), x=x)
x = leaf(3, 4, 10); g = leaf(10); b = leaf(10)
case("layerNorm", F.layer_norm(x, (10,), g, b), x=x, scale=g, shift=b)
case("rmsNorm", F.rms_norm(x, (10,), g, 1e-6), x=x, scale=g)


# Recurrent cells
def recurrent(name, module, gates):
    n, t, d, h = 2, 5, 3, 4
    x = leaf(n, t, d)
    module = module(d, h)
    y, _ = module(x)
    p = dict(module.named_parameters())
    probe = torch.randn_like(y)
    grads = dict(zip(["x"] + list(p), torch.autograd.grad((y * probe).sum(), [x] + list(p.values()))))
    entry = {"x": num(x), "grad/x": num(grads["x"]), "output": num(y), "probe": num(probe)}
    for layer in range(module.num_layers):
        for direction, suffix in (("forward", ""), ("backward", "_reverse")):
            key = "l%d%s" % (layer, suffix)
            if "weight_ih_" + key not in p:
                continue
            at = "%d/%s/" % (layer, direction)
            for ours, theirs in (("weight", "weight_ih_"), ("recurrent", "weight_hh_")):
                entry[at + ours] = num(p[theirs + key].T)
                entry["grad/" + at + ours] = num(grads[theirs + key].T)
            bi, bh = p["bias_ih_" + key], p["bias_hh_" + key]
            if gates == 3:  # the GRU's last gate keeps its second bias
                total = bi + torch.cat([bh[: 2 * h], torch.zeros(h)])
                entry[at + "hiddenBias"] = num(bh[2 * h:])
                entry["grad/" + at + "hiddenBias"] = num(grads["bias_hh_" + key][2 * h:])
            else:
                total = bi + bh
            entry[at + "bias"] = num(total)
            entry["grad/" + at + "bias"] = num(grads["bias_ih_" + key])
    cases[name] = entry


recurrent("rnn", lambda d, h: nn.RNN(d, h, batch_first=True), 1)
recurrent("lstm", lambda d, h: nn.LSTM(d, h, batch_first=True), 4)
recurrent("lstmDeep", lambda d, h: nn.LSTM(d, h, 2, batch_first=True, bidirectional=True), 4)
recurrent("gru", lambda d, h: nn.GRU(d, h, batch_first=True), 3)


# Attention
def attention(name, causal, context=None):
    n, t, d, heads = 2, 5, 8, 2
    x = leaf(n, t, d)
    module = nn.MultiheadAttention(d, heads, batch_first=True)
    with torch.no_grad():
        module.in_proj_bias.normal_()
        module.out_proj.bias.normal_()
    source = x if context is None else context
    mask = torch.triu(torch.ones(t, t, dtype=torch.bool), 1) if causal else None
    y, _ = module(x, source, source, attn_mask=mask, need_weights=False)
    p = dict(module.named_parameters())
    probe = torch.randn_like(y)
    wanted = {"x": x, **p}
    if context is not None:
        wanted["context"] = context
    grads = dict(zip(wanted, torch.autograd.grad((y * probe).sum(), list(wanted.values()))))
    entry = {"output": num(y), "probe": num(probe)}

    def put(key, of):
        entry[key] = num(of({**p, "x": x, **({} if context is None else {"context": context})}))
        entry["grad/" + key] = num(of(grads))

    put("x", lambda s: s["x"])
    if context is None:
        put("qkv/weight", lambda s: s["in_proj_weight"].T)
        put("qkv/bias", lambda s: s["in_proj_bias"])
    else:
        put("context", lambda s: s["context"])
        put("q/weight", lambda s: s["in_proj_weight"][:d].T)
        put("q/bias", lambda s: s["in_proj_bias"][:d])
        put("kv/weight", lambda s: s["in_proj_weight"][d:].T)
        put("kv/bias", lambda s: s["in_proj_bias"][d:])
    put("out/weight", lambda s: s["out_proj.weight"].T)
    put("out/bias", lambda s: s["out_proj.bias"])
    cases[name] = entry


attention("attention", False)
attention("causalAttention", True)
attention("crossAttention", False, leaf(2, 7, 8))

# Grouped queries and gated feed-forward, written out.
n, t, d, heads, shared = 2, 4, 8, 4, 2
x = leaf(n, t, d); qkv = leaf(d, d + 2 * d // 2, scale=0.4); out = leaf(d, d, scale=0.4)
q, k, v = (x @ qkv).split([d, d // 2, d // 2], -1)
split = lambda z, h: z.view(n, t, h, 2).transpose(1, 2)
y = F.scaled_dot_product_attention(split(q, heads), split(k, shared), split(v, shared), is_causal=True, enable_gqa=True)
case("groupedAttention", y.transpose(1, 2).reshape(n, t, d) @ out, x=x, **{"qkv/weight": qkv, "out/weight": out})
x = leaf(3, 6); w = leaf(6, 10, scale=0.4); o = leaf(5, 6, scale=0.4)
for name, gate in (("glu", torch.sigmoid), ("reglu", F.relu), ("geglu", F.gelu), ("swiglu", F.silu)):
    a, b = (x @ w).chunk(2, -1)
    case(name, (gate(a) * b) @ o, x=x, **{"in/weight": w, "out/weight": o})

# The benchmark's residual block: with shortcut and without normalization on it.
x = leaf(2, 3, 8, 8)
c1, c2, sc = leaf(4, 3, 3, 3, scale=0.3), leaf(4, 4, 3, 3, scale=0.3), leaf(4, 3, 1, 1, scale=0.5)
bn = lambda z: F.batch_norm(z, None, None, None, None, training=True)
h = bn(F.conv2d(F.relu(bn(F.conv2d(x, c1, stride=2, padding=1))), c2, padding=1))
case("residualBlock", F.relu(h + F.conv2d(x, sc, stride=2)), x=x, **{"1": c1, "2": c2, "shortcut": sc})

path = os.path.join(os.path.dirname(__file__), "../SomaNetworksTests/Resources/layers.json")
os.makedirs(os.path.dirname(path), exist_ok=True)
with open(path, "w") as file:
    file.write("{\n" + ",\n".join('"%s": %s' % (k, json.dumps(v, separators=(",", ":"))) for k, v in cases.items()) + "\n}\n")
print(os.path.getsize(path), "bytes,", len(cases), "cases")
