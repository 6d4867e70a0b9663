"""What the files of a run folder say about it; what is not written yet is empty."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossmedia.errors import CheckpointError
from crossmedia.saved import read_yaml, saved_facts
from crossmedia.typing import mistyped


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
    plain = _typed(config, dict, {})
    for key, kind in {"name": str | None, "seed": int | None, "about": dict | None}.items():
        if fault := mistyped(plain.get(key), kind):
            raise CheckpointError(f"{config}: {key}: {fault}. Put it back from a copy, or remove it")
    return Facts(
        folder,
        plain,
        config.read_text(encoding="utf-8") if config.exists() else "",
        _typed(folder / "overrides.yaml", list[str], []),
        *(saved_facts(folder, name) for name in ("manifest", "scores", "status")),
    )


def duration(seconds: float) -> str:
    """Seconds as `3 min 24 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((i for i, (count, _) in enumerate(parts) if count), 2)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])


def _typed(path: Path, kind: Any, empty: Any) -> Any:
    found = read_yaml(path)
    if found is None:
        return empty
    if fault := mistyped(found, kind):
        raise CheckpointError(f"{path}: {fault}. Put it back from a copy, or remove it")
    return found
