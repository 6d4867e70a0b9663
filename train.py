"""The main command: compose, check, train, print the scores. `python train.py experiments=digits`.

See README.md.
"""

import sys
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from crossmedia import grid, terminal
from crossmedia.build import trusting
from crossmedia.errors import UserError

jobs: list[grid.Job] = []  # those of a grid, or the one


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg: DictConfig) -> float | None:
    from hydra.core.hydra_config import HydraConfig

    from crossmedia import config, run

    state = HydraConfig.get()
    cfg = config.named(cfg, dict(state.runtime.choices))
    overrides: Any = OmegaConf.to_container(state.overrides.task)  # as typed, references too
    try:
        scores = run.train(cfg, overrides)
    except UserError as error:  # said here: Hydra would announce it in words of its own, and end a sweep
        terminal.say(error)
        jobs.append(grid.Job(overrides, {}, error))
        return None
    chosen = run.monitored(cfg)[0].replace("val/", "test/")
    first = {chosen: scores[chosen]} if chosen in scores else {}
    jobs.append(grid.Job(overrides, {**first, **scores}))
    return scores.get(chosen)


def go() -> None:
    """`resume=RUN` goes on with a run by its own config, without Hydra; all else is Hydra's to compose."""
    with trusting(terminal.trusted_words()):
        if any(word.startswith("resume=") for word in sys.argv[1:]):
            from crossmedia import continued, run

            run.resume(*continued.parse(sys.argv[1:]))
        else:
            composed()


def composed() -> None:
    """One run, or those of a grid and their table."""
    words = terminal.arguments()
    if words.multirun:
        grid.need_right(words.overrides, words.config_dir)
    try:
        main()
    finally:
        if words.multirun:
            grid.show(jobs)


if __name__ == "__main__":
    ended = terminal.guarded(go, Path(__file__).parent)
    sys.exit(ended or max((job.error.code for job in jobs if job.error), default=0))
