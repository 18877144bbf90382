# orch: the words of this house. Each makes what it needs: a fresh checkout wants only
# Python 3.11 to 3.14, git and make. Another interpreter: `make PYTHON=python3.13`.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq

.DEFAULT_GOAL := ready
.PHONY: ready demo test test-thought test-runs test-editors test-shells fuzz soak check bless bench pictures syntax vscode lock

ready: $(STAMP)
	@echo "ready: make demo, make test, make fuzz, make soak, make check, make bless, make bench, make lock, make pictures"

# The demonstration: orch builds, lints, tests and guards itself.
demo: $(STAMP)
	$(BIN)/orch run pipelines/diagnostics.pipeline

# Everything that is asserted; a part of it: make test ARGS=tests/house
# The whole is two halves of about the same length, at once: what mostly thinks; and the runtime
# with its processes, editors, pages and the house. What one says is shown when it has ended.
test: $(STAMP)
ifdef ARGS
	$(BIN)/pytest $(ARGS)
else
	@echo "two halves at once, each shown when it has ended: some minutes"
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target test-thought test-runs
endif

PROCESSES := $(wildcard $(addprefix tests/,docs faults house library lsp runs runtime))
test-thought: $(STAMP)
	$(BIN)/pytest $(filter-out $(PROCESSES) tests/shells %.py %/__pycache__,$(wildcard tests/*))

test-runs: $(STAMP)
	$(BIN)/pytest $(PROCESSES)

# Reports as a real browser shows them: Debian's chromium, driven by what lies in .browser/.
.PHONY: test-browser
test-browser: $(STAMP) .browser/.installed
	@command -v chromium >/dev/null || \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } || \
	  { echo "no chromium, and it could not be installed: apt-get install chromium" >&2; exit 1; }
	TEST_BROWSER=chromium PYTHONPATH=.browser $(BIN)/pytest tests/browser $(ARGS)

# What editors make of pipeline files: VS Code's engine, Vim's syntax, neovim's own client. It wants
# node and npm, and installs Vim and neovim where they are missing.
test-editors: $(STAMP) editors/vscode/node_modules/.installed
	@{ command -v nvim && command -v vim; } >/dev/null || \
	  { apt-get update -qq && apt-get install -y -qq neovim vim; } >/dev/null || \
	  { echo "no vim or neovim, and they could not be installed" >&2; exit 1; }
	TEST_EDITORS=1 $(BIN)/pytest tests/editors $(ARGS)

# Completion in zsh and fish, as people type; `make test` has bash. What is missing is installed.
test-shells: $(STAMP)
	@{ command -v zsh && command -v fish; } >/dev/null || { \
	  apt-get update -qq && apt-get install -y -qq zsh fish; } >/dev/null
	$(BIN)/pytest tests/shells $(ARGS)

# The random tests with new seeds, told at the end, for some MINUTES in all; a failure prints the
# one that replays it, or what hypothesis has shrunk it to:
# ORCH_FUZZ_SEED=7 make test ARGS=tests/properties/…
MINUTES ?= 10
fuzz: $(STAMP)
	ORCH_FUZZ_MINUTES=$(MINUTES) $(BIN)/pytest tests/properties tests/runs/test_handed_on_bytes.py $(ARGS)

# orch, its wardens, or both killed at steps and moments of chance, and every run resumed to its
# end, for some MINUTES or until so many KILLS; SEED and ROUND do one again.
soak: $(STAMP)
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES) $(if $(KILLS),--kills $(KILLS)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(ROUND),--round $(ROUND))

# Form, types, borders and tidiness: what needs no run to be judged.
check: $(STAMP)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/house/test_tidy.py

# Snapshots of plans and diagnostics written anew; read the diff before it is committed.
bless: $(STAMP)
	$(BIN)/pytest --snapshot-update $(ARGS)

# What it costs, beside peers that live in an environment of their own.
bench: $(STAMP) .venv-bench/.installed
	$(BIN)/python -m benchmarks.bench $(ARGS)

# The pictures of README and manual, taken of real runs in a terminal, of an editor in one (it wants
# neovim), and of a report in a browser.
pictures: $(STAMP) .browser/.installed
	$(BIN)/python -m docs.pictures.make_pictures
	$(BIN)/python -m docs.pictures.make_editor_picture
	PYTHONPATH=.browser $(BIN)/python -m docs.pictures.make_report_picture

# What editors know of the language, written anew from its own table; a test holds them together.
syntax: $(STAMP)
	$(BIN)/python -m editors.make_syntax

# VS Code's extension, packaged in build/. It wants node and npm.
vscode: editors/vscode/node_modules/.installed
	@mkdir -p build
	@cp LICENSE editors/vscode/LICENSE
	cd editors/vscode && npx --no-install vsce package --no-dependencies \
	  --allow-missing-repository --out ../../build/

# The newest versions that pyproject.toml allows, with their hashes, for Python 3.11 to 3.14.
lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip --disable-pip-version-check -qq install uv
	.venv-lock/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --upgrade --quiet --custom-compile-command "make lock" \
	  --output-file requirements.lock
	rm -rf .venv-lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { \
	  echo "orch needs Python 3.11 to 3.14: name one, such as make PYTHON=python3.12" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "making .venv …"; $(PYTHON) -m venv --clear .venv; }
	@echo "installing what requirements.lock names …"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src/orch src/orch/*/  # It follows no link to a room by itself.
	@touch $@

.browser/.installed: tests/browser/requirements.txt | $(STAMP)
	@rm -rf .browser
	@$(PIP) install --target .browser --requirement $<
	@touch $@

.venv-bench/.installed: benchmarks/requirements.txt
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check -qq install --requirement $<
	@touch $@

editors/vscode/node_modules/.installed: editors/vscode/package-lock.json
	cd editors/vscode && npm ci --silent
	@touch $@
