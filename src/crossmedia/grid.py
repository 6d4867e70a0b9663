"""A grid of runs, `train.py -m`: every job's config is right before the first starts, a table closes it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from crossmedia.errors import ConfigError, UserError, first_line
from crossmedia.trainer.cluster import rank

SHOWN = 3  # scores of a job in the table
BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"  # others find their jobs as they go


class Job(NamedTuple):
    """One of a grid: its overrides, and its scores, the chosen one first, or why it has none."""

    overrides: Sequence[str]
    scores: dict[str, float]
    error: UserError | None = None


def need_right(overrides: list[str], own: str | None = None) -> None:
    """Raise ConfigError with every fault of any job, or where an axis is without a value: Hydra would start
    the other jobs, or do nothing and be content. `own`: the folder of `-cd`."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from crossmedia import config

    read = OverridesParser.create().parse_overrides
    typed = read(overrides)
    for axis in (part for part in typed if part.is_sweep_override()):
        if next(axis.sweep_iterator(), None) is None:
            raise ConfigError(f"{axis.input_line}: a grid without a value. Give it one or more")
    fixed = [str(part.input_line) for part in typed if not part.is_sweep_override()]
    sweeper: Any = config.with_hydra(fixed, own).hydra.sweeper
    if sweeper.get("_target_") != BASIC:
        return
    params = [f"{key}={value}" for key, value in (sweeper.params or {}).items()]
    lines: dict[str, None] = {}
    for job in BasicSweeper.split_arguments(read([*params, *overrides]), None)[0]:
        try:
            config.check(config.compose(job, own))
        except ConfigError as error:
            lines |= dict.fromkeys(error.lines)
    if lines:
        raise ConfigError(*lines)


def show(jobs: Sequence[Job]) -> None:
    """A row a job: what differs, and its first scores. What failed comes last, and says why."""
    if not jobs or rank():
        return
    from rich.table import Table
    from rich.text import Text

    from crossmedia.console import console
    from crossmedia.report.tables import shown

    words = [dict(word.split("=", 1) for word in job.overrides if "=" in word) for job in jobs]
    axes = [key for key in words[0] if len({word.get(key) for word in words}) > 1]
    names = list(dict.fromkeys(name for job in jobs for name in list(job.scores)[:SHOWN]))
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3))
    for place, name in enumerate([*axes, *names]):
        table.add_column(name, justify="left" if place < len(axes) else "right")
    for job, word in sorted(zip(jobs, words, strict=True), key=lambda pair: bool(pair[0].error)):
        cells = [word.get(axis, "") for axis in axes]
        table.add_row(*map(Text, cells), *(shown(job.scores.get(name)) for name in names))
    to = console()
    to.print()
    to.print(table)
    for job, word in zip(jobs, words, strict=True):
        if job.error:
            setting = " ".join(f"{axis}={word[axis]}" for axis in axes if axis in word)
            to.print(f"failed: {setting}: {first_line(job.error)}", soft_wrap=True, markup=False)
