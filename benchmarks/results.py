"""Run experiments again and write what they scored: `make results`, or `make results NAMES="digits …"`.

Each file's `about.score`, `about.minutes` and `about.on` are rewritten in place, then README's table.
"""

import json
import os
import re
import statistics
import subprocess
import sys
from typing import Any

from crossmedia.config import ROOT
from crossmedia.folder import read_json, runs_of, write_whole
from crossmedia.listing import experiments, readme_table

START, END = "<!-- experiments -->", "<!-- /experiments -->"


def main(names: list[str]) -> int:
    """Run the experiments of these names, or all that were measured before; 1 where one failed."""
    known = experiments(ROOT)
    wrong = [name for name in names if name not in known]
    if wrong:
        print(f"{wrong[0]}: no such experiment. All: {', '.join(known)}", file=sys.stderr)
        return 2
    measured = [name for name, about in known.items() if about.get("minutes")]
    failed = [name for name in names or measured if not _renew(name, known[name])]
    refresh_readme()
    for name in failed:
        print(f"{name}: failed; its file is as it was", file=sys.stderr)
    return int(bool(failed))


def _renew(name: str, about: dict[str, Any]) -> bool:
    """Run it once a seed of `about.seeds`; the score is their mean."""
    found, minutes, hardware = [], [], {}
    for seed in about.get("seeds") or [None]:
        words = [f"experiments={name}", *([] if seed is None else [f"seed={seed}"])]
        before = runs_of(ROOT / "outputs" / name)
        if subprocess.run([sys.executable, "train.py", *words], cwd=ROOT).returncode:
            return False
        run = next(path for path in runs_of(ROOT / "outputs" / name) if path not in before)
        found.append(read_json(run / "scores.json"))
        manifest = read_json(run / "manifest.json")
        minutes.append(manifest["wall_seconds"] / 60)
        hardware = manifest["hardware"]
    keys = list(about.get("score") or {}) or [next(key for key in found[0] if not key.endswith("loss"))]
    score = {key: _rounded(statistics.mean(scores[key] for scores in found)) for key in keys}
    path = ROOT / "experiments" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    values = {
        "score": json.dumps(score).replace('"', ""),
        "minutes": f"{statistics.mean(minutes):.1f}",
        "on": machine(hardware),
    }
    for key, value in values.items():
        text = re.sub(rf'(?m)^  ("?{key}"?):.*$', rf"  \1: {value}", text, count=1)
    write_whole(path, text)
    return True


def _rounded(value: float) -> float:
    """To 4 digits that count, of a floor of 0.002 too; a number of samples as it is."""
    return value if isinstance(value, int) else float(f"{value:.4g}")


def machine(hardware: dict[str, Any]) -> str:
    """In words, from a manifest."""
    threads = hardware["threads"]
    cores = f"{threads} CPU core{'s' * (threads != 1)}"
    return f"{cores}, {hardware['capability']}, {hardware['precision']}"


def refresh_readme() -> None:
    """Put the table of experiments between README's two marks."""
    path = ROOT / "README.md"
    before, start, rest = path.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if start and end:
        table = readme_table(ROOT)
        write_whole(path, f"{before}{START}\n{table}{END}{after}")


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
