"""What is lost where a sound is cut: `python -m benchmarks.seams RUN`.

The longer clips of a recogniser's test split, whole and in overlapping pieces, as if training had known none
that is longer than half of its longest.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from crossmedia.build import build, refuse_foreign
from crossmedia.errors import UserError
from crossmedia.folder import find_run
from crossmedia.metrics.error_rates import ErrorRate
from crossmedia.run import load
from crossmedia.saved import saved_config

SPLIT = "test"


def told(name: str) -> list[str]:
    """The word error rate of the whole clips, and that of their pieces."""
    folder, checkpoint = find_run(name)
    node = saved_config(folder)
    refuse_foreign(node["data"], "data", str(folder))
    split = build(node["data"]["source"], "data.source").split(SPLIT)
    task = load(checkpoint)
    audio, half = task.meta.audio, task.meta.seconds / 2
    samples = (split[index] for index in range(len(split)))
    pairs = [(audio.prepare(one.waveform, one.sample_rate), one.transcript) for one in samples]
    pairs = [pair for pair in pairs if len(pair[0]) > half * audio.sample_rate]
    if not pairs:
        return [f"no clip of {SPLIT} is longer than {half:.1f} s"]
    whole = _rate(task, pairs)
    task.meta = task.meta._replace(seconds=half)
    lines = [f"{len(pairs)} clips: WER {100 * whole:.2f} %"]
    return [*lines, f"in pieces of {half:.1f} s: WER {100 * _rate(task, pairs):.2f} %"]


def _rate(task: Any, pairs: Sequence[tuple[Tensor, str]]) -> float:
    sounds, texts = map(list, zip(*pairs, strict=True))
    rate = ErrorRate()
    rate.update(task.generate(audio=sounds), texts)
    return float(rate.compute())


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seams")
    parser.add_argument("run", help="of a recogniser")
    try:
        print(*told(parser.parse_args(arguments).run), sep="\n")
    except UserError as error:
        print(error, file=sys.stderr)
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
