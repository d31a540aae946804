"""Losses, optimizers, schedules and metrics by PyTorch, scikit-learn and NumPy.

    python make_learning_golden.py > ../SomaLearningTests/LearningGolden.swift

Wants torch (CPU) and scikit-learn. Lion and LAMB, which PyTorch lacks, are written out from their papers.
Inputs are made by `numbers`, which the Swift tests repeat.
"""

import math
import textwrap

import numpy as np
import sklearn
import sklearn.metrics as sk
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def numbers(count, seed, scale=1.0):
    return [scale * math.sin(0.7 * i * i + 1.3 * i + seed) for i in range(count)]


def tensor(shape, seed, scale=1.0, dtype=torch.float64):
    return torch.tensor(numbers(math.prod(shape), seed, scale), dtype=torch.float64).reshape(shape).to(dtype)


def swift(values):
    text = ", ".join(repr(float(v)) for v in values) + ","
    return "[\n" + textwrap.fill(text, 120, initial_indent=" " * 6, subsequent_indent=" " * 6) + "\n    ]"


def table(name, rows, doc):
    print(f"  /// {doc}")
    print(f"  static let {name}: [String: [Double]] = [")
    for key, values in rows.items():
        print(f'    "{key}": {swift(values)},')
    print("  ]\n")


# ---- losses: the value, then the gradient of each floating input


def loss(function, *inputs):
    inputs = [i.clone().requires_grad_(True) for i in inputs]
    value = function(*inputs)
    value.backward()
    return [value.item()] + [g for i in inputs for g in i.grad.flatten().tolist()]


logits = tensor((5, 4), 1, 2.0)
labels = torch.tensor([2, 0, 3, 1, 0])
soft = torch.softmax(tensor((5, 4), 2), -1)
weights = torch.tensor([0.5, 1.0, 2.0, 1.5])
x, y = tensor((5, 3), 3, 2.0), tensor((5, 3), 4)
unit = torch.sigmoid(tensor((5, 3), 5))
signs = torch.sign(tensor((5, 3), 6))
pair = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
a, p, n = tensor((5, 3), 7), tensor((5, 3), 8), tensor((5, 3), 9)


def ntxent(a, b, t):
    z = F.normalize(torch.cat([a, b]), dim=-1)
    s = z @ z.T / t
    s = s.masked_fill(torch.eye(len(z), dtype=torch.bool), -math.inf)
    k = len(a)
    return F.cross_entropy(s, torch.cat([torch.arange(k, 2 * k), torch.arange(k)]))


def contrastive(a, b, t, m):
    d = F.pairwise_distance(a, b)
    return (t * d**2 / 2 + (1 - t) * torch.clamp(m - d, min=0) ** 2 / 2).mean()


ctc_logits = tensor((3, 7, 5), 10, 2.0)
ctc_labels = torch.tensor([[1, 2, 2], [3, 1, 4], [4, 0, 0]])
ctc_times = torch.tensor([7, 5, 6])
ctc_lengths = torch.tensor([3, 2, 1])


def ctc(logits, reduction):
    return F.ctc_loss(
        torch.log_softmax(logits, -1).transpose(0, 1), ctc_labels, ctc_times, ctc_lengths, reduction=reduction)


