# `make help` lists what there is to do. The version of every tool is pinned:
# Go's in go.mod, golangci-lint's in tools/go.mod.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Where `make run` listens and keeps its data, and what it is told besides.
ADDR ?= 127.0.0.1:3001
DATA ?= ./data
ARGS ?=
# How long `make fuzz` works on each target.
FUZZTIME ?= 20s

export CGO_ENABLED ?= 0
# The version is set below; Go need not ask git, which refuses where the
# checkout belongs to another user.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
BUILD := go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'

lint_version := $(shell sed -n 's|.*github.com/golangci/golangci-lint/v2 \(v[^ ]*\).*|\1|p' tools/go.mod)
golangci := bin/golangci-lint-$(lint_version)

# What `make generate` writes. Pages that people write lie beside the
# connectors'.
generated := docs/openapi.json clients/typescript/src/openapi.ts docs/connectors ':!docs/connectors/writing-your-own.md'

# Where goroutines meet: the packages worth the race detector's time.
racy := ./internal/access/... ./internal/app/... ./internal/configuration/... ./internal/delivery/... \
	./internal/events/... ./internal/guard/... ./internal/network/... ./internal/suppression/... ./connector/... \
	./client/... ./internal/queue/... ./internal/routing/... ./internal/store/... ./internal/verification/... ./connectors/...

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build and run the service on ADDR (127.0.0.1:3001) with its data in DATA (./data)
	@exec bin/postern serve --addr $(ADDR) --data $(DATA) $(ARGS)

.PHONY: build
build: ## Build bin/postern
	@$(BUILD) -o bin/postern ./cmd/postern

.PHONY: test
test: ## Run every test, after installing the servers that they talk to
	@scripts/install-test-tools
	@go vet ./...
	@go test -timeout 15m ./...

.PHONY: race
race: ## Run the tests where goroutines meet with the race detector (needs a C compiler)
	@CGO_ENABLED=1 go test -race -timeout 20m $(racy)

.PHONY: lint
lint: $(golangci) ## Check format, vet, golangci-lint, and that generated files and go.mod are current
	@unformatted=$$(gofmt -l .); \
	if [[ -n $$unformatted ]]; then printf 'not formatted (run gofmt -w):\n%s\n' "$$unformatted" >&2; exit 1; fi
	@go vet ./...
	@$(golangci) run --allow-parallel-runners
	@$(MAKE) --no-print-directory generate
	@if ! git diff --exit-code --stat -- $(generated) || git ls-files --others --exclude-standard -- $(generated) | grep .; then \
		echo 'not generated (run make generate and commit)' >&2; exit 1; \
	fi
	@go mod tidy -diff
	@cd tools && go mod tidy -diff

# Built once for each version; takes a few minutes then.
$(golangci): tools/go.mod
	@echo 'building golangci-lint $(lint_version)'
	@cd tools && go build -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: bench
bench: build ## Measure the service on this machine (docs/benchmarks.md)
	@go test -run '^$$' -bench . -benchmem ./internal/template ./internal/mime ./internal/api ./internal/store ./internal/queue
	@bin/postern bench $(ARGS)

.PHONY: generate
generate: build clients/typescript/node_modules ## Write anew what is generated from the code
	@bin/postern openapi > docs/openapi.json
	@npm run --silent --prefix clients/typescript generate > /dev/null
	@bin/postern connectors docs docs/connectors > /dev/null

# The tools of the TypeScript client, installed once for each lock file.
clients/typescript/node_modules: clients/typescript/package-lock.json
	@command -v npm > /dev/null || scripts/install-test-tools
	@cd clients/typescript && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (20s)
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -r -n1 dirname | sort -u | while read -r package; do \
		sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$package"/*_test.go | while read -r target; do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" </dev/null; \
		done; \
	done

.PHONY: clean
clean: ## Remove what was built; the data stays
	@rm -rf bin clients/typescript/dist clients/typescript/build
