"""Every benchmark, one table each: `make benchmarks`. The exit code is 1 where a goal is missed."""

import sys

from benchmarks.beam import beam
from benchmarks.startup import startup
from benchmarks.table import show
from benchmarks.training import training

if __name__ == "__main__":
    sys.exit(max([show("Training", training), show("Start-up", startup), show("Beam search", beam)]))
