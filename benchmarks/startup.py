"""How soon the command answers: `--help`, `--cfg job` and tab completion beside a bare Hydra script."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.table import Figure, ratios, show
from crossmedia.config import ROOT

REPEATS = 9
EXPERIMENT = "experiments=digits"
COMPLETED = f"python train.py {EXPERIMENT[:-4]}"  # the line that a user completes by tab

BARE = """import hydra


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    pass


main()
"""


def startup() -> list[Figure]:
    """Wall time of whole processes, in turn, `REPEATS` times each."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        _equal_config(Path(folder) / "conf")
        ours, python = [sys.executable, str(ROOT / "train.py")], [sys.executable]
        spent = _in_turn(
            {
                "import": [*python, "-c", "import hydra"],
                "bare --help": [*python, str(bare), "--help"],
                "bare --cfg job": [*python, str(bare), "--cfg", "job"],
                "--help": [*ours, "--help"],
                f"{EXPERIMENT} --cfg job": [*ours, EXPERIMENT, "--cfg", "job"],
                "tab": [*ours, "-sc", "query=bash"],
            }
        )
    figures = []
    for command in ("--help", f"{EXPERIMENT} --cfg job"):
        short = command.removeprefix(f"{EXPERIMENT} ")
        for peer, words, goal in (
            ("import", "import hydra", 2.0),
            (f"bare {short}", f"@hydra.main {short}", None),
        ):
            mine, other = spent[command], spent[peer]
            words = f"{words} {statistics.median(other):.2f} s"
            figures.append(
                Figure(command, f"{statistics.median(mine):.2f} s", words, ratios(mine, other), goal)
            )
    tab = spent["tab"]
    return [*figures, Figure("tab completion, s", f"{statistics.median(tab):.2f} s", "", tab, 0.3)]


def _in_turn(commands: dict[str, list[str]]) -> dict[str, list[float]]:
    """Seconds of each command, once a round; a round before them fills the caches of files and bytecode."""
    environment = os.environ | {"COMP_LINE": COMPLETED, "COMP_POINT": str(len(COMPLETED))}
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(REPEATS + 1):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            spent[name].append(time.perf_counter() - began)
    return {name: times[1:] for name, times in spent.items()}


def _equal_config(folder: Path) -> None:
    """The keys of the experiment's config in as many groups, no interpolations: what Hydra alone takes."""
    from omegaconf import DictConfig, OmegaConf

    from crossmedia.config import compose

    groups, root = [], {}
    for key, value in compose([EXPERIMENT]).items():
        if isinstance(value, DictConfig):
            plain = OmegaConf.to_container(value, resolve=True)
            (folder / str(key)).mkdir(parents=True)
            OmegaConf.save(OmegaConf.create(plain), folder / str(key) / "chosen.yaml")
            groups.append({str(key): "chosen"})
        else:
            root[key] = value
    OmegaConf.save(OmegaConf.create({"defaults": [*groups, "_self_"], **root}), folder / "train.yaml")


if __name__ == "__main__":
    sys.exit(show("Start-up", startup))
