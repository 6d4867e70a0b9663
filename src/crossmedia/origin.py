"""Where the weights of a run come from: its own last checkpoint, or those of another run."""

from pathlib import Path
from typing import Any, NamedTuple

from crossmedia.build import build, refuse_foreign
from crossmedia.errors import CheckpointError
from crossmedia.folder import find_run
from crossmedia.saved import pack_meta, read_checkpoint


class Origin(NamedTuple):
    checkpoint: Path | None = None
    contents: dict[str, Any] | None = None  # its plain values
    words: tuple[str, ...] = ()  # what there is to say of it


def last_good(folder: Path) -> Origin:
    """The newest whole checkpoint of a run, none where there is none yet.

    Raises CheckpointError where all are damaged.
    """
    damaged = []
    for name in ("last", "previous"):
        path = folder / "checkpoints" / f"{name}.ckpt"
        if not path.exists():
            continue
        try:
            saved = read_checkpoint(path)
        except CheckpointError as error:
            damaged += error.lines
            continue
        at = saved.get("progress")
        if not isinstance(at, dict):
            raise CheckpointError(f"{path}: holds weights only. init=… starts another run from them")
        return Origin(path, saved, (*damaged, f"resumed at epoch {at['epoch'] + 1} step {at['step']}"))
    if damaged:
        raise CheckpointError(*damaged)
    return Origin(words=("no checkpoint there yet: from the first step",))


def need_same_data(path: Path, saved: dict[str, Any], fingerprint: str) -> None:
    """Raise where a checkpoint is of other data than the run that is to go on has."""
    if saved.get("data") != fingerprint:
        raise CheckpointError(
            f"{path}: the data are no longer those it was trained on. Put them back, or start another run "
            "with init=…"
        )


def vocabulary_of(name: str, out_dir: str) -> Any:
    """The tokenizer of another run; None where it has none."""
    checkpoint = find_run(name, out_dir)[1]
    node = read_checkpoint(checkpoint)["meta"].get("tokenizer")
    refuse_foreign(node, "meta.tokenizer", str(checkpoint))
    return node and build(node, "meta.tokenizer")


def warm_start(task: Any, name: str, out_dir: str) -> str:
    """Take the weights of another run where name and shape agree; says what was taken and what is new.

    Raises CheckpointError where nothing fits.
    """
    saved = read_checkpoint(find_run(name, out_dir)[1])
    mine = {key: value for key, value in task.state_dict().items() if key not in task.counters}
    theirs = saved["state_dict"]
    taken = {key: value for key, value in theirs.items() if key in mine and mine[key].shape == value.shape}
    new = [key for key in mine if key not in taken]
    if not taken:
        raise CheckpointError(f"{name}: none of its weights fit this model. Choose a run of the same net")
    task.load_state_dict(taken, strict=False)
    words = f"init: {len(taken)} of {len(mine)} weights from {name}"
    if new:
        words += f"; new: {', '.join(new[:3])}{' …' * (len(new) > 3)}"
    if pack_meta(task.meta).get("tokenizer") != saved["meta"].get("tokenizer"):
        words += "; its vocabulary is another"
    return words
