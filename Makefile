# SPDX-License-Identifier: Apache-2.0
# Everything here sets up what it needs (see tools/setup) and is quick the second time. ARGS=... goes to the command.

python := .venv/bin/python

# One more than there are cores: most tests wait for something.
workers := $(shell echo $$(( $$(nproc) + 1 )))

.PHONY: help run test lab lint check-c check-cross fuzz-c bench-lines bench-ipmi bench-mqtt bench-power bench-footprint bench-energy bench-fleet wheel deb clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 16

run: ## start the simulated board: IPMI and MQTT on the loopback interface, Ctrl-C ends it
	@tools/setup run
	@.venv/bin/pgood demo $(ARGS)

test: ## every test that needs no special kernel
	@tools/setup test
	@$(python) -m pytest -p tests.spread -n $(workers) --dist loadfile $(ARGS)

lab: ## the hardware tests, against real kernel drivers and networks in a small guest (builds its kernel once: about 5 minutes)
	@tools/setup test
	@$(python) -m tests.lab setup
	@$(MAKE) --no-print-directory -j3 --output-sync=target $(if $(ARGS),lab-all,lab-scenarios lab-kills lab-service lab-others)
	@$(python) -m tests.hardware.power_cut 2

# A guest that hangs is ended after half an hour; on a quiet machine the longest of them takes four minutes.
lab_run = $(python) -m tests.lab run --rw . --timeout 1800

lab-all: # one guest, for ARGS that choose
	@$(lab_run) -- $(python) -m pytest tests/hardware $(ARGS)

lab-scenarios:
	@$(lab_run) -- $(python) -m pytest -p no:cacheprovider tests/hardware/test_scenarios.py -k "not killed"

lab-kills:
	@$(lab_run) -- $(python) -m pytest -p no:cacheprovider tests/hardware/test_scenarios.py -k killed

lab-service:
	@$(lab_run) -- $(python) -m pytest -p no:cacheprovider tests/hardware/test_service.py

lab-others:
	@$(lab_run) -- $(python) -m pytest tests/hardware tests/clients/test_fleet_wake.py tests/clients/test_fleet_farm.py --ignore tests/hardware/test_scenarios.py \
	  --ignore tests/hardware/test_service.py

lint: ## ruff and mypy
	@tools/setup dev
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy
	@$(python) -m mypy -p tests -p bench

check-c: ## the C code: warnings as errors, unit tests under the address, undefined-behaviour and thread sanitizers, valgrind
	@tools/setup dev
	@$(MAKE) --no-print-directory -C native check tsan valgrind
	@$(MAKE) --no-print-directory -C ipmi/protection check valgrind

check-cross: ## the C core's unit tests, cross-built for arm64 and armhf, under qemu-user
	@tools/setup dev
	@$(MAKE) --no-print-directory -C native check-arm64 check-armhf

fuzz-c: ## libFuzzer on the engine's configuration and commands and on IPMI packets: short; FUZZ=-max_total_time=600 for longer
	@tools/setup dev
	@$(MAKE) --no-print-directory -C native fuzz
	@$(MAKE) --no-print-directory -C ipmi/protection fuzz

bench-lines: ## how well the line engine keeps its times, as one table; JSON=FILE writes figures and raw samples (6 minutes)
	@tools/setup bench
	@$(python) -m bench.lines $(if $(JSON),--json $(JSON)) $(ARGS)

bench-ipmi: ## IPMI cost beside ipmi_sim and pyghmi's server (JSON=FILE writes the figures), on a quiet machine
	@tools/setup test
	@$(python) -m bench.ipmi $(if $(JSON),--json $(JSON)) $(ARGS)

bench-mqtt: ## MQTT latency and throughput beside bare paho, the spool's memory and flash (JSON=FILE writes the figures), as root
	@tools/setup test
	@$(python) -m bench.mqtt $(if $(JSON),--json $(JSON)) $(ARGS)

bench-power: ## 64 domains started in order, and how soon an emergency presses 16 buttons (JSON=FILE writes the figures)
	@tools/setup test
	@$(python) -m bench.power $(if $(JSON),--json $(JSON)) $(ARGS)

bench-footprint: ## memory, idle CPU, time to the first IPMI answer, imports, wheel (JSON=FILE writes the figures; 5 minutes)
	@tools/setup test
	@$(python) -m bench.footprint $(if $(JSON),--json $(JSON)) $(ARGS)

bench-energy: ## a made-up year of prices and carbon through the energy policies (JSON=FILE writes the figures; 2 minutes)
	@tools/setup test
	@$(python) -m bench.energy $(if $(JSON),--json $(JSON)) $(ARGS)

bench-fleet: ## a surge on oversubscribed racks under the fleet's budget and under others (JSON=FILE writes the figures; 15 minutes)
	@tools/setup test
	@$(python) -m bench.fleet $(if $(JSON),--json $(JSON)) $(ARGS)

wheel: ## dist/pgood-*.whl: one abi3 wheel for every Python from 3.11 on, for this machine's architecture
	@tools/setup wheel
	@packaging/build-wheel

deb: ## dist/pgood_*.deb for the Debian that this runs on (VERSION=... instead of the source's own)
	@tools/setup deb
	@packaging/build-deb $(VERSION)

clean: ## remove what these commands made (not the lab's kernel in ~/.cache/pgood-lab)
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis native/*.so native/*.o native/_core.c ipmi/protection/*.so ipmi/protection/_frame.c
	find . -name __pycache__ -prune -exec rm -rf {} +
