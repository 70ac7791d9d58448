# Plain go commands always work; these only spell the long ones.

LINT = go tool -modfile=tools/go.mod golangci-lint
FUZZTIME ?= 30s
NIGHTLY_CHECKS ?= 3000
NIGHTLY_RACES ?= 1000

.DEFAULT_GOAL := help
.PHONY: help demo test test-short test-cluster screenshots needs check nightly bench docs fmt vet lint race golden fuzz vuln mutants release

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: ## server, shop, caller and buyer on this machine; prints what to open
	go run ./cmd/holdfast demo

test: needs ## every test, on SQLite and PostgreSQL, with a real browser and schema validator
	HOLDFAST_TEST_BROWSER="$$(scripts/find-browser)" HOLDFAST_TEST_XMLLINT="$$(scripts/find-xmllint)" HOLDFAST_TEST_EXAMPLES=required scripts/with-postgres go test -timeout 15m ./...
	go test -C tools ./...

test-short: ## the tests that need nothing but Go: SQLite, no browser, no validator
	HOLDFAST_TEST_BROWSER= HOLDFAST_TEST_XMLLINT= HOLDFAST_TEST_EXAMPLES= go test -short -timeout 10m ./...

test-cluster: ## three servers on three PostgreSQL nodes under Patroni, some of them killed; some minutes
	scripts/with-cluster go test -count=1 -v -timeout 15m ./tests/cluster

screenshots: needs ## a picture of every page, on a phone and a desktop, in light and dark, to look at
	mkdir -p screenshots
	HOLDFAST_TEST_BROWSER="$$(scripts/find-browser)" HOLDFAST_TEST_SCREENSHOTS="$(CURDIR)/screenshots" go test -count=1 ./tests/browser

needs: ## install, or name, what the tests need and this machine misses
	@scripts/install-needs

check: fmt vet lint test ## everything a change must pass

nightly: needs race ## what takes too long for each change: the race detector, a minute of each fuzz test, many random checks and racing pairs
	scripts/fuzz 1m
	HOLDFAST_RANDOM=1 RAPID_CHECKS=$(NIGHTLY_CHECKS) scripts/with-postgres go test -run AgreeWithTheModel -timeout 60m ./internal/processor
	HOLDFAST_RACES=$(NIGHTLY_RACES) scripts/with-postgres go test -run RacingPairs -timeout 60m ./internal/processor
	HOLDFAST_REPRODUCE=1 go test -count=1 -run Reproducible -timeout 60m ./tests/packages

bench: ## measure beside yardsticks and write docs/benchmarks.md: hours on a quiet machine; BENCHFLAGS="-runs 1 -only ceiling" is quicker
	scripts/with-postgres --durable go run -C tools ./bench -root .. $(BENCHFLAGS)

fmt: ## fail on files that gofmt would change
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; }

vet: ## go vet
	go vet ./...

lint: ## golangci-lint as .golangci.yml has it; the first run builds it, some minutes
	$(LINT) run

race: ## the race detector; SQLite in Go is slow under it, so fewer random checks
	RAPID_CHECKS=20 scripts/with-postgres go test -race -short -timeout 30m ./...

golden: ## write the golden answers of the API anew; read the diff like code
	go test ./internal/queryapi -update
	git diff --stat -- internal/queryapi/testdata

docs: ## write the pages of docs/api that are made from tables; read the diff like code
	go test ./internal/queryapi ./internal/cobranded -run '^Test(PagesOf|PageOf|IndexOf)' -update
	git diff --stat -- docs/api

fuzz: ## each fuzz test for FUZZTIME (30s)
	scripts/fuzz $(FUZZTIME)

vuln: ## known faults in what we depend on; needs vuln.go.dev
	go tool -modfile=tools/go.mod govulncheck ./...

release: ## binaries, packages, SBOMs and checksums of this commit, into dist/
	go run -C tools ./release -root ..

mutants: ## put small faults into the rules, see that tests fail, and write docs/mutants.md; some minutes
	go run -C tools ./mutants -root ..
