# pgaf: make help lists the targets.
#
# The extension is installed with PGXS, in a second make (PGXS=1) of its own: PGXS
# defines targets of the same names, and is absent until `make deps` has run.

PG_CONFIG ?= $(firstword $(wildcard $(shell command -v pg_config)) $(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin/pg_config))) pg_config)
GO        ?= go
export PG_CONFIG

EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" pgautofailover.control)
EXTSQL     := build/pgautofailover--$(EXTVERSION).sql
UPDATE     := build/pgautofailover--2.0--$(EXTVERSION).sql

ifdef PGXS_PART

EXTENSION = pgautofailover
DATA      = $(EXTSQL) $(UPDATE)
PGXS      = $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

else

export PATH := $(PATH):/usr/local/go/bin
export GOFLAGS := -buildvcs=false $(GOFLAGS)

# Everything but the cluster tests, which need real hosts and minutes.
UNIT_PACKAGES = $(shell $(GO) list ./... | grep -v '/regress/cluster$$')

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.PHONY: help build docs install deb demo demo-clean test lint test-sql test-upgrade test-deb test-versions test-go test-model model test-cluster bench bench-monitor deps deps-demo check-go clean bin/pgaf

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  PG_CONFIG=$(PG_CONFIG) selects the PostgreSQL to build for and to test with"

build: bin/pgaf $(EXTSQL) $(UPDATE) ## bin/pgaf and the extension's scripts

bin/pgaf: check-go # go itself knows what is out of date
	$(GO) build -o $@ ./cmd/pgaf

# The same text as the binary carries (package sql).
$(EXTSQL): $(sort $(wildcard sql/*.sql)) pgautofailover.control
	@mkdir -p $(@D)
	cat $(sort $(wildcard sql/*.sql)) > $@

# From pg_auto_failover 2.0: the whole script of this version stands at the marked line.
$(UPDATE): $(EXTSQL) sql/upgrade/pgautofailover--2.0--$(EXTVERSION).sql
	sed '/^-- @script@/r $(EXTSQL)' sql/upgrade/$(@F) > $@

docs: check-go ## docs/commands.md, from the structs of cmd/pgaf
	$(GO) run ./cmd/pgaf internal docs docs

install: build ## the extension's files and pgaf, where PG_CONFIG says (DESTDIR is respected)
	$(MAKE) --no-print-directory PGXS_PART=1 install
	install -d '$(DESTDIR)$(shell $(PG_CONFIG) --bindir)'
	install -m 755 bin/pgaf '$(DESTDIR)$(shell $(PG_CONFIG) --bindir)/pgaf'

deb: build ## Debian packages in build/deb: pgaf for amd64 and arm64, pgaf-pg-autoctl, postgresql-NN-pgautofailover
	@sh cmd/pgaf/package/build.sh

demo: deps-demo build ## a cluster that switches over and fails over while a client writes
	@$(GO) run ./regress/demo

demo-clean: ## end the demo's cluster and remove its files
	@$(GO) run ./regress/demo clean

test: ## all tests: lint, test-sql, test-upgrade, test-deb, test-go, test-model, test-cluster
	@sh regress/test.sh $(MAKE) deps lint test-sql test-upgrade test-deb test-go test-model test-cluster

lint: check-go ## gofmt and go vet
	@bad=$$(gofmt -l $$(find . -name '*.go' -not -path './.git/*')); \
	if [ -n "$$bad" ]; then echo "gofmt would change:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...

test-sql: $(EXTSQL) $(UPDATE) ## pg_regress and isolation tests of the extension on a private Postgres (TESTS="two_nodes names")
	@$(if $(TESTS),TESTS='$(TESTS)') sh regress/sql.sh

test-upgrade: $(EXTSQL) $(UPDATE) ## a monitor of pg_auto_failover 2.0 is updated (fetches Debian's package once)
	@sh regress/upgrade.sh

test-deb: deb ## the packages are installed, run, upgraded and removed in a copy of this machine's file system (root)
	@sh regress/deb.sh

test-versions: $(EXTSQL) ## the extension's tests on PostgreSQL 13 to 18, fetched with npm (VERSIONS="15 18")
	@$(if $(VERSIONS),VERSIONS='$(VERSIONS)') sh regress/versions.sh

test-go: build ## Go tests but the cluster tests
	@PGAF_BIN=$(CURDIR)/bin/pgaf $(GO) test -count=1 -timeout 20m $(UNIT_PACKAGES)

test-model: check-go ## the model checker: what it found before, all short orders, mutations, random walks (three minutes)
	@$(GO) run ./regress/modelcheck

model: check-go ## random walks of the model checker: SECONDS=60 SEED=1 NODES=0 (0: one to four), or a SCRIPT=file
	@$(GO) run ./regress/modelcheck $(if $(SCRIPT),-script '$(SCRIPT)',-walk) -seconds $(or $(SECONDS),60) -seed $(or $(SEED),1) -nodes $(or $(NODES),0)

test-cluster: build ## real nodes, real faults, a client that counts
	@PGAF_BIN=$(CURDIR)/bin/pgaf $(GO) test -count=1 -timeout 25m -v ./regress/cluster $(if $(value RUN),-run '$(value RUN)')

bench: deps build ## gaps of a writing client for every fault, beside the raw limit
	@PGAF_BIN=bin/pgaf $(GO) run ./regress/bench $(BENCH)

bench-monitor: deps build ## cost of the monitor's SQL: heartbeats, failovers, notifications
	@$(GO) run ./regress/benchmonitor $(BENCH)

deps: ## install what is missing: PostgreSQL, its development files, iproute2, zsh, fish, mandoc, openssl
	@sh regress/deps.sh

deps-demo:
	@sh regress/deps.sh demo

check-go:
	@sh regress/deps.sh go

clean: ## remove what was built
	rm -rf bin build results regression.diffs regression.out output_iso tmp_check

endif