LOSSES = {
    "crossEntropy": loss(lambda x: F.cross_entropy(x, labels), logits),
    "crossEntropy sum": loss(lambda x: F.cross_entropy(x, labels, reduction="sum"), logits),
    "crossEntropy smoothed": loss(lambda x: F.cross_entropy(x, labels, label_smoothing=0.1), logits),
    "crossEntropy weighted": loss(lambda x: F.cross_entropy(x, labels, weight=weights), logits),
    "crossEntropy all": loss(
        lambda x: F.cross_entropy(x, labels, weight=weights, label_smoothing=0.2, ignore_index=0), logits),
    "crossEntropy soft": loss(lambda x: F.cross_entropy(x, soft), logits),
    "crossEntropy soft all": loss(lambda x: F.cross_entropy(x, soft, weight=weights, label_smoothing=0.2), logits),
    "binary": loss(lambda x: F.binary_cross_entropy_with_logits(x, unit), x),
    "binary weighted": loss(
        lambda x: F.binary_cross_entropy_with_logits(x, unit, pos_weight=torch.tensor(2.5)), x),
    "mse": loss(lambda x: F.mse_loss(x, y), x),
    "mae": loss(lambda x: F.l1_loss(x, y), x),
    "huber": loss(lambda x: F.huber_loss(x, y, delta=0.8), x),
    "kl": loss(lambda x: F.kl_div(torch.log_softmax(x, -1), soft, reduction="batchmean"), logits),
    "hinge": loss(lambda x: torch.clamp(1 - signs * x, min=0).mean(), x),
    "multiclassHinge": loss(lambda x: F.multi_margin_loss(x, labels, margin=0.7), logits),
    "multiclassHinge squared": loss(lambda x: F.multi_margin_loss(x, labels, p=2), logits),
    "cosine": loss(lambda a, p: F.cosine_embedding_loss(a, p, pair, margin=0.1), a, p),
    "triplet": loss(lambda a, p, n: F.triplet_margin_loss(a, p, n), a, p, n),
    "triplet swap": loss(lambda a, p, n: F.triplet_margin_loss(a, p, n, swap=True), a, p, n),
    "contrastive": loss(lambda a, p: contrastive(a, p, (pair + 1) / 2, 1.5), a, p),
    "ntxent": loss(lambda a, p: ntxent(a, p, 0.5), a, p),
    "gaussian": loss(lambda x, v: F.gaussian_nll_loss(x, y, torch.exp(v)), x, y),
    "gaussian full": loss(lambda x, v: F.gaussian_nll_loss(x, y, torch.exp(v), full=True), x, y),
    "ctc": loss(lambda x: ctc(x, "mean"), ctc_logits),
    "ctc sum": loss(lambda x: ctc(x, "sum"), ctc_logits),
}

# ---- optimizers: 20 steps on a small problem; all parameters after steps 1, 7 and 20


class Lion:
    def __init__(self, params, lr, betas, weight_decay):
        self.params, self.lr, self.betas, self.wd = params, lr, betas, weight_decay
        self.m = [torch.zeros_like(p) for p in params]

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    @torch.no_grad()
    def step(self):
        b1, b2 = self.betas
        for i, p in enumerate(self.params):
            u = torch.sign(b1 * self.m[i] + (1 - b1) * p.grad)
            p -= self.lr * (u + self.wd * p)
            self.m[i] = b2 * self.m[i] + (1 - b2) * p.grad


class LAMB(Lion):
    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, lr, betas, weight_decay)
        self.v = [torch.zeros_like(p) for p in params]
        self.t = 0

    @torch.no_grad()
    def step(self):
        b1, b2 = self.betas
        self.t += 1
        for i, p in enumerate(self.params):
            self.m[i] = b1 * self.m[i] + (1 - b1) * p.grad
            self.v[i] = b2 * self.v[i] + (1 - b2) * p.grad**2
            r = self.m[i] / (1 - b1**self.t) / (torch.sqrt(self.v[i] / (1 - b2**self.t)) + 1e-6) + self.wd * p
            p -= self.lr * p.norm() / r.norm() * r


O = torch.optim
OPTIMIZERS = {
    "sgd": lambda p: O.SGD(p, lr=0.1),
    "sgd momentum": lambda p: O.SGD(p, lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.01),
    "sgd nesterov": lambda p: O.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda p: O.Adam(p, lr=0.02),
    "adam decay": lambda p: O.Adam(p, lr=0.02, betas=(0.8, 0.95), weight_decay=0.1),
    "adam largest": lambda p: O.Adam(p, lr=0.2, betas=(0.5, 0.6), amsgrad=True),
    "adamw": lambda p: O.AdamW(p, lr=0.02, weight_decay=0.1),
    "nadam": lambda p: O.NAdam(p, lr=0.02),
    "radam": lambda p: O.RAdam(p, lr=0.02, betas=(0.9, 0.9)),
    "rmsprop": lambda p: O.RMSprop(p, lr=0.01),
    "rmsprop centered": lambda p: O.RMSprop(p, lr=0.005, alpha=0.9, centered=True, momentum=0.5, weight_decay=0.05),
    "adagrad": lambda p: O.Adagrad(p, lr=0.1, lr_decay=0.05, initial_accumulator_value=0.1),
    "adadelta": lambda p: O.Adadelta(p, lr=1.0),
    "lion": lambda p: Lion(p, 0.01, (0.9, 0.99), 0.1),
    "lamb": lambda p: LAMB(p, 0.05, (0.9, 0.999), 0.01),
}


def trajectory(make, dtype):
    w = tensor((3, 2), 20, 0.8, dtype).requires_grad_(True)
    b = tensor((2,), 21, 0.5, dtype).requires_grad_(True)
    features, targets = tensor((6, 3), 22, 1.0, dtype), tensor((6, 2), 23, 1.0, dtype)
    optimizer = make([w, b])
    rows = []
    for step in range(1, 21):
        optimizer.zero_grad()
        (3 * ((torch.tanh(features @ w + b) - targets) ** 2).mean()).backward()
        optimizer.step()
        if step in (1, 7, 20):
            rows += w.flatten().tolist() + b.tolist()
    return rows


