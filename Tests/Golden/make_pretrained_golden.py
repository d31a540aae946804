#!/usr/bin/env python3
"""Writes the resources of the tokenizer and transformer tests: small tokenizers with the reference's tokens of some lines, and
tiny random models in the Hugging Face layout with the reference's outputs.

    pip install torch transformers tokenizers safetensors sentencepiece
    python3 Tests/Golden/make_pretrained_golden.py Tests/SomaInterchangeTests/Resources
"""
import importlib.util
import json
import pathlib
import sys

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

here = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("check_tokenizers", here.parent.parent / "scripts/check-tokenizers.py")
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)

TEXTS = ["Hello, world! It's 3.14 o'clock.", "  two  spaces\tand a tab ", "naïve café — Übergrößenträger", "", " ", "don't, they'll, I'VE",
         "中文字符 mixed with English", "こんにちは世界", "Привет, мир", "שלום עולם", "👩‍👩‍👧‍👦 family and 🤗 hug", "ﬁ ligature ½ ①", "a\u0301 e\u0300 combining",
         "x" * 150, "[MASK] is <s> special </s>", "def f(x):\n    return x**2  # comment", "1234567890 12,345.67", "\u3000ideographic\u00a0nbsp\u200bzero"]


def tokenizers(lines):
    word = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    word.normalizer = normalizers.BertNormalizer()
    word.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    word.decoder = decoders.WordPiece()
    word.train_from_iterator(lines, trainers.WordPieceTrainer(
        vocab_size=600, limit_alphabet=150, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    word.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    yield "wordpiece", word
    pair = Tokenizer(models.BPE())
    pair.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pair.decoder = decoders.ByteLevel()
    pair.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=500, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    yield "bpe", pair
    unigram = Tokenizer(models.Unigram())
    unigram.normalizer = normalizers.NFKC()
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.decoder = decoders.Metaspace()
    unigram.train_from_iterator([line for line in lines if line.isascii()], trainers.UnigramTrainer(
        vocab_size=400, unk_token="<unk>", special_tokens=["<unk>", "<s>", "</s>"]))
    yield "unigram", unigram


def networks():
    small = dict(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
                 max_position_embeddings=20)
    yield "bert", transformers.BertModel(transformers.BertConfig(**small, type_vocab_size=2), add_pooling_layer=False)
    yield "roberta", transformers.RobertaModel(
        transformers.RobertaConfig(**small, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5), add_pooling_layer=False)
    yield "distilbert", transformers.DistilBertModel(transformers.DistilBertConfig(
        vocab_size=40, dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=20))
    yield "gpt2", transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=40, n_embd=16, n_layer=2, n_head=2, n_positions=20))
    yield "llama", transformers.LlamaForCausalLM(transformers.LlamaConfig(
        **small, num_key_value_heads=1, tie_word_embeddings=False))
    yield "qwen2", transformers.Qwen2ForCausalLM(transformers.Qwen2Config(
        **small, num_key_value_heads=2, tie_word_embeddings=True))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[1])
    lines = check.mixed_lines(3000)
    golden = {}
    for name, tokenizer in tokenizers(lines):
        tokenizer.save(str(target / f"tokenizer-{name}.json"), pretty=False)
        texts = TEXTS + lines[::150]
        golden[name] = [{"text": text, "ids": tokenizer.encode(text).ids,
                         "decoded": tokenizer.decode(tokenizer.encode(text).ids)} for text in texts]
    (target / "tokenizers.json").write_text(json.dumps(golden, ensure_ascii=True, indent=0))
    torch.manual_seed(4)
    ids = torch.tensor([[3, 7, 1 + 4, 20, 39, 6, 11], [9, 8, 30, 31, 2, 5, 17]])
    for name, model in networks():
        model.eval()
        with torch.no_grad():
            # Zero biases and unit scales would hide mistakes.
            for parameter in model.parameters():
                if parameter.dim() == 1:
                    parameter.add_(0.3 * torch.randn_like(parameter))
                else:
                    parameter.mul_(5)
            if name in ("bert", "roberta", "distilbert"):
                # The second text ends after four tokens.
                mask = torch.tensor([[1] * 7, [1] * 4 + [0] * 3])
                output = model(ids, attention_mask=mask).last_hidden_state
            else:
                output = model(ids).logits
        model.save_pretrained(target / f"tiny-{name}")
        np.save(target / f"tiny-{name}" / "output.npy", output.numpy())
        for extra in ("generation_config.json",):
            (target / f"tiny-{name}" / extra).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
