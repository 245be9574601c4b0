# SPDX-License-Identifier: Apache-2.0
#
# `make help` lists the targets. Only Go is needed for run, test, bench and
# release; check builds its tools once, into $(TOOLS).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X main.version=$(VERSION)
TOOLS    := $(or $(PARLEY_TOOLS),$(CURDIR)/.cache/bin)
# How long each fuzzer of MQTT and topics runs, how long each of the others, and how many at a time.
FUZZTIME ?= 5s
FUZZREST ?= $(FUZZTIME)
FUZZJOBS ?= 2
# How long each soak runs, and from which random numbers (0: new ones).
SOAK     ?= 5m
SEED     ?= 0

# Tools, each under a name that carries its version, so that raising one
# builds it anew.
GOLANGCI    := $(TOOLS)/golangci-lint-v2.15.0
GOVULNCHECK := $(TOOLS)/govulncheck-v1.8.0
GOTESTSUM   := $(TOOLS)/gotestsum-v1.13.0
GOLANGCI_PACKAGE    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK_PACKAGE := golang.org/x/vuln/cmd/govulncheck@v1.8.0
GOTESTSUM_PACKAGE   := gotest.tools/gotestsum@v1.13.0

# gotestsum shows progress and counts; where it is not built, go test does.
GOTEST = $(if $(wildcard $(GOTESTSUM)),$(GOTESTSUM) --format $(1) --,$(GO) test)
PROGRESS := pkgname-and-test-fails

say = printf '\n== %s\n'

# Goes to the web client and installs its packages, where their list has changed since they were.
web-packages = cd web && { [ node_modules/.package-lock.json -nt package-lock.json ] || \
	{ npm ci --no-audit --no-fund && touch node_modules/.package-lock.json; }; }

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "make %-11s %s\n", $$1, $$2}'

## Running ------------------------------------------------------------------

.PHONY: run build web
run: build ## build, then serve demo rooms and users on loopback
	@$(say) "serving the demo; data in ./data/demo, stop with Ctrl-C"
	@exec bin/parley serve --demo --data ./data/demo

# The texts that "parley licenses" prints, of all that is linked in.
LICENSES := cmd/parley/licenses/texts.txt.gz
$(LICENSES): go.mod go.sum LICENSE
	@$(say) "collecting licence texts"
	@$(GO) run ./tools/licenses -o $@ ./cmd/parley

build: web $(LICENSES) ## build bin/parley, with the web client where Node is there
	@$(say) "building bin/parley $(VERSION)"
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/parley ./cmd/parley

web: ## build the web client
	@if [ ! -f web/package.json ]; then exit 0; \
	elif ! command -v npm >/dev/null; then $(say) "Node is not installed: building without the web client"; \
	else $(say) "building the web client"; $(web-packages) && npm run build; fi

## Testing ------------------------------------------------------------------

.PHONY: test check e2e web-e2e screenshots picture bench fuzz soak
test: ## all tests that need nothing but Go
	@$(say) "testing"
	@$(call GOTEST,$(PROGRESS)) ./...

check: tools format vet tidy arch lint vuln web-check race fuzz ## all that has to pass before a merge
	@$(say) "check passed"

e2e: e2e-node ## foreign MQTT clients, and people in a browser, against the real binary
	@$(say) "end to end"
	@$(call GOTEST,testname) -tags e2e -count=1 -timeout 15m ./test/e2e/...
	@$(MAKE) web-e2e

# Without Node nothing of it can run; without Chromium what needs no browser does. Continuous integration takes either amiss.
web-e2e: web ## the web client and its library against the real binary, in Chromium
	@if ! command -v npm >/dev/null; then $(say) "NOT TESTED: the web client needs Node, which is not installed"; [ -z "$${CI:-}" ]; exit; fi; \
	$(say) "the web client, end to end"; cd web && npm run e2e

screenshots: web ## pictures of every main view, on a phone and a desktop, light and dark
	@dir=$${PARLEY_SCREENSHOTS:-$$(mktemp -d "$${TMPDIR:-/tmp}/parley-screenshots.XXXXXX")}; $(say) "screenshots, into $$dir"; \
	cd web && PARLEY_SCREENSHOTS=$$dir npm run e2e -- e2e/views.e2e.ts

picture: build ## take the picture of the README again, in Chromium
	@$(say) "docs/images/client.png"
	@mkdir -p docs/images && cd web && node testing/picture.mjs ../bin/parley ../docs/images/client.png

bench: ## Go benchmarks, then parley bench against a fresh server
	@$(say) "Go benchmarks"
	@packages=$$(grep -rl --include='*_test.go' '^func Benchmark' cmd internal | xargs -r -n1 dirname | sort -u | sed 's,^,./,'); \
	if [ -z "$$packages" ]; then echo "none yet"; else $(GO) test -run '^$$' -bench . -benchmem -benchtime 200ms $$packages; fi
	@if [ -f scripts/bench.sh ]; then $(say) "parley bench"; bash scripts/bench.sh; fi

fuzz: ## every fuzzer for FUZZTIME (5s) or FUZZREST, FUZZJOBS (2) at a time
	@$(say) "fuzzing"
	@bash scripts/fuzz.sh $(FUZZTIME) $(FUZZJOBS) $(FUZZREST)

