"""Every benchmark, one table each: `make benchmarks`. The exit code is 1 where a goal is missed."""

import sys

from benchmarks.audio import audio
from benchmarks.beam import beam
from benchmarks.quality import quality
from benchmarks.speech import speech
from benchmarks.startup import startup
from benchmarks.table import show
from benchmarks.training import training

if __name__ == "__main__":
    tables = {
        "Training": training,
        "Start-up": startup,
        "Beam search": beam,
        "Quality": quality,
        "Audio": audio,
        "Speech": speech,
    }
    sys.exit(max([show(title, measure) for title, measure in tables.items()]))
