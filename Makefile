# Plain go commands always work. These targets are short names for long commands.

LINT = go tool -modfile=tools/go.mod golangci-lint
FUZZTIME ?= 30s
NIGHTLY_CHECKS ?= 3000
NIGHTLY_RACES ?= 1000

.DEFAULT_GOAL := help
.PHONY: help demo test test-short test-cluster screenshots needs check nightly bench docs fmt vet lint race golden typescript fuzz vuln mutants release

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: ## start a server, a shop, a caller and a buyer on this machine, and print their addresses
	go run ./cmd/holdfast demo

test: needs ## run every test, on SQLite and PostgreSQL, with a real browser, a schema validator and a validator of requests to Stripe
	HOLDFAST_TEST_BROWSER="$$(scripts/find-browser)" HOLDFAST_TEST_XMLLINT="$$(scripts/find-xmllint)" HOLDFAST_TEST_EXAMPLES=required scripts/with-postgres scripts/with-stripe-mock go test -timeout 15m ./...
	go test -C tools ./...

test-short: ## run the tests that need only Go: SQLite, no browser, no validator
	HOLDFAST_TEST_BROWSER= HOLDFAST_TEST_XMLLINT= HOLDFAST_TEST_EXAMPLES= HOLDFAST_TEST_STRIPE_MOCK= go test -short -timeout 10m ./...

test-cluster: ## test failures of three servers and three PostgreSQL nodes under Patroni; takes some minutes
	scripts/with-cluster go test -count=1 -v -timeout 15m ./tests/cluster

screenshots: needs ## take a picture of every page, on a phone and a desktop, in light and dark mode
	mkdir -p screenshots
	HOLDFAST_TEST_BROWSER="$$(scripts/find-browser)" HOLDFAST_TEST_SCREENSHOTS="$(CURDIR)/screenshots" go test -count=1 ./tests/browser

needs: ## install the missing programs for the tests, or list them
	@scripts/install-needs

check: fmt vet lint test ## run the checks that a change must pass

nightly: needs race ## run the long tests: the race detector, a minute of each fuzz test, many random checks and racing pairs
	scripts/with-postgres scripts/fuzz 1m
	HOLDFAST_RANDOM=1 RAPID_CHECKS=$(NIGHTLY_CHECKS) scripts/with-postgres go test -run AgreeWithTheModel -timeout 60m ./internal/processor
	HOLDFAST_RACES=$(NIGHTLY_RACES) scripts/with-postgres go test -run RacingPairs -timeout 60m ./internal/processor
	scripts/with-postgres go test -count=1 -run WhatAPaymentWrites ./internal/store -payments 20000
	go test -count=1 -run TestReceiversEndWithTheServersState ./internal/payment -event-runs 100000
	HOLDFAST_REPRODUCE=1 go test -count=1 -run Reproducible -timeout 60m ./tests/packages

bench: ## measure Holdfast and its yardsticks and write docs/benchmarks.md; takes hours on an idle machine, less with BENCHFLAGS="-runs 1 -only ceiling"
	scripts/with-postgres --durable go run -C tools ./bench -root .. $(BENCHFLAGS)

fmt: ## fail on files that gofmt would change
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; }

vet: ## run go vet
	go vet ./...

lint: ## run golangci-lint with .golangci.yml; the first run takes some minutes to build it
	$(LINT) run

race: ## run the tests with the race detector, with fewer random checks, because SQLite in Go is slow under it
	RAPID_CHECKS=20 scripts/with-postgres go test -race -short -timeout 30m ./...

golden: ## rewrite the golden answers of the API; review the diff like code
	go test ./internal/queryapi -update
	git diff --stat -- internal/queryapi/testdata

docs: ## rewrite the generated pages of docs/api; review the diff like code
	go test ./internal/queryapi ./internal/cobranded -run '^Test(PagesOf|PageOf|IndexOf)' -update
	git diff --stat -- docs/api

typescript: ## install the packages of the TypeScript client, make its types again and run its example
	npm ci --prefix clients/typescript --no-audit --no-fund
	go test -count=1 ./tests/examples -run TypeScript -update
	git diff --stat -- clients/typescript

fuzz: ## run each fuzz test for FUZZTIME (30s)
	scripts/with-postgres scripts/fuzz $(FUZZTIME)

vuln: ## look for known vulnerabilities in dependencies; needs vuln.go.dev
	go tool -modfile=tools/go.mod govulncheck ./...

release: ## make the binaries, packages, SBOMs and checksums of this commit in dist/
	go run -C tools ./release -root ..

mutants: ## put small faults into the rules, check that tests fail, and write docs/mutants.md; takes some minutes
	go run -C tools ./mutants -root ..
