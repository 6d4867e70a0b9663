"""What a number depends on beside the config: versions, commit, seed, data, hardware."""

import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from typing import Any

from crossmedia.config import ROOT

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


def manifest(seed: int, overrides: list[str], fingerprint: str, precision: str) -> dict[str, Any]:
    """Plain values for manifest.json; wall time is added when the run ends."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else _processor()
    return {
        "format": 1,
        "command": ["python", "train.py", *overrides],
        "seed": seed,
        "data": fingerprint,
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
