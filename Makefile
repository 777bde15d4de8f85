# The project's commands. `make` alone lists them. Needs Python 3.11 or newer, nothing else.
# PYTHON: the interpreters to try, in this order.   ARGS: more arguments for run, test, soak and bench.
PYTHON = python3.11 python3.12 python3.13 python3
# JOBS: so many test files at a time; they wait for sessions and brokers more than they compute.
ARGS =
JOBS = 4
DOCKER = docker
IMAGE = streamjoin:0.1.0
UV = uv==0.13.9

bin := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup run test soak bench compat lint format documents lock image clean

# $(call with_python,ARGUMENTS): runs the first interpreter that works (a pyenv shim may be there
# and not run), is new enough and can make a venv (Debian splits that off).
define with_python
novenv=; for python in $(PYTHON); do \
  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
  "$$python" -c 'import ensurepip, venv' 2>/dev/null || { novenv=$$python; continue; }; \
  exec "$$python" $(1); \
done; \
if [ -n "$$novenv" ]; then \
  echo "make setup: $$novenv has no venv module; install it (Debian, Ubuntu: apt install python3-venv)" >&2; \
else \
  echo "make setup: Python 3.11 or newer is needed, none of: $(PYTHON). Name one: make setup PYTHON=/path/to/python3" >&2; \
fi; exit 1
endef

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv with every pinned package and .venv/bin/streamjoin
	@$(call with_python,deploy/setup_venv.py)

run: setup ## Start Kafka and a worker, replay a week of a real shop, serve http://127.0.0.1:6066
	@$(bin)/streamjoin demo $(ARGS)

test: lint ## Run the checks and all tests
	@$(bin)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

soak: setup ## Break workers, broker and disks for 100 minutes (HOURS=...), print what came of it
	@$(bin)/python -m tests.chaos.soak $(if $(HOURS),--hours $(HOURS)) $(ARGS)

bench: setup ## Measure against stock Faust and a bare aiokafka loop
	@$(bin)/python -m benchmarks $(ARGS)

compat: setup ## Run the sample on Kafka 4.3, 4.0, 3.9, 3.6 and 3.5; before a release
	@$(bin)/python -m tests.compat $(ARGS)

lint: setup ## Check style, types and the direction of imports
	@$(bin)/ruff check
	@$(bin)/ruff format --check
	@$(bin)/mypy
	@$(bin)/lint-imports

format: setup ## Put the source into its standard form
	@$(bin)/ruff check --fix
	@$(bin)/ruff format

documents: setup ## Write docs/openapi.json, topics.md, metrics.md, settings.md from the code
	@$(bin)/python -m app.documents

lock: ## Renew requirements.lock from pyproject.toml (UPGRADE=--upgrade: newer indirect packages)
	@$(call with_python,deploy/relock.py $(UV) $(UPGRADE))

image: ## Build the container image (DOCKER=podman works too)
	$(DOCKER) build --tag $(IMAGE) .

clean: ## Remove .venv, builds and caches
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