soak: ## many people do what comes into their heads for SOAK (5m) while the server is restarted, then killed, from SEED
	@$(say) "soaking"
	@$(GO) test -count=1 -v -timeout 0 ./test/soak -soak $(SOAK) -soak.seed $(SEED)

## The parts of check -------------------------------------------------------

.PHONY: tools format vet tidy arch lint vuln web-check race e2e-node
tools: $(GOTESTSUM) $(GOLANGCI) $(GOVULNCHECK)

# GOFLAGS and CGO_ENABLED of a tool do not depend on how the tree is tested.
define build-tool
@$(say) "building $(notdir $@) into $(TOOLS) (once)"
@mkdir -p $(TOOLS)
@building=$$(mktemp -d $(TOOLS)/building.XXXXXX); trap 'rm -rf "$$building"' EXIT; \
cd "$$building" && GOBIN="$$building" $(GO) install $(1) && mv "$$building"/$(2) $@
endef
$(GOTESTSUM):   ; $(call build-tool,$(GOTESTSUM_PACKAGE),gotestsum)
$(GOLANGCI):    ; $(call build-tool,$(GOLANGCI_PACKAGE),golangci-lint)
$(GOVULNCHECK): ; $(call build-tool,$(GOVULNCHECK_PACKAGE),govulncheck)

format:
	@$(say) "gofmt"
	@files=$$(find . -name '*.go' -not -path '*/node_modules/*' -not -path './.cache/*' | xargs gofmt -l); \
	if [ -n "$$files" ]; then echo "not formatted; run gofmt -w on:"; echo "$$files"; exit 1; fi

vet:
	@$(say) "go vet"
	@$(GO) vet ./... && $(GO) vet -tags e2e ./test/...

# A proxy that is out of reach, or that refuses a module which only somebody
# else's tests need, is no fault of the tree.
tidy:
	@$(say) "go mod tidy"
	@errors=$$(mktemp) diff=$$(mktemp); trap 'rm -f $$errors $$diff' EXIT; \
	if $(GO) mod tidy -diff >$$diff 2>$$errors; then exit 0; fi; \
	if [ ! -s $$diff ] && grep -qE 'dial tcp|no such host|i/o timeout|connection refused|403 Forbidden|module lookup disabled' $$errors; then \
		tail -n 3 $$errors; echo "NOT CHECKED: the modules are out of reach"; \
	else cat $$errors; grep -m 40 '^[-+]' $$diff; echo "go.mod and go.sum are not tidy: run go mod tidy"; exit 1; fi

arch:
	@$(say) "imports and files of the tree"
	@$(GO) test -count=1 ./internal/archtest

lint: $(GOLANGCI)
	@$(say) "golangci-lint"
	@$(GOLANGCI) run ./...

# The data base of weaknesses is fetched anew each time.
vuln: $(GOVULNCHECK)
	@$(say) "govulncheck"
	@out=$$(mktemp); trap 'rm -f $$out' EXIT; \
	if $(GOVULNCHECK) ./... >$$out 2>&1; then tail -n 5 $$out; exit 0; fi; \
	if grep -qE 'Vulnerability #' $$out; then cat $$out; exit 1; fi; \
	if grep -qE 'dial tcp|no such host|i/o timeout|connection refused|Forbidden|fetching vulnerabilities' $$out; then \
		tail -n 3 $$out; echo "NOT CHECKED: the data base of weaknesses is out of reach"; \
	else cat $$out; exit 1; fi

# Types, style and tests of the web client. A machine without Node has not checked it, which only continuous integration takes amiss.
web-check:
	@if ! command -v npm >/dev/null; then $(say) "NOT CHECKED: the web client needs Node, which is not installed"; [ -z "$${CI:-}" ]; exit; fi; \
	$(say) "types, style and tests of the web client"; \
	$(web-packages) && npm run check

# SQLite, which is C in the dress of Go, is a third of the work when it is watched, and no race of ours is within it.
# The kills are done in full by make test, and so are the scripts of the command line, which are many short processes.
race:
	@$(say) "testing with the race detector"
	@CGO_ENABLED=1 PARLEY_KILLS=$${PARLEY_KILLS:-20} $(call GOTEST,$(PROGRESS)) -race -gcflags='modernc.org/...=-race=false' -skip '^TestScripts$$' ./...

e2e-node:
	@if ! command -v npm >/dev/null; then $(say) "npm is not installed: the tests with MQTT.js and validators cannot run"; exit 0; fi; \
	for package in test/e2e/mqttjs test/e2e/apidocs; do ( cd $$package; \
	if [ node_modules/.package-lock.json -nt package-lock.json ]; then exit 0; fi; \
	$(say) "installing the packages of $$package for the end-to-end tests"; npm ci --no-audit --no-fund && touch node_modules/.package-lock.json ) || exit 1; done

## Releasing ----------------------------------------------------------------

PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: release clean
release: web $(LICENSES) ## static binaries, checksums and bill of materials into dist/
	@bash scripts/release.sh '$(VERSION)' '$(LDFLAGS)' $(PLATFORMS)

clean: ## remove what was built (bin, dist, .cache)
	rm -rf bin dist .cache $(LICENSES)
