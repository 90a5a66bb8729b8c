# Two commands on a fresh machine do all set-up: `make demo` and `make test`. Everything lands in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# `all` installs the real coding agents (scripts/agents) and tests with them; `none` leaves those tests out.
AGENTS ?= all
ifeq ($(AGENTS),none)
WITHOUT_AGENTS := and not agent_cli
else
WITHOUT_AGENTS :=
endif

# `all` installs torch and what teaching needs, and tests it; `none` leaves those tests out.
TEACH ?= all
ifeq ($(TEACH),none)
WITHOUT_TEACH := and not teach
else
WITHOUT_TEACH :=
endif

# The demo teaches a tiny student, which needs torch; without it the demo measures only and says so.
ifeq ($(TEACH),none)
DEMO_NEEDS := .installed-base
else
DEMO_NEEDS := .installed-demo
endif

.PHONY: demo test test-all agents teach check format docs bench clean

demo: $(VENV)/$(DEMO_NEEDS)
	@$(BIN)/hone demo

agents:
ifeq ($(AGENTS),none)
	@echo "AGENTS=none: the tests with real coding agents (marker agent_cli) are left out" >&2
else
	@scripts/agents
endif

ifeq ($(TEACH),none)
teach:
	@echo "TEACH=none: the tests of teaching and of local models (marker teach) are left out" >&2
else
teach: $(VENV)/.installed-teach
endif

test: $(VENV)/.installed-dev agents teach
	@scripts/system-packages bubblewrap chromium
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --hypothesis-profile=steady -m "not slow and not gpu and not ray $(WITHOUT_AGENTS) $(WITHOUT_TEACH)"

test-all: $(VENV)/.installed-dev agents teach
	@scripts/system-packages bubblewrap chromium
	@$(BIN)/python -m pytest -q -m "not gpu and not ray $(WITHOUT_AGENTS) $(WITHOUT_TEACH)"

check: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_layers.py tests/test_style.py

format: $(VENV)/.installed-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.installed-docs
	@$(BIN)/zensical build --clean

bench: $(VENV)/.installed-dev
	@for file in benchmarks/[a-z]*.py benchmarks/faulty_contracts/run.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean:
	rm -rf $(VENV) build dist site .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

# A stamp per set of packages: made anew when the pins or the project's requirements change.
$(VENV)/.installed-base: $(VENV)/bin/python constraints.txt pyproject.toml
	@echo "installing honing into $(VENV) ..." >&2
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python constraints.txt pyproject.toml
	@echo "installing honing and its development tools into $(VENV) ..." >&2
	@$(PIP) install -c constraints.txt -e ".[dev]"
	@touch $@ $(VENV)/.installed-base

$(VENV)/.installed-demo: $(VENV)/bin/python constraints.txt pyproject.toml
	@echo "installing honing and what its demo teaches a student with into $(VENV), about a minute or two ..." >&2
	@$(PIP) install -c constraints.txt -e ".[teach]"
	@touch $@ $(VENV)/.installed-base

# torch is pinned to a version whose build needs no GPU where the registry has one.
$(VENV)/.installed-teach: $(VENV)/.installed-dev
	@echo "installing torch and what teaching needs into $(VENV) ..." >&2
	@$(PIP) install -c constraints.txt -e ".[dev,teach,textworld]"
	@touch $@

$(VENV)/.installed-docs: $(VENV)/bin/python constraints.txt pyproject.toml
	@$(PIP) install -c constraints.txt -e ".[docs]"
	@touch $@
