# The few commands of this project, each also runnable by hand.

.PHONY: help build test bench

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

build: ## target/release/bundle
	cargo build --release --locked

test: ## everything hermetic, then the lane against real parts (docker-registry, skopeo, containerd)
	cargo test --locked
	cargo build --release --locked
	tests/real/run

bench: ## side by side with crane, oras and regctl on this machine
	cargo build --release --locked
	bench/run
