# The developer's commands. `make demo` shows the program at work, without a network.

TARGET_DIR ?= $(or $(CARGO_TARGET_DIR),target)

.PHONY: demo fixtures

demo: ## carry images between two registries on this machine and compare every digest
	cargo build --quiet --release --bin bundle
	@cargo run --quiet --example demo -- $(TARGET_DIR)/release/bundle

fixtures: ## write fixtures/ anew
	cargo run --quiet --example fixtures
