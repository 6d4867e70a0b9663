"""Every test runs from this checkout, without a network or an account."""

import os
from pathlib import Path

os.environ["CROSSMEDIA_ROOT"] = str(Path(__file__).parents[1])
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # two workers on two cores
os.environ["WANDB_MODE"] = "offline"
os.environ["HYDRA_FULL_ERROR"] = "1"
