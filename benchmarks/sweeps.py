"""Run an experiment's sweep, put its scores in docs/results.md: `python -m benchmarks.sweeps gan_digits`.

Its axes are the experiment file's `hydra.sweeper.params`; runs that differ in the seed alone are one row.
"""

import math
import os
import re
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import yaml
from scipy.stats import t as student

from benchmarks.results import machine
from crossmedia.config import ROOT
from crossmedia.folder import read_json, runs_of, write_whole
from crossmedia.listing import experiments
from crossmedia.report.tables import to_markdown

RESULTS = ROOT / "docs" / "results.md"
TITLE = "# Sweeps\n\nMean of the seeds ± half of Student's 95 % confidence interval.\n"


def main(names: list[str]) -> int:
    """Run the sweep of each experiment named; 1 where a job failed."""
    known = experiments(ROOT)
    for name in names:
        axes = _axes(name) if name in known else None
        if not axes:
            print(f"{name}: no experiment with hydra.sweeper.params in its file", file=sys.stderr)
            return 2
        home = ROOT / "outputs" / name
        before = set(runs_of(home))
        if subprocess.run([sys.executable, "train.py", "-m", f"experiments={name}"], cwd=ROOT).returncode:
            return 1
        runs = [run for run in runs_of(home) if run not in before]
        _put(name, section(name, runs, [axis for axis in axes if axis != "seed"], list(known[name]["score"])))
    return 0


def section(name: str, runs: Sequence[Path], axes: Sequence[str], scores: Sequence[str]) -> str:
    """One row for each setting of the axes that differ: mean and interval of each score, seeds, minutes."""
    commands = [read_json(run / "manifest.json")["command"] for run in runs]
    words = [dict(word.split("=", 1) for word in command if "=" in word) for command in commands]
    fixed = [axis for axis in axes if len({word[axis] for word in words}) == 1]
    axes = [axis for axis in axes if axis not in fixed]
    groups: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for run, word in zip(runs, words, strict=True):
        groups[tuple(word[axis] for axis in axes)].append(run)
    rows = []
    for setting, members in groups.items():
        found = [read_json(run / "scores.json") for run in members]
        cells = [interval([float(values[score]) for values in found]) for score in scores]
        minutes = statistics.mean(read_json(run / "manifest.json")["wall_seconds"] / 60 for run in members)
        rows.append([*setting, *cells, len(members), f"{minutes:.1f}"])
    columns = [*axes, *scores, "seeds", "minutes a run"]
    where = machine(read_json(runs[0] / "manifest.json")["hardware"])
    command = f"`python train.py -m experiments={name}` ({where})"
    if fixed:
        command += (
            f". Its file sets for all of them {', '.join(f'`{axis}={words[0][axis]}`' for axis in fixed)}"
        )
    return f"## {name}\n\n{command}\n\n{to_markdown(columns, rows)}"


def interval(values: Sequence[float]) -> str:
    """The mean and half of its 95 % interval, as `0.572 ± 0.031`; one value has no interval, nor a count
    that is always the same."""
    if len(set(values)) == 1 and values[0].is_integer():
        return f"{values[0]:.0f}"
    mean = statistics.mean(values)
    if len(values) == 1:
        return f"{mean:.3f}"
    half = float(student.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:.3f} ± {half:.3f}"


def _axes(name: str) -> list[str]:
    head = yaml.safe_load((ROOT / "experiments" / f"{name}.yaml").read_text(encoding="utf-8"))
    return list(head.get("hydra", {}).get("sweeper", {}).get("params", {}))


def _put(name: str, text: str) -> None:
    """In the place of this name's section down to its table, or at the end; what follows the table stays."""
    before = RESULTS.read_text(encoding="utf-8") if RESULTS.is_file() else TITLE
    old = re.search(rf"(?m)^## {re.escape(name)}\n(?:(?!## |\|).*\n)*(?:\|.*\n)*", before)
    after = before[: old.start()] + text + before[old.end() :] if old else f"{before}\n{text}"
    write_whole(RESULTS, after)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
