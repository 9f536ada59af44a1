# `make demo`: from a fresh clone to a ranking report. `make test`, `make lint`: what CI runs.

PYTHON ?= python3
WORKERS ?= 2
STUDIES := studies-home
BIN := .venv/bin
BENCHMARKS ?= engine memory glue search gpu
KILLS ?= 60
SEED ?= 0
EXTRAS := cluster,dev,data,docs,export,mlflow,postgres,s3

.PHONY: help install demo test faults cluster lint format bench claims docs dist

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed ## everything in .venv, in the versions of constraints.txt

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]' --constraint constraints.txt
	touch $@

demo: install ## search real methods on real data, then report (goes on where it was stopped)
	if test -e $(STUDIES)/digits; \
	then $(BIN)/altiplano resume digits --home $(STUDIES); \
	else $(BIN)/altiplano launch studies/digits.yaml --home $(STUDIES); fi
	$(BIN)/altiplano report digits --home $(STUDIES)

# One thread a process: pytest's workers are the parallelism. Tests that start Ray share a worker: @pytest.mark.xdist_group("ray").
test faults cluster: export OMP_NUM_THREADS := 1
test faults cluster: export MKL_NUM_THREADS := 1
test faults cluster: export OPENBLAS_NUM_THREADS := 1
test faults cluster: export RAY_USAGE_STATS_ENABLED := 0
test: install ## all tests but the campaigns (markers faults and cluster)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m 'not faults and not cluster' --durations 15

faults: install ## kill -9 what real studies run on, and see that nothing is lost (KILLS=200 SEED=7; a quarter of an hour for 60)
	KILLS=$(KILLS) SEED=$(SEED) $(BIN)/python -m pytest -m faults -s

cluster: install ## Ray clusters on this machine: nodes die, join, do not see the home; one that `ray up` brings up over SSH (needs root)
	$(BIN)/python -m pytest -m cluster --durations 5

bench: install ## speed, memory and what searches find, side by side (BENCHMARKS="engine memory"; about an hour, engine most of it)
	for name in $(BENCHMARKS); do began=$$(date +%s); $(BIN)/python -m benchmarks.$$name || exit 1; \
	echo "$$name took $$(($$(date +%s) - began)) s"; echo; done

claims: install ## the papers' claims on data of our own: the pages of docs/results (hours; Ctrl-C saves, called again it goes on)
	$(BIN)/python -m benchmarks.claims --home $(STUDIES)/claims

lint: install ## ruff and pyright; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

docs: install ## the pages that are written from the code, then all pages as a site in site/; a dead link fails
	$(BIN)/python -m docs.reference
	$(BIN)/python -m mkdocs build --quiet --strict

dist: install ## wheel and sdist in dist/; a study from the wheel in a fresh environment goes to its report
	.ci/dist

format: install ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
