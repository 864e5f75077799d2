# Everything a newcomer needs: `make run` and `make test` do all the set-up themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SITE := .site/site.yaml
# Half as many again as there are cores: most tests of real parts wait for something.
WORKERS ?= $(shell n=$$(nproc); echo $$((n + (n + 1) / 2)))

# A gateway is five processes; without compiled files each of them compiles all of us again at every start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check bench site endpoint-deb clean

# What tests and tools need is installed in one go; the mark is renewed when the lists of it change.
$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Schoolgate needs Python 3.11 or newer; found " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made; on Debian: sudo apt install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[gateway,endpoint,dev]'
	touch $@

$(SITE): | $(VENV)/ready
	$(BIN)/schoolgate init $(dir $(SITE))

site: $(SITE)

# The gateway on 127.0.0.1:5335, as whoever you are.
run: $(VENV)/ready $(SITE)
	$(BIN)/schoolgate gateway --site $(SITE)

# With one seed for hashes, every process finds the same tests in the same order.
test: $(VENV)/ready
	PYTHONHASHSEED=0 $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder -m 'not alone'
	$(BIN)/pytest -m alone

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests
	$(BIN)/lint-imports

# Every installed peer beside us, with the same list, upstream and queries: see README, "Speed".
bench: $(VENV)/ready
	$(BIN)/python tests/bench/bench.py

# The Debian package of the endpoint service, into build/.
endpoint-deb: $(VENV)/ready
	PYTHON=$(CURDIR)/$(BIN)/python deploy/endpoint/linux/build-deb build

clean:
	rm -rf $(VENV) .site
