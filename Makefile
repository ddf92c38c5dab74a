# To build and run Inlet, make needs Go alone. The tests also need PostgreSQL's
# binaries, with which they start a private server, and the race detector a C
# compiler. test-js, vendor and e2e need Node.js, and cluster needs nginx.

# The service is one static binary without C. Only the race detector needs C.
export CGO_ENABLED = 0

GO        ?= go
FUZZTIME  ?= 60s
BENCHTIME ?= 1s
TESTFLAGS ?=
BENCHFLAGS ?=
LOADFLAGS ?=
ROWS      ?= 1000000,10000000
ACCURACYFLAGS ?=
CLUSTERFLAGS ?=
GROWTH    ?= 10000 1000000
LOADTIME  ?= 5m
E2E       ?= test/*.test.mjs
PROFILE   ?= .cache/cover.out

GOLANGCI_LINT := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0

# Packages whose coverage has a floor, and the floor in percent.
COVERED := link upload stats imaging
FLOOR   := 80

# The product, the module that measures it, the module that deploys it, and the one
# that makes its assembly. Programs run in the folder of their module: a folder in
# their flags is relative to that.
MODULES := . bench deploy/tools learn/tools
each = @for module in $(MODULES); do (cd $$module && echo "== $$module" && $(1)) || exit 1; done

# Packages that compute in one goroutine: the race detector makes their tests
# twenty times slower and finds nothing. The SHARED tests of imaging and learn/net,
# and those of every package above, run with it: they cover the pools and the bound
# of memory that goroutines share.
COMPUTING := inlet/imaging inlet/imaging/area inlet/imaging/dcjpeg inlet/imaging/exif inlet/imaging/fingerprint inlet/imaging/isobmff inlet/imaging/quality inlet/learn inlet/learn/features inlet/learn/gemm inlet/learn/net
SHARED    := AtOnce
DRAWN     := ./accuracy ./learn ./photo

HAVE_CC := $(shell command -v $${CC:-cc} >/dev/null 2>&1 && echo yes)
ifeq ($(HAVE_CC),yes)
RACE := CGO_ENABLED=1 $(GO) test -race
else
RACE := $(GO) test
endif

# Runs the tests of the pages' scripts.
NODE ?= node

.PHONY: help run cluster cluster-load build test test-js scripts vendor weights reviewer check check-deploy dashboards lint fmt tidy vet vuln bench bench-go bench-upload load growth accuracy learn kills heavy fuzz cover e2e e2e-bars

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the service on this machine, with nothing configured
	$(GO) run ./cmd/inlet

cluster: ## Start three replicas and two workers behind nginx, with stores of their own (CLUSTERFLAGS=-h)
	cd deploy/tools && $(GO) run ./cluster $(CLUSTERFLAGS)

cluster-load: ## A thousand users on that cluster for LOADTIME (5m), while processes are killed and Redis is restarted
	cd deploy/tools && $(GO) run ./cluster -addr 127.0.0.1:0 -faults $(CLUSTERFLAGS) -- sh -c \
		'exec $(GO) run -C ../../bench ./load -users 1000 -links 10 -reconnect -duration $(LOADTIME) -database "$$INLET_DATABASE_URL" $(LOADFLAGS)'

build: ## Build the static binary ./inlet
	$(GO) build -trimpath -o inlet ./cmd/inlet

test: ## Run every test, with the race detector where a C compiler is found
ifneq ($(HAVE_CC),yes)
	@echo "no C compiler: running the tests without the race detector"
endif
	$(RACE) $(TESTFLAGS) $(filter-out $(COMPUTING),$(shell $(GO) list ./...))
	$(GO) test $(TESTFLAGS) $(COMPUTING)
	$(RACE) $(TESTFLAGS) -run '$(SHARED)' inlet/imaging inlet/learn/net
	$(GO) test $(TESTFLAGS) -tags purego inlet/learn/features inlet/learn/gemm inlet/learn/net
	$(GO) vet -tags noweights inlet/learn/net
	cd bench && $(RACE) $(TESTFLAGS) $(filter-out $(DRAWN:./%=inlet/bench/%),$(shell cd bench && $(GO) list ./...))
	cd bench && $(GO) test $(TESTFLAGS) $(DRAWN)
	cd deploy/tools && $(RACE) $(TESTFLAGS) ./cluster
	cd deploy/tools && $(GO) test $(TESTFLAGS) ./check ./dashboards
	cd learn/tools && $(GO) test $(TESTFLAGS) ./...

test-js: ## Run the tests of the pages' scripts (needs Node.js 20)
	$(NODE) --test web/pages/jstest/

scripts: ## Make the bundles that the pages load, after a change of web/pages/scripts
	$(GO) generate ./web/pages

# The repository contains the pages' libraries; this target put them there.
vendor: ## Copy the pages' libraries out of npm packages, in the versions of web/pages/package.json
	cd web/pages && npm ci
	cd web/pages && cp node_modules/tus-js-client/dist/tus.min.js node_modules/tus-js-client/LICENSE assets/vendor/tus-js-client/
	cd web/pages && cp $(addprefix node_modules/@noble/hashes/,sha2.js _md.js _u64.js utils.js LICENSE) scripts/vendor/noble-hashes/
	cd web/pages && cp $(addprefix node_modules/world-atlas/,countries-110m.json LICENSE) assets/vendor/world-atlas/
	$(GO) generate ./web/pages

# The repository contains what this target writes.
weights: ## Convert the nets' weights out of npm packages, and compute what their test compares with (needs Node.js 20)
	cd learn/tools/weights && npm ci && npm run convert && npm run reference

reviewer: ## Write the second opinion on what is sensitive out of its npm package: learn/net/reviewer.bin (needs Node.js 20)
	cd learn/tools/weights && npm ci && npm run reviewer

check: tidy vet lint vuln ## Formatting, linters, import order, go.mod, known vulnerabilities

# Prints every check that it skips.
check-deploy: ## Hold manifests, alerts and dashboards against Kubernetes' types and Inlet's metrics
	@if command -v promtool >/dev/null 2>&1; then \
		promtool check config prometheus.yml && promtool test rules deploy/prometheus/rules_test.yml; \
	else echo "SKIPPED: promtool check config, promtool test rules: promtool (Debian's package prometheus) is not here"; fi
	cd deploy/tools && $(GO) test -count=1 ./check ./dashboards

dashboards: ## Write Grafana's dashboards anew
	cd deploy/tools && $(GO) run ./dashboards

lint: ## Run the linters
	$(call each,$(GOLANGCI_LINT) run ./...)

fmt: ## Format the code
	$(call each,$(GOLANGCI_LINT) fmt ./...)

tidy: ## Check go.mod and go.sum
	$(call each,$(GO) mod tidy -diff)
	$(GO) mod verify # of the other modules it would want this one as an archive

vet: ## Run go vet
	$(call each,$(GO) vet ./...)

# A vulnerability fails the check. A database out of reach does not, but the check
# prints it. Only the product ships, so only the product is checked.
vuln: ## Look for known vulnerabilities that the product calls
	@mkdir -p .cache; \
	if $(GOVULNCHECK) ./... >.cache/vuln.log 2>&1; then echo "govulncheck: no known vulnerability is called"; \
	elif grep -q '^govulncheck: fetching' .cache/vuln.log; then \
		echo "govulncheck: NOT CHECKED, the vulnerability database is out of reach"; \
	else cat .cache/vuln.log; exit 1; fi

bench: ## Find near-duplicates among millions of pictures (ROWS=1000000,10000000; 20 GB, half an hour)
	cd bench && $(GO) run ./lookup -rows $(ROWS)

bench-go: ## Run the Go benchmarks (BENCHTIME=1s)
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./imaging/... ./upload/... ./link/... ./learn/...

bench-upload: ## Compare whole uploads with those to a bare server (BENCHFLAGS=-quick)
	cd bench && $(GO) run ./upload $(BENCHFLAGS)

load: ## Put a thousand users on a private service, then verify every byte and counter (LOADFLAGS=-users 1000)
	cd bench && $(GO) run ./load $(LOADFLAGS)

growth: ## What an upload costs with 10 thousand and with a million pictures stored (GROWTH=10000 1000000)
	cd deploy/tools && $(GO) run ./cluster -addr 127.0.0.1:0 -replicas 1 -workers 1 -blobs file -- ../../bench/growth $(GROWTH)

kills: ## Kill workers KILLS (50) times while they make features, train and predict
	INLET_TEST_KILLS=$(or $(KILLS),50) $(GO) test -count=1 -timeout 30m -run WorkersKilled -v ./cmd/inlet

accuracy: ## Match copies and near-duplicates of photos (ACCURACYFLAGS=-dir FOLDER)
	cd bench && $(GO) run ./accuracy $(ACCURACYFLAGS)

learn: ## What a model learns from few labels of the features, on sets that Debian ships (LEARNFLAGS=-quick; 1 GB, half an hour)
	cd bench && $(GO) run ./learn $(LEARNFLAGS)

e2e: build e2e/node_modules ## Drive the pages in a real Chromium, and a public tus client (needs node 20)
	rm -rf e2e/output
	cd e2e && INLET_BINARY=../inlet E2E='$(E2E)' npm test

e2e-bars: build e2e/node_modules ## Measure the upload page with 500 photos dropped at once (PHOTOS=500; 3 GB)
	cd e2e && INLET_BINARY=../inlet npm run bars

e2e/node_modules: e2e/package-lock.json
	cd e2e && npm ci
	@touch $@

heavy: ## Measure the memory of thirty large uploads at once (writes 2 GB)
	INLET_HEAVY=1 $(GO) test -count=1 -v -run ThirtyLargeFiles ./cmd/inlet

fuzz: ## Run each fuzz target for FUZZTIME (60s)
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sed 's/:func / /' | sort | while read -r file target; do \
		echo "== $$target ($$(dirname $$file)), $(FUZZTIME)"; \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$(dirname $$file) || exit 1; \
	done

cover: ## Measure the coverage of the packages that have a floor
	@mkdir -p $(dir $(PROFILE))
	$(GO) test $(TESTFLAGS) -coverprofile $(PROFILE) $(COVERED:%=./%/...)
	@for p in $(COVERED); do \
		awk -v p="inlet/$$p/" -v floor=$(FLOOR) \
			'index($$1, p) == 1 { n[$$1] = $$2; if ($$3 > 0) hit[$$1] = 1 } \
			END { for (b in n) { all += n[b]; if (b in hit) covered += n[b] } \
				if (!all) { print p " has no statement"; exit 1 } \
				c = 100 * covered / all; printf "coverage of %-15s %5.1f%% (floor %d%%)\n", p "...", c, floor; exit c < floor }' \
			$(PROFILE) || exit 1; \
	done
