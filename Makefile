# Every target sets itself up: the environment in .venv, Debian packages where it may, Go where it must.
# What a target does is in tools/ (or the package it names); here is only which target calls what.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help venv run cloud droplets test sanity kills faults faults-real planted mutations vm bench image image-cloud image-arm64 release publish e2e e2e-up e2e-down e2e-upstream e2e-third e2e-programs e2e-missing chart workflows lock lock-debian coverage check lint formatting types walls words screenshots site update formats verify clean
MAKEFLAGS += --no-print-directory

RUN := .venv/bin/python
ARGS ?=
export AIOCSI_KUBERNETES := $(KUBERNETES)

help: ## list the targets
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' \
		$(MAKEFILE_LIST)

venv: ## make or refresh the environment in .venv
	@python=$$(tools/python) && "$$python" -m tools.venv

##@ Try it
run: venv ## a volume's whole life while things break, root (ARGS=--facts, --html FILE)
	@$(RUN) -m tools.host_packages run
	@$(RUN) -m tools.walkthrough $(ARGS)

cloud: venv ## the embedded cloud alone (ARGS: its options, --help lists them)
	@$(RUN) -m tools.host_packages cloud
	@.venv/bin/aiocsi-localcloud $(ARGS)

droplets: venv ## the embedded cloud with two virtual machines to enter, root
	@$(RUN) -m tools.host_packages droplets
	@$(RUN) -m tools.guest.droplets $(ARGS)

##@ Test it
test: venv ## the tests, on every supported Python found (ARGS: words for pytest)
	@$(RUN) -m tools.host_packages test
	@$(RUN) -m tools.tiers $(ARGS)

sanity: venv ## csi-sanity, the official conformance suite, against real processes
	@$(RUN) -m tools.host_packages sanity
	@$(RUN) -m tests.sanity
	@$(RUN) -m tests.sanity.other_cloud

kills: venv ## kill the embedded cloud 200 times in the middle of work, root
	@$(RUN) -m tools.host_packages cloud
	@AIOCSI_TEST_KILLS=200 $(RUN) -m pytest -q tests/faults/localcloud $(ARGS)

bench: venv ## what the driver and the embedded cloud cost on this machine, root
	@$(RUN) -m tools.host_packages bench
	@set -e; for name in memory long_life node_cycle localcloud_speed; do echo "== $$name"; $(RUN) -m benchmarks.$$name; done

faults: venv ## crash and chaos in simulated time (SEEDS=N; ARGS=--seed N: one again)
	@$(RUN) -m tests.faults --seeds $(or $(SEEDS),200) $(ARGS)
	@$(RUN) -m tests.faults --cloud other --seeds 40
	@$(RUN) -m tests.faults.kept
	@$(RUN) -m tests.faults.proof --fast
	@$(RUN) -m tests.faults.warden --seeds 30
	@$(RUN) -m tests.faults.warden.proof --fast

faults-real: venv ## the real processes, killed while volumes move, root (MINUTES=N, 5)
	@$(RUN) -m tools.host_packages test
	@$(RUN) -m tests.faults.real --minutes $(or $(MINUTES),5) $(ARGS)

vm: venv ## the node in virtual machines with real SCSI disks, root (ARGS: words for pytest)
	@$(RUN) -m tools.host_packages vm
	@$(RUN) -m tools.tiers --droplets $(ARGS)

mutations: venv ## mutate what decides and reads formats: the unit tier must notice (SEED=N)
	@$(RUN) -m tests.mutations $(if $(SEED),--seed $(SEED)) $(ARGS)

planted: venv ## plant known bugs: the simulation must find each (ARGS: their names)
	@$(RUN) -m tests.faults.proof $(ARGS)
	@$(RUN) -m tests.faults.warden.proof

coverage: venv ## what the unit tier reaches; fails if it misses some of what decides
	@$(RUN) -m tools.reached

##@ Before a commit
check: venv ## lint, formatting, types, walls between packages, formats, words
	@$(MAKE) --keep-going -j2 --output-sync=target lint formatting types walls formats words

lint:
	.venv/bin/ruff check .

formatting:
	.venv/bin/ruff format --check .

types:
	.venv/bin/mypy .

walls:
	.venv/bin/lint-imports
	.venv/bin/python -m tests.walls

