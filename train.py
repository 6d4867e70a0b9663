"""The main command: compose, check, train, print the scores. `python train.py experiments=digits`, see README.md."""

import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig

from crossmedia import terminal


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg: DictConfig) -> float | None:
    from hydra.core.hydra_config import HydraConfig

    from crossmedia import config, run

    state = HydraConfig.get()
    cfg = config.named(cfg.copy(), dict(state.runtime.choices))
    scores = run.train(cfg, overrides=list(state.overrides.task))
    return scores.get(run.monitored(cfg)[0].replace("val/", "test/"))


if __name__ == "__main__":
    sys.exit(terminal.guarded(main, Path(__file__).parent))
