# The developer's commands. `make demo` shows the program at work, without a network.

TARGET_DIR ?= $(or $(CARGO_TARGET_DIR),target)

.PHONY: help build demo test bench fixtures fuzz interop

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

build: ## the release binary
	cargo build --release --locked

demo: ## carry images between two registries on this machine and compare every digest
	cargo build --locked --bin bundle --example demo
	@$(TARGET_DIR)/debug/examples/demo $(TARGET_DIR)/debug/bundle

test: ## everything hermetic, then the lane against real parts (docker-registry, skopeo, containerd)
	cargo test --locked
	cargo build --release --locked
	tests/real/run

interop: ## real registries of five makers, squid and nginx before them, lines that break, registries that die (builds what is missing)
	cargo build --release --locked
	tests/interop/run

bench: ## side by side with crane, oras and regctl on this machine
	cargo build --release --locked
	bench/run

fixtures: ## write fixtures/ anew
	cargo run --locked --quiet --example fixtures

SECONDS ?= 60
SANITIZER ?= address
FUZZ_TARGETS = answers challenge credentials layer_delta layer_join layer_split lists location manifest numbers reference tar verify

fuzz: ## every fuzz target for SECONDS (60) each; needs the nightly compiler and cargo-fuzz
	@type cargo-fuzz >/dev/null || { echo "cargo install cargo-fuzz --locked"; exit 2; }
	for target in $(FUZZ_TARGETS); do \
	  cargo +nightly fuzz run --sanitizer $(SANITIZER) --target-dir fuzz/target/$(SANITIZER) $$target -- \
	    -max_total_time=$(SECONDS) -max_len=65536 -rss_limit_mb=1024 -print_final_stats=1 || exit 1; \
	done
