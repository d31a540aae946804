#!/usr/bin/env python3
"""Soma against PyTorch and JAX on the workloads of `soma bench`, in one run on one machine.

    scripts/versus.py [workload ...] [--repeats 5] [--seconds 0.3]

Makes a Python environment in .venv-versus with torch and jax, starts a process for each of Soma and its peers from the
same inputs and first parameters, lets them measure in turn, and writes Benchmarks/RESULTS.md. Needs the standard
library only.
"""
import argparse
import datetime
import json
import math
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOMA = ROOT / ".build/release/soma"
PEERS = ROOT / "Benchmarks/peers.py"
VENV = ROOT / ".venv-versus"
PYTHON = VENV / "bin/python"
RESULTS = ROOT / "Benchmarks/RESULTS.md"
LOSSES = 5
TOLERANCE = 1e-4
# Peers that a workload has; the rest have torch, torch-compile and jax. torch.compile cannot differentiate twice.
WORKLOADS = {name: ["torch", "torch-compile", "jax"] for name in ("gemm", "tiny-mlp", "mlp", "kan", "kan-mlp", "pinn", "siren")}
WORKLOADS["gemm"] = WORKLOADS["pinn"] = ["torch", "jax"]
WORKLOADS["resnet8"] = ["torch", "torch-nhwc", "torch-compile", "jax"]
WORKLOADS["gpt-char"] = ["torch", "torch-compile", "jax"]
TITLES = {"torch": "PyTorch eager", "torch-nhwc": "channels last", "torch-compile": "torch.compile", "jax": "jax.jit"}
# Measured beside `kan`, as a dense network with as many multiplications; no workload of its own.
REFERENCES = ("kan-mlp",)
# Where a second thread has to pay.
SCALING = ("siren", "resnet8", "gpt-char")


def prepare_environment():
    if not PYTHON.exists():
        note("making .venv-versus")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    for package in ("torch", "jax"):
        if subprocess.run([PYTHON, "-c", f"import {package}"], capture_output=True).returncode != 0:
            note(f"installing {package}")
            subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", package], check=True)
    code = "import torch, jax, numpy; print(torch.__version__, jax.__version__, numpy.__version__)"
    found = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    return dict(zip(("PyTorch", "JAX", "NumPy"), found))