# ---- schedules: the rate of steps 0 ... 39


def schedule(make):
    optimizer = O.SGD([torch.zeros(1, requires_grad=True)], lr=0.5, momentum=0.9)
    scheduler = make(optimizer)
    rates = []
    for _ in range(40):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


S = O.lr_scheduler
SCHEDULES = {
    "step": schedule(lambda o: S.StepLR(o, 7, 0.3)),
    "multiStep": schedule(lambda o: S.MultiStepLR(o, [5, 12, 30], 0.5)),
    "exponential": schedule(lambda o: S.ExponentialLR(o, 0.93)),
    "cosine": schedule(lambda o: S.CosineAnnealingLR(o, 40, 0.01)),
    "cosineRestarts": schedule(lambda o: S.CosineAnnealingWarmRestarts(o, 5, 2, 0.02)),
    "oneCycle": schedule(lambda o: S.OneCycleLR(o, 0.5, total_steps=41, cycle_momentum=False)),
    "polynomial": schedule(lambda o: S.PolynomialLR(o, 30, 1.7)),
    "warmedUp": schedule(lambda o: S.SequentialLR(
        o, [S.LinearLR(o, 0.1, 1.0, 10), S.CosineAnnealingLR(o, 30)], [10])),
}


def plateau():
    optimizer = O.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = S.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, threshold=0.01, cooldown=3, min_lr=0.2)
    rates = []
    for i in range(30):
        scheduler.step(math.exp(-0.3 * i) + 0.5 + 0.1 * math.sin(5 * i))
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


SCHEDULES["plateau"] = plateau()

# ---- metrics

scores = np.round(np.array(numbers(60, 30)).reshape(20, 3), 1)  # rounded: ties
truth = np.array([(i * i + 3 * i) % 7 % 3 for i in range(20)])
probabilities = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
predicted = scores.argmax(-1)
positive = truth == 0
values, wanted = np.array(numbers(30, 31)).reshape(10, 3), np.array(numbers(30, 32)).reshape(10, 3)


def calibration(p, t, bins):
    confidence, right = p.max(-1), p.argmax(-1) == t
    error = 0
    for low, high in zip(np.linspace(0, 1, bins + 1)[:-1], np.linspace(0, 1, bins + 1)[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return error


METRICS = {
    "accuracy": [sk.accuracy_score(truth, predicted)],
    "balancedAccuracy": [sk.balanced_accuracy_score(truth, predicted)],
    "top2": [sk.top_k_accuracy_score(truth, np.array(numbers(60, 33)).reshape(20, 3), k=2)],
    "confusion": sk.confusion_matrix(truth, predicted).flatten(),
    **{
        f"{name} {average}": [f(truth, predicted, average=average)]
        for name, f in [("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)]
        for average in ["macro", "micro", "weighted"]
    },
    "auroc": [sk.roc_auc_score(positive, scores[:, 0])],
    "auroc ovr": [sk.roc_auc_score(truth, probabilities, multi_class="ovr")],
    "averagePrecision": [sk.average_precision_score(positive, scores[:, 0])],
    "logLoss": [sk.log_loss(truth, probabilities)],
    "calibration": [calibration(probabilities, truth, 10)],
    "r2": [sk.r2_score(wanted, values)],
    "mae": [sk.mean_absolute_error(wanted, values)],
    "rmse": [math.sqrt(sk.mean_squared_error(wanted, values))],
}

print(f"// Made by Tests/Golden/make_learning_golden.py with PyTorch {torch.__version__.split('+')[0]}, scikit-learn")
print(f"// {sklearn.__version__} and NumPy {np.__version__}; not to be edited.\n")
print("enum LearningGolden {")
table("losses", LOSSES, "The loss, then the gradients of its floating inputs.")
table("optimizers64", {k: trajectory(v, torch.float64) for k, v in OPTIMIZERS.items()},
      "All parameters after steps 1, 7 and 20, in `float64`.")
table("optimizers32", {k: trajectory(v, torch.float32) for k, v in OPTIMIZERS.items()}, "The same in `float32`.")
table("schedules", SCHEDULES, "The rates of steps 0 … 39; of the plateau, after each of 30 observations.")
table("metrics", METRICS, "Metrics by scikit-learn.")
print("}")
