# make demo: fly a simulated blimp and watch a street over DDS, and leave build/demo/report.html
# make test: everything CI checks
# make test-gpu: what needs a CUDA device
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Busy-waiting thread pools cost a 2-core machine most of its time.
export OMP_WAIT_POLICY := PASSIVE
export PATH := $(CURDIR)/$(BIN):$(PATH)

PACKAGE_FILES := $(shell find msg srv src interfaces cmake nodes launch config weights -type f 2>/dev/null)

.PHONY: demo test test-gpu accept bench lint env lock clean colcon

demo: env
	snn-ros demo $(if $(QUICK),--quick)

test: lint colcon
	$(MAKE) demo QUICK=1
	$(BIN)/python -m pytest -q

# make accept runs the full-size cases of all systems, make accept simulation those of one.
accept: env
	$(BIN)/python -m pytest -m accept $(or $(SYSTEMS:%=test/accept/test_%.py),test/accept)
ifeq ($(firstword $(MAKECMDGOALS)),accept)
SYSTEMS := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
.PHONY: $(SYSTEMS)
$(SYSTEMS): accept
	@:
endif

# What needs a CUDA device, by the Python that has torch for it; the vectors must be in build/parity.
# Works from the working tree alone: no ROS, nothing built.
test-gpu:
	$(or $(wildcard $(BIN)/python),$(PYTHON)) -m benchmarks.on_gpu

bench: env
	$(BIN)/python -m benchmarks

lint: env
	ruff check
	ruff format --check
	mypy
	lint-imports

# The package as on a robot, in a workspace on top of the ROS of this environment.
colcon: env
	tools/colcon_build.sh build/colcon

env: $(VENV)/.package

$(VENV)/.package: $(VENV)/.requirements setup.py pyproject.toml package.xml CMakeLists.txt $(PACKAGE_FILES)
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.requirements: tools/setup_environment.sh $(wildcard requirements/*.txt)
	PYTHON=$(PYTHON) tools/setup_environment.sh $(VENV)
	touch $@

# Needs uv; writes what all supported Pythons can install together.
lock:
	tools/lock_requirements.sh > requirements/constraints.txt.new
	mv requirements/constraints.txt.new requirements/constraints.txt

clean:
	rm -rf build install log $(VENV)
