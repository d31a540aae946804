# `make` lists the commands. `make compare` and `make test` install what is missing, build and do their job.
.DEFAULT_GOAL := help
.PHONY: help packages test-packages build compare serve test bench versus format check-format docs clean

SWIFT ?= swift
PAGE ?= soma-compare.html

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

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

format: ## format the Swift sources
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

check-format: ## fail if a Swift source is not formatted
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

docs: packages ## build the documentation, a page tree for each module, in docs/
	mkdir -p docs
	for module in Soma SomaNetworks SomaLearning; do \
	  $(SWIFT) package --allow-writing-to-directory docs generate-documentation --target $$module \
	    --output-path docs/$$module --transform-for-static-hosting --hosting-base-path $$module || exit 1; \
	done

clean: ## remove what was built
	rm -rf .build .build-test docs
