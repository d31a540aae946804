#!/usr/bin/env python3
"""Checks with TensorBoard's own reader what `--tensorboard` writes. Prints "N passed, 0 failed".

    make build
    python3 scripts/check-tensorboard.py

Trains and compares shortly, reads the event files (checksums included) and compares the numbers with those that the commands
print as JSON. The package is installed into .venv-tensorboard.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-tensorboard"
VERSION = "2.21.0"

if sys.prefix != str(VENV):
    if not (VENV / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    check = subprocess.run([VENV / "bin/python", "-c", "import tensorboard"], capture_output=True)
    if check.returncode:
        subprocess.run([VENV / "bin/pip", "install", "-q", f"tensorboard=={VERSION}"], check=True)
    sys.exit(subprocess.run([VENV / "bin/python", __file__, *sys.argv[1:]]).returncode)

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402

SOMA = ROOT / ".build/release/soma"
passed, failed = 0, 0


def expect(truth, what):
    global passed, failed
    if truth:
        passed += 1
    else:
        failed += 1
        print("FAILED:", what)


def soma(*arguments):
    result = subprocess.run([SOMA, *arguments], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"soma {' '.join(map(str, arguments))}: {result.stderr}")
    return json.loads(result.stdout)


def read(folder):
    """The runs below a folder by name, each read by TensorBoard."""
    runs = {}
    for file in sorted(pathlib.Path(folder).rglob("*tfevents*")):
        run = EventAccumulator(str(file.parent), size_guidance={"scalars": 0, "histograms": 0})
        run.Reload()
        runs[str(file.parent.relative_to(folder))] = run
    return runs


def close(a, b):
    return abs(a - b) <= 1e-6 * max(1, abs(b))


with tempfile.TemporaryDirectory() as folder:
    train = f"{folder}/train"
    report = soma("train", "digits", "--epochs", "3", "--json", "--quiet", "--tensorboard", train)
    runs = read(train)
    expect(len(runs) == 1, f"one run, not {list(runs)}")
    run = next(iter(runs.values()))
    tags = run.Tags()
    expect({"loss/batch", "loss/training", "loss/validation", "accuracy/validation"} <= set(tags["scalars"]),
           tags["scalars"])
    for tag, key in [("loss/training", "trainingLoss"), ("loss/validation", "validationLoss")]:
        points = run.Scalars(tag)
        expect([p.step for p in points] == [e["steps"] for e in report["history"]], f"steps of {tag}")
        expect(all(close(p.value, e[key]) for p, e in zip(points, report["history"])), f"values of {tag}")
    expect(close(run.Scalars("accuracy/test, final")[0].value, report["scores"]["test"]["accuracy"]), "test accuracy")
    weights = [run.Histograms(tag)[0].histogram_value for tag in tags["histograms"]]
    expect(sum(int(h.num) for h in weights) == report["parameters"], "a histogram of every parameter")
    expect(all(sum(h.bucket) == h.num and h.bucket_limit[-1] == h.max for h in weights), "buckets hold all")

    compare = f"{folder}/compare"
    arguments = ["compare", "iris", "relu", "leaky-relu(a=100/3)", "--epochs", "6", "--seeds", "2", "--learning-rates",
                 "0.003,0.03", "--json", "--quiet", "--store", f"{folder}/runs.sqlite", "--tensorboard", compare]
    result = soma(*arguments)
    runs = read(compare)
    expect(len(runs) == 8, f"two rates and two seeds of two candidates, not {sorted(runs)}")
    for entry in result["entries"]:
        own = {name: run for name, run in runs.items() if f"/{entry['candidate'].replace('/', '%2F')}/seed " in name}
        expect(len(own) == 2, f"seeds of {entry['candidate']}: {sorted(runs)}")
        for epoch, mean in enumerate(entry["curve"]["validationScore"]):
            points = [run.Scalars("accuracy/validation")[epoch] for run in own.values()]
            expect(all(p.step == epoch + 1 for p in points), "steps")
            expect(close(sum(p.value for p in points) / 2, mean["mean"]), f"{entry['candidate']} epoch {epoch}")
    soma(*arguments)
    expect({n: len(r.Scalars("loss/training")) for n, r in read(compare).items()} == {n: 6 if "seed" in n else 3 for n in runs},
           "a comparison that is shown again writes nothing twice")
    soma(*arguments, "--fresh")
    expect(all(len(r.Scalars("loss/training")) in (3, 6) for r in read(compare).values()),
           "a comparison that runs anew replaces its events")

    search = f"{folder}/search"
    found = soma("search", "activation", "iris", "--budget", "5", "--epochs", "1", "--json", "--quiet", "--tensorboard", search)
    points = next(iter(read(search).values())).Scalars("score/best")
    expect(all(a.value <= b.value for a, b in zip(points, points[1:])), "the best score rises")
    expect(close(points[-1].value, found[0]["score"]), "and ends at the best that was found")

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
