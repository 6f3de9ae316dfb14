# Everything is set up in .venv, with nothing but Python 3.11+ and make on the machine.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --system-certs --constraint .ci/constraints.txt

# Containers tend to forbid bytecode: then each of the many processes here would compile LangGraph anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo dev test lint format docs bench notebooks simulate versions clean

demo: .venv/demo.done
	$(BIN)/python -m agent_tools.demo

# Everything that development needs, in .venv.
dev: .venv/dev.done
	@echo "Ready. Run: make test, make lint, make docs"

# Much of the time is spent waiting for servers, kernels and processes: four workers keep two cores busy.
test: .venv/dev.done
	@command -v redis-server > /dev/null || echo "redis-server is missing: the tests of shared health are skipped (apt-get install redis-server)" >&2
	$(BIN)/python -m pytest -n 4 --dist worksteal --cov --cov-report=term

lint: .venv/dev.done docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.docs.block_types
	$(BIN)/lint-imports

format: .venv/dev.done
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Writes the site to site/; a broken link or reference is an error.
docs: .venv/dev.done
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --config-file docs/site/mkdocs.yml

bench: .venv/dev.done
	$(BIN)/python -m tests.benchmarks

# Writes the outputs of the notebooks anew; `make test` only runs them.
notebooks: .venv/dev.done
	$(BIN)/python -m tests.docs.notebooks

simulate: .venv/dev.done
	$(BIN)/python -m tests.simulation --jobs 2 --workers 1 --workers 50 --store shared \
		--contender ours --contender "ours, patient" --contender ToolRetryMiddleware --contender oracle \
		--picture docs/pictures/outages.png

versions: .venv/dev.done
	$(BIN)/python -m tests.versions

clean:
	rm -rf .venv

# uv resolves in a second what the pip that comes with Python may resolve into broken builds.
.venv/bin/uv: .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; set PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt uv
	@touch $@

.venv/demo.done: .venv/bin/uv pyproject.toml
	$(INSTALL) --editable '.[demo]'
	@touch $@

.venv/dev.done: .venv/bin/uv pyproject.toml
	$(INSTALL) --editable '.[demo,langchain,otel,redis]' --group dev
	@touch $@
