"""What a number depends on beside the config: versions, commit, seed, data, other runs, hardware."""

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from typing import Any

from crossmedia.build import trusted
from crossmedia.config import HELPERS, ROOT
from crossmedia.errors import CheckpointError, ConfigError, brief
from crossmedia.folder import find_run

PACKAGES = (
    "torch",
    "pytorch-lightning",
    "hydra-core",
    "omegaconf",
    "torchmetrics",
    "numpy",
    "nltk",
    "tokenizers",
    "scipy",
    "soundfile",
    "espeakng-loader",
    "pillow",
    "scikit-learn",
)

DIGITS = 16  # of a sha256
ENCODER = "encoder"  # of a discriminator
TEACHERS = ("aligner", ENCODER)  # what a net learns by; the other helpers only make and judge
_KEYS = {helper: f"model.{helper}.run" for helper in HELPERS} | {ENCODER: f"model.discriminator.{ENCODER}"}


def manifest(
    seed: int, overrides: list[str], fingerprint: str, precision: str, model: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Plain values for manifest.json; wall time is added when the run ends."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else _processor()
    return {
        "format": 1,
        "command": ["python", "train.py", *overrides, *(f"--trust={package}" for package in trusted())],
        "seed": seed,
        "data": fingerprint,
        "features": scored_by(model or {}),
        "helpers": helped_by(model or {}),
        "git": _git(),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "hardware": {
            "machine": platform.machine(),
            "device": device,
            "capability": torch.backends.cpu.get_cpu_capability(),
            "threads": torch.get_num_threads(),
            "cores": os.cpu_count(),
            "precision": precision,
            "system": f"{platform.system()} {platform.release()}",
        },
    }


def scored_by(model: dict[str, Any]) -> dict[str, str | None]:
    """The name of the features by which pictures are scored, and the beginning of their weights' sha256."""
    node = model.get("features")
    if not isinstance(node, dict) or "_target_" not in node:
        return {}
    from crossmedia.metrics.features import known

    found = known(node)
    return {found.name: found.sha256 and found.sha256[:DIGITS]}


def helped_by(model: dict[str, Any]) -> dict[str, str | None]:
    """The runs that a model hears, speaks or learns by, and the frozen net that its discriminator looks
    through: the beginning of their weights' sha256."""
    from crossmedia.metrics.features import known, sha256

    found = {}
    player = model.get("discriminator")
    encoder = player.get("encoder") if isinstance(player, dict) else None
    if isinstance(encoder, dict) and "_target_" in encoder:
        with contextlib.suppress(AttributeError, ConfigError):  # one that carries no file
            digest = known(encoder).sha256
            found[ENCODER] = digest and digest[:DIGITS]
    for helper in HELPERS:
        node = model.get(helper)
        run = node.get("run") if isinstance(node, dict) else None
        if run is not None:
            with contextlib.suppress(CheckpointError):
                digest = sha256(find_run(run)[1])
                found[helper] = digest and digest[:DIGITS]
    return found


def other_helpers(before: dict[str, Any], model: dict[str, Any]) -> list[str]:
    """A line for each that is not the one of the run whose manifest `before` is."""
    return [f"Not the {helper} of the training: {_KEYS[helper]}" for helper in _changed(before, model)]


def need_same_teachers(before: dict[str, Any], model: dict[str, Any]) -> None:
    """ConfigError where a run that goes on would learn by another run or net than before."""
    for helper in _changed(before, model):
        if helper in TEACHERS:
            raise ConfigError(
                f"{_KEYS[helper]}: is not the {helper} that the run to resume has learnt by. Give that one's "
                "folder; init=RUN starts another run"
            )


def _changed(before: dict[str, Any], model: dict[str, Any]) -> list[str]:
    now, then = helped_by(model), before.get("helpers")
    return [name for name in _KEYS if now.get(name) != then.get(name)] if isinstance(then, dict) else []


def need_same_features(before: dict[str, Any], model: dict[str, Any]) -> None:
    """ConfigError where a run that goes on would be scored by features of another name than before."""
    now, then = scored_by(model), before.get("features")
    if isinstance(then, dict) and now.keys() != then.keys():
        names = [", ".join(map(brief, features)) or "none" for features in (now, then)]
        raise ConfigError(
            f"model.features: {names[0]}, but the run to resume is scored by {names[1]}. Give the same "
            "weights; init=RUN starts another run"
        )


def other_features(before: dict[str, Any], model: dict[str, Any]) -> list[str]:
    """A line where the features are not those of the run whose manifest `before` is."""
    now, then = scored_by(model), before.get("features")
    if not isinstance(then, dict) or now == then:
        return []
    told = [" ".join(brief(f"{part}") for pair in found.items() for part in pair) for found in (now, then)]
    return [f"Not the features of the training: {told[0]}, then {told[1]}"]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    if sys.platform == "linux":
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    return platform.processor() or "CPU"


def _git() -> dict[str, Any] | None:
    """Commit and whether tracked files differ from it; None outside a checkout."""
    git = shutil.which("git")
    if not git or not (ROOT / ".git").exists():
        return None

    def ask(*words: str) -> str | None:
        answer = subprocess.run([git, "-C", str(ROOT), *words], capture_output=True, text=True, timeout=20)
        return None if answer.returncode else answer.stdout.strip()

    changes = ask("status", "--porcelain", "--untracked-files=no")
    return {
        "commit": ask("rev-parse", "HEAD"),
        "dirty": None if changes is None else bool(changes),  # null where git refuses to tell
    }
