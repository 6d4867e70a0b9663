"""What the files of a run folder say about it; what is not written yet is empty."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from crossmedia.errors import CheckpointError
from crossmedia.folder import read_json


@dataclass(frozen=True)
class Facts:
    folder: Path
    config: dict[str, Any]
    config_text: str
    overrides: list[str]
    manifest: dict[str, Any]
    scores: dict[str, float]
    status: dict[str, Any]

    @property
    def experiment(self) -> str:
        return self.config.get("name") or self.folder.parent.name

    @property
    def about(self) -> dict[str, Any]:
        return self.config.get("about") or {}

    @property
    def wall_seconds(self) -> float | None:
        return self.status.get("wall_seconds", self.manifest.get("wall_seconds"))


def read_facts(folder: Path) -> Facts:
    """Raises CheckpointError for a file that is damaged."""
    folder = folder.resolve()  # `latest` is a link
    config = folder / "config.yaml"
    return Facts(
        folder,
        _read_yaml(config) or {},
        config.read_text(encoding="utf-8") if config.exists() else "",
        _read_yaml(folder / "overrides.yaml") or [],
        *(read_json(folder / name) or {} for name in ("manifest.json", "scores.json", "status.json")),
    )


def duration(seconds: float) -> str:
    """Seconds as `3 min 24 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((i for i, (count, _) in enumerate(parts) if count), 2)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(
            f"{path}: not valid YAML ({reason}). Put it back from a copy, or remove it"
        ) from error
