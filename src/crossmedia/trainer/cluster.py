"""The ranks that torchrun or Slurm started: which one this is, and where rank 0 writes."""

import contextlib
import itertools
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from crossmedia.errors import ConfigError, RankError, SystemFault

PATIENCE = timedelta(minutes=5)  # for rank 0 to import its libraries and make the run folder
_runs = itertools.count()  # of this process; each has its own folder


def rank() -> int:
    """This process's place among those that train together; 0 where it is alone."""
    names = ("RANK", "LOCAL_RANK", *["SLURM_PROCID"] * _by_slurm())
    return next((_whole(name) for name in names if name in os.environ), 0)


def to_start(cfg: DictConfig) -> int:
    """How many ranks this process has to start: 0 where it trains alone, or where they are there already.

    Raises ConfigError where the config asks for others than there are.
    """
    node, nodes = cfg.trainer, cfg.trainer.get("num_nodes") or 1
    strategy, devices = node.get("strategy"), _devices(node)
    variable, there = _there()
    if isinstance(strategy, str) and strategy.endswith(("spawn", "fork", "notebook")):
        raise ConfigError(f"trainer.strategy={strategy}: would start ranks of its own. Use trainer=ddp")
    if there and there != devices * nodes:
        across = f" on {nodes} nodes" if nodes > 1 else ""
        raise ConfigError(
            f"trainer.devices={devices}{across}: {variable}={there}. "
            f"Start {devices * nodes} ranks, or change trainer.devices"
        )
    if nodes > 1 and not there:
        raise ConfigError(
            f"trainer.num_nodes={nodes}: one command starts ranks on its own machine. Use torchrun or srun"
        )
    return devices if devices > 1 and not there else 0


@contextlib.contextmanager
def telling(folder: Path) -> Iterator[None]:
    """For as long as rank 0 trains, the others can ask it for its run folder."""
    store = _store(first=True) if _there()[1] > 1 else None
    if store:
        store.set(_key(), str(folder.resolve()))
    yield
    del store  # it listens until here


def told() -> Path:
    """The run folder of rank 0, which every rank has to see."""
    from torch.distributed import DistError

    try:
        return Path(_store(first=False).get(_key()).decode())
    except DistError:
        raise RankError("rank 0: made no run folder. What it says is the cause") from None


def _key() -> str:
    return f"crossmedia/folder/{next(_runs)}"


def _store(first: bool) -> Any:
    """The store that the ranks meet at later on; rank 0 holds it where torchrun does not."""
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from torch.distributed import DistNetworkError, TCPStore  # pyright: ignore[reportPrivateImportUsage]

    cluster = SLURMEnvironment() if _there()[0] == "SLURM_NTASKS" else TorchElasticEnvironment()
    host, port = cluster.main_address, cluster.main_port
    held = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    try:
        return TCPStore(
            host,
            port,
            is_master=first and not held,
            timeout=PATIENCE,
            wait_for_workers=False,
            multi_tenant=True,
        )
    except DistNetworkError as error:
        if "EADDRINUSE" in str(error):
            raise SystemFault(f"port {port}: taken by another process. Set MASTER_PORT") from None
        raise SystemFault(f"{host}:{port}: rank 0 does not answer there. Check MASTER_ADDR") from None


def _there() -> tuple[str, int]:
    """The variable that says how many ranks were started, and its value; 0 where none does."""
    if "RANK" in os.environ or "LOCAL_RANK" in os.environ:
        return "WORLD_SIZE", _whole("WORLD_SIZE") if "WORLD_SIZE" in os.environ else 1
    return "SLURM_NTASKS", _whole("SLURM_NTASKS") if _by_slurm() else 0


def _whole(name: str) -> int:
    """The number that a variable of the environment holds."""
    text = os.environ[name]
    if not text.isdecimal():
        raise ConfigError(f"{name}={text} in the environment: must be a whole number. Unset it")
    return int(text)


def _by_slurm() -> bool:
    """Whether srun started this process; a shell that Slurm gave is as good as any other."""
    return "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in ("bash", "interactive")


def _devices(node: DictConfig) -> int:
    import torch

    devices = node.get("devices")
    if OmegaConf.is_list(devices):
        return len(devices)
    if isinstance(devices, str) and "," in devices:  # the numbers of GPUs
        return len([number for number in devices.split(",") if number])
    if devices in ("auto", -1, "-1"):
        return 1 if node.get("accelerator") == "cpu" else max(1, torch.cuda.device_count())
    return int(devices or 1)
