"""The main command: compose, check, train, print the scores. `python train.py experiments=digits`.

See README.md.
"""

import sys
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from crossmedia import terminal
from crossmedia.errors import UserError

failed: list[int] = []  # exit codes of the jobs that did not finish


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg: DictConfig) -> float | None:
    from hydra.core.hydra_config import HydraConfig

    from crossmedia import config, run

    state = HydraConfig.get()
    cfg = config.named(cfg, dict(state.runtime.choices))
    try:
        overrides: Any = OmegaConf.to_container(state.overrides.task)  # as typed, references too
        scores = run.train(cfg, overrides)
    except UserError as error:  # said here: Hydra would announce it in words of its own, and end a sweep
        failed.append(terminal.say(error))
        return None
    return scores.get(run.monitored(cfg)[0].replace("val/", "test/"))


def go() -> None:
    """`resume=RUN` goes on with a run by its own config, without Hydra; all else is Hydra's to compose."""
    if any(word.startswith("resume=") for word in sys.argv[1:]):
        from crossmedia import continued, run

        run.resume(*continued.parse(sys.argv[1:]))
    else:
        terminal.need_jobs()
        main()


if __name__ == "__main__":
    sys.exit(terminal.guarded(go, Path(__file__).parent) or max(failed, default=0))