update: venv ## generate again what is generated
	@$(RUN) -m tools.generated update

formats: ## change each format that outlives a process: the golden files must notice
	@$(RUN) -m tests.contract.formats.plant

verify: venv ## fail if a generated file is not what would be generated
	@$(RUN) -m tools.generated verify

##@ Images and releases
image: venv ## make the container images of driver and embedded cloud, and test them (root)
	@$(RUN) -m tools.host_packages image
	@$(RUN) -m tools.image
	@$(RUN) -m tools.image cloud
	@$(RUN) -m pytest -q tests/image

image-cloud: venv ## only that of the embedded cloud (root)
	@$(RUN) -m tools.host_packages image
	@$(RUN) -m tools.image cloud
	@$(RUN) -m pytest -q tests/image/test_cloud_image.py

image-arm64: venv ## make the image for arm64, and start its programs under emulation (root)
	@$(RUN) -m tools.host_packages image image-arm64
	@$(RUN) -m tools.image.emulation

release: venv ## make a release, root (VERSION=N.N.N KEY=cosign.key TESTED=yes)
	@$(RUN) -m tools.host_packages image
	@$(RUN) -m tools.release "$(VERSION)" --key="$(KEY)" $(if $(TESTED),--tested)

publish: venv ## push that release, and verify it (VERSION= REGISTRY=host/path KEY=cosign.key)
	@$(RUN) -m tools.release.publish "dist/release/$(VERSION)" "$(REGISTRY)" --key="$(KEY)"

##@ On a cluster
e2e: venv ## make a kind cluster, test the driver on it, remove it, root (KUBERNETES=1.34)
	@$(RUN) -m tools.host_packages e2e
	@$(RUN) -m tools.go_programs cosign crane
	@$(RUN) -m tests.e2e.cluster run $(ARGS)

e2e-third: venv ## the same and a third of upstream's storage suite, without the longest tests
	@$(RUN) -m tools.host_packages e2e
	@$(RUN) -m tests.e2e.cluster run --third $(ARGS)

e2e-programs: venv ## build what the cluster and upstream's suite need, if it is not there
	@$(RUN) -m tools.host_packages e2e
	@$(RUN) -m tests.e2e.cluster programs

e2e-missing: venv
	@$(RUN) -m tools.host_packages e2e >/dev/null
	@$(RUN) -m tests.e2e.cluster missing

e2e-up: venv ## make the kind cluster with the driver, and leave it
	@$(RUN) -m tools.host_packages e2e
	@$(RUN) -m tests.e2e.cluster up

e2e-down: venv ## remove the kind cluster, its cloud and its engine
	@$(RUN) -m tests.e2e.cluster down

e2e-upstream: venv ## upstream's storage suite on the cluster of e2e-up (ARGS: -skip=Slow)
	@$(RUN) -m tests.e2e.suite $(ARGS)

##@ Documents
screenshots: venv ## pictures of the embedded cloud's page in artifacts/page (Chromium)
	@$(RUN) -m tools.host_packages test
	@$(RUN) -m pytest -q tests/integration/browser -k nothing_is_cut_off

site: venv ## the documentation as a site in build/site; a broken link fails
	@$(RUN) -m tools.site

words: venv ## check the words of the documentation, docstrings and messages (docs/style.md)
	@$(RUN) -m tools.words

##@ More checks
workflows: venv ## check the definitions for GitHub's runners
	@$(RUN) -m tools.workflows

chart: venv ## render, check and test the Helm chart
	@$(RUN) -m tools.host_packages chart
	@$(RUN) -m tools.go_programs helm helm4 kubeconform kube-score promtool etcd kube-apiserver kube-controller-manager kube-scheduler kubectl >/dev/null
	@$(RUN) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests/chart

##@ Locks, and tidying up
lock: venv ## pin and hash what pyproject.toml asks for (ARGS=--upgrade: the newest of it)
	@PATH="$(CURDIR)/.venv/bin:$$PATH" $(RUN) -m tools.lock $(ARGS)

lock-debian: venv ## pin and hash the Debian packages of the image as they are now (root)
	@$(RUN) -m tools.host_packages image
	@$(RUN) -m tools.image.debian

clean: ## remove the environments and what programs left in the tree
	rm -rf .venv .venv-* .venv*.lock build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