class Contestant:
    """A process that does a repeat whenever it is asked."""

    def __init__(self, name, workload, initial, seconds, cache, limit):
        self.name, self.limit = name, limit
        started = str(time.clock_gettime_ns(time.CLOCK_MONOTONIC))
        common = ["--initial", initial, "--losses", str(LOSSES), "--seconds", str(seconds), "--started", started]
        if name.startswith("soma"):
            threads = ["--threads", "1"] if name == "soma-1" else []
            command = [str(SOMA), "bench", workload, "--serve"] + common + threads
        else:
            # If Python dies of a signal, it says where.
            command = [str(PYTHON), "-X", "faulthandler", str(PEERS), workload, name] + common
        # A compiler's cache of an earlier run would hide what the first step costs.
        environment = dict(os.environ, TORCHINDUCTOR_CACHE_DIR=str(Path(cache) / f"{workload}-{name}"))
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment)
        self.repeats = []
        # The first repeat is a warm-up: the other processes were not there yet.
        self.last = self.read()

    def read(self):
        """The next line of the process; it is killed if it takes longer than the limit."""
        watch = threading.Timer(self.limit, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        watch.cancel()
        if not line:
            status = self.process.wait()
            self.errors.seek(0)
            words = [word for word in self.errors.read().splitlines() if word.strip()]
            if status == -signal.SIGKILL and not words:
                words = [f"killed, by the limit of {self.limit:g} s or for want of memory"]
            raise RuntimeError(f"{self.name} ended with {status}: {' | '.join(words[-3:]) or 'without a word'}")
        return json.loads(line)

    def measure(self):
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # `read` tells how it ended.
        self.last = self.read()
        self.repeats.append(self.last["millisecondsPerStep"])

    def end(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def milliseconds(self):
        return statistics.median(self.repeats)


def started(name, *arguments):
    """A contestant that has done its first repeat. One that dies is tried once more: other processes of the machine may
    have taken its memory."""
    try:
        return Contestant(name, *arguments)
    except RuntimeError as error:
        note(f"{error}; once more")
        return Contestant(name, *arguments)


def deviation(losses, reference):
    return max(abs(a - b) / max(abs(b), 1e-30) for a, b in zip(losses, reference, strict=True))


def compare(workload, options, folder):
    """Measures one workload; what is found, by contestant."""
    initial = str(Path(folder) / f"{workload}.npz")
    subprocess.run([PYTHON, PEERS, workload, "--write", initial], check=True)
    names = ["soma"] + WORKLOADS[workload] + (["soma-1"] if workload in SCALING else [])
    contestants, failed = [], {}
    for name in names:
        note(f"{workload}: {name}")
        try:
            contestants.append(started(name, workload, initial, options.seconds, folder, options.limit))
        except RuntimeError as error:
            failed[name] = str(error)
            note(str(error))
    if "soma" in failed:
        raise SystemExit(failed["soma"])
    note(f"{workload}: measuring")
    for i in range(options.repeats):
        # In turn, and each time another first.
        for contestant in contestants[i % len(contestants) :] + contestants[: i % len(contestants)]:
            # Threads of the process before spin for a while before they sleep.
            time.sleep(0.25)
            try:
                contestant.measure()
            except RuntimeError as error:
                if contestant.name == "soma":
                    raise SystemExit(str(error))
                note(str(error))
                contestants = [other for other in contestants if other is not contestant]
    for contestant in contestants:
        contestant.end()
    found = {c.name: c for c in contestants}
    peers = [found[name] for name in WORKLOADS[workload] if name in found]
    result = {"workload": workload, "contestants": found, "best": min(peers, key=lambda c: c.milliseconds, default=None)}
    # Rounding in float32 grows from step to step, in some networks fast: the same steps in float64 tell how much of a
    # difference between two correct computations is to be expected.
    if "torch" in found:
        note(f"{workload}: losses in float64")
        try:
            reference = started("torch-float64", workload, initial, 0.001, folder, options.limit)
        except RuntimeError as error:
            note(str(error))
            result["agrees"] = False
            result["unchecked"] = str(error)
            return result
        reference.end()
        exact = reference.last["losses"]
        result["against torch"] = deviation(found["soma"].last["losses"], found["torch"].last["losses"])
        result["first"] = deviation(found["soma"].last["losses"][:1], exact[:1])
        result["soma's error"] = deviation(found["soma"].last["losses"], exact)
        result["torch's error"] = deviation(found["torch"].last["losses"], exact)
        result["agrees"] = result["first"] <= TOLERANCE and (
            result["against torch"] <= TOLERANCE or result["soma's error"] <= max(TOLERANCE, result["torch's error"]))
    return result


def machine():
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def table(headings, rows):
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" + "---:|" * (len(headings) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def number(value, digits=3):
    if value is None:
        return "–"
    if value == 0 or not math.isfinite(value):
        return str(value)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def report(results, versions, options):
    """The text of RESULTS.md."""
    columns = ["torch", "torch-nhwc", "torch-compile", "jax"]
    titles = ["workload", "Soma"] + [TITLES[c] for c in columns]

    def values(key):
        rows = []
        for result in results:
            row = [result["workload"]]
            for name in ["soma"] + columns:
                contestant = result["contestants"].get(name)
                row.append(number(key(contestant)) if contestant else "–")
            rows.append(row)
        return rows

    def ratio(result):
        return result["best"].milliseconds / result["contestants"]["soma"].milliseconds

    rows = values(lambda c: c.milliseconds)
    for row, result in zip(rows, results):
        row.append(f"{ratio(result):.2f} ×" if result["best"] else "–")
    counted = [r for r in results if r["workload"] not in REFERENCES]

    def mean(values):
        values = [value for value in values if value]
        return number(math.exp(statistics.fmean(map(math.log, values)))) if values else "–"

    def share(result, key, names):
        """Soma's figure divided by the least of others'."""
        others = [key(result["contestants"][name]) for name in names if name in result["contestants"]]
        return key(result["contestants"]["soma"]) / min(others) if others else None

    def memory(contestant):
        return contestant.last["peakMemoryBytes"] / 2**20

    def first(contestant):
        return contestant.last["secondsToFirstStep"]

    lines = ["# Soma, PyTorch and JAX", ""]
    lines += ["`make versus` wrote this file. Every workload is a whole training step (but `gemm`, a product of two"]
    lines += ["2048×2048 matrices), started from the same parameters and inputs; each library runs in a process of its own,"]
    lines += [f"and the processes take turns. Median of {options.repeats} repeats of about {options.seconds} s.", ""]
    lines += [f"- machine: {machine()}", f"- date: {datetime.date.today().isoformat()}"]
    lines += ["- versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()), ""]
    lines += ["## Milliseconds a step", ""] + table(titles + ["best peer / Soma"], rows)
    aside = f" (without {', '.join(REFERENCES)})" if len(counted) < len(results) else ""
    lines += ["", f"Geometric mean of the ratios{aside}: **{mean(ratio(r) for r in counted if r['best'])} ×**", ""]
    lines += ["## Peak resident memory, MiB", ""] + table(titles, values(memory))
    lines += ["", f"Soma against PyTorch eager, geometric mean{aside}: {mean(share(r, memory, ['torch']) for r in counted)}"]
    lines += ["", "## Seconds from the start of the process to the end of the first step", ""]
    lines += table(titles, values(first))
    compiled = [share(r, first, ["torch-compile", "jax"]) for r in counted]
    lines += ["", f"Soma against the faster of the compilers, geometric mean{aside}: {mean(compiled)}"]
    scaling = [r for r in results if "soma-1" in r["contestants"]]
    if scaling:
        lines += ["", "## Soma's threads", ""]
        both = [(r["workload"], r["contestants"]["soma-1"].milliseconds, r["contestants"]["soma"].milliseconds) for r in scaling]
        lines += table(
            ["workload", "1 thread, ms", "all threads, ms", "gain"],
            [[name, number(one), number(all_), f"{one / all_:.2f} ×"] for name, one, all_ in both])
    checked = [r for r in results if "agrees" in r and "unchecked" not in r]
    if checked:
        lines += ["", f"## The first {LOSSES} losses", ""]
        lines += ["Largest relative differences. A workload agrees if its first loss is that of float64 to 1e-4, and all of"]
        lines += ["them are PyTorch's to 1e-4, or no farther from the same steps in float64 than PyTorch's float32 is.", ""]
        lines += table(
            ["workload", "Soma − PyTorch", "Soma − float64", "PyTorch − float64", "agrees"],
            [[r["workload"]] + [f"{r[k]:.1e}" for k in ("against torch", "soma's error", "torch's error")]
             + ["yes" if r["agrees"] else "**no**"] for r in checked])
    return "\n".join(lines) + "\n"


def note(text):
    print(text, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="workload", help=", ".join(WORKLOADS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="how long a repeat lasts, about")
    parser.add_argument("--limit", type=float, default=240, help="seconds that a process may take for a line of its results")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    unknown = [name for name in options.workloads if name not in WORKLOADS]
    if unknown:
        parser.error(f"no workload is called {unknown[0]}; there are {', '.join(WORKLOADS)}")
    if options.repeats < 1 or not 0 < options.seconds <= 600:
        parser.error("--repeats is at least 1, --seconds above 0 and at most 600")
    if not SOMA.exists():
        parser.error(f"{SOMA.relative_to(ROOT)} is missing: run `make build`")
    version = subprocess.run([SOMA, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    versions = {"Soma": version, **prepare_environment(), "Python": platform.python_version()}
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for name in options.workloads or WORKLOADS:
            begin = time.monotonic()
            results.append(compare(name, options, folder))
            note(f"{name}: {time.monotonic() - begin:.0f} s")
            # After each, so that an interrupted run leaves what it found.
            text = report(results, versions, options)
            options.output.write_text(text)
    print(text, end="")
    wrong = [r["workload"] for r in results if not r.get("agrees", True)]
    if wrong:
        raise SystemExit(f"the losses do not agree: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
