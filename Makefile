# Everything a person or CI runs. `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

SCENARIO ?= lab/scenarios/flagship.yaml

# No telemetry, no look-ups outside the package registries.
export SAM_CLI_TELEMETRY := 0
export AWS_EC2_METADATA_DISABLED := true
export UV_PYTHON_DOWNLOADS := never
# The lab loads the layer anew for each function: its compiled modules are worth keeping.
export PYTHONDONTWRITEBYTECODE :=
# Certificates are trusted as the machine trusts them, as pip does.
export UV_SYSTEM_CERTS := true

UV := .venv/bin/uv
# `sam build` takes the first python3.13 on PATH, which may be a shim that refuses to run.
SAM := PATH="$(CURDIR)/.venv/tools/sam/bin:$$PATH" sam
READY := .venv/dev.stamp .venv/tools/sam.stamp .venv/tools/ministack.stamp
BUILT := .aws-sam/build/template.yaml
TEMPLATES := $(wildcard template.yaml templates/*.yaml)
SOURCES := template.yaml $(wildcard samconfig.toml) \
  $(shell find functions layers -not -path '*/__pycache__*' 2>/dev/null)

.PHONY: help setup build lint test check demo lab rehearse local bench properties mutants lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## make .venv with everything the project needs
	@echo "set-up: ready; the command is .venv/bin/replimend"

build: setup $(BUILT) ## build the application with the SAM CLI, into .aws-sam

lint: setup ## check format, lint rules and types
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy

test: lint build ## everything CI checks: lint, types, template, build, every test
	for template in $(TEMPLATES); do $(SAM) validate --lint --template "$$template"; done
	.venv/bin/pytest -n 2 --dist worksteal -rs

check: test ## the same, by its other name

demo: build ## the main job on the lab, told as a story (SCENARIO=lab/scenarios/….yaml)
	@.venv/bin/python -m lab.demo "$(SCENARIO)"

lab: build ## serve the lab over HTTP
	@.venv/bin/python -m lab.serve

rehearse: build ## deploy the built template onto ministack and send it an event
	@.venv/bin/python -m lab.rehearse

local: build ## run one event in a container against the lab (EVENT=events/….json)
	@.venv/bin/python -m lab.local "$(or $(EVENT),$(error say which event: make local EVENT=events/….json))"

# Beside a build, what ours is measured beside: another reader, two copiers and their S3 server.
bench: build .venv/tools/peer.stamp .venv/tools/copybench.stamp ## measure; prints figures
	@for bench in tests/bench/bench_*.py; do .venv/bin/python "$$bench"; done

properties: setup ## try ten times the examples of what must hold (PROOF_SCALE=…)
	PROOF_SCALE=$(or $(PROOF_SCALE),10) .venv/bin/python -m pytest -q -p tests.examples \
	  tests/unit/proof tests/unit/access

# What decides on access, mutated; each mutant that no test notices is printed with its change.
mutants: .venv/dev.stamp .venv/tools/mutation.stamp ## mutate what decides on access (ONLY=…)
	@.venv/bin/python tests/bench/mutants.py $(if $(ONLY),"$(ONLY)")

lock: $(UV) ## compile the lock files again (LOCK=--upgrade for newer versions)
	$(call compile,requirements/uv.in,requirements/uv.txt)
	$(call compile,requirements/layer.in,layers/core/requirements.txt)
	$(call compile,pyproject.toml requirements/dev.in,requirements/dev.txt)
	$(call compile,requirements/sam.in,requirements/sam.txt)
	$(call compile,requirements/ministack.in,requirements/ministack.txt)
	$(call compile,requirements/peer.in,requirements/peer.txt)
	$(call compile,requirements/copybench.in,requirements/copybench.txt)
	$(call compile,pyproject.toml requirements/mutation.in,requirements/mutation.txt)

clean: ## remove everything that make made, .venv included
	rm -rf .venv .aws-sam .mutants .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Hashes for every platform; no registry address, so that a mirror serves as well.
compile = $(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock' \
  $(LOCK) $(1) --output-file $(2)

# A pyenv shim can be on PATH and refuse to run, so each candidate is tried.
python313 = for candidate in $$(type -aP python3.13) \
    "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13*/bin/python3.13; do \
    "$$candidate" -c '' 2>/dev/null && break; candidate=; \
  done; \
  [ -n "$$candidate" ] || { echo 'set-up: no python3.13 found; pyenv install 3.13' >&2; exit 1; }

$(UV): requirements/uv.txt
	@echo "set-up: Python 3.13 and uv, in .venv"
	@$(python313); "$$candidate" -m venv .venv
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml $(UV)
	@echo "set-up: the project, its lab and its checks, in .venv"
	@$(UV) pip sync --quiet --require-hashes --python .venv/bin/python $<
	@$(UV) pip install --quiet --no-deps --no-build-isolation --python .venv/bin/python -e .
	@touch $@

# Tools whose pins cannot share an environment with the project's.
.venv/tools/%.stamp: requirements/%.txt $(UV)
	@echo "set-up: $*, in .venv/tools/$*"
	@$(UV) venv --quiet --allow-existing --python .venv/bin/python .venv/tools/$*
	@$(UV) pip sync --quiet --require-hashes --python .venv/tools/$*/bin/python $<
	@touch $@

$(BUILT): $(SOURCES) .venv/tools/sam.stamp
	$(SAM) build --cached
	@touch $@
