"""What a run prints: its head of facts and its table of scores."""

import os
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from torch import nn

from crossmedia.precision import cpu_has_bf16
from crossmedia.report.tables import scores_table, shown, without_repeats


def console(quiet: bool = False, lasting: bool = False) -> Console:
    """Obeys NO_COLOR and TERM=dumb; a file gets lines of up to 120 characters.

    Where nobody reads any more, a `lasting` one falls silent, and the run goes on.
    """
    made = _Console(quiet=quiet, highlight=False)
    made = made if made.is_terminal else _Console(quiet=quiet, highlight=False, width=120)
    made.lasting = lasting
    return made


class _Console(Console):
    lasting = False

    def on_broken_pipe(self) -> None:
        if not self.lasting:
            raise BrokenPipeError  # terminal.py ends quietly
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def count(number: float) -> str:
    """1.2 M, 20 000, 61."""
    return f"{number / 1e6:.1f} M" if number >= 1e5 else f"{number:,.0f}".replace(",", " ")


def counted(number: int, name: str) -> str:
    """1 epoch, 2 epochs."""
    return f"{number} {name}{'s' * (number != 1)}"


def size(module: nn.Module) -> str:
    return count(sum(parameter.numel() for parameter in module.parameters()))


def model_line(task: Any) -> str:
    """Captioning(ConvEncoder 1.2 M, LSTMAttention 0.9 M): the parts where they are nearly all of the net."""
    weights = {part: sum(p.numel() for p in part.parameters()) for part in task.net.children()}
    ours = [part for part in weights if type(part).__module__.startswith("crossmedia.nets")]
    parts = [part for part in ours if weights[part]]
    whole = sum(weights[part] for part in parts) > 0.9 * sum(weights.values())
    parts = parts if len(parts) > 1 and whole else [task.net]
    return f"{type(task).__name__}({', '.join(f'{type(p).__name__} {size(p)}' for p in parts)})"


def data_line(data: Any, notes: list[str]) -> str:
    name = type(data.source).__name__
    facts = [f"{count(len(data.split(split)))} {split}" for split in data.source.splits]
    if data.meta.classes:
        facts.append(f"{len(data.meta.classes)} classes")
    if data.meta.tokenizer and not any(note.startswith("vocab") for note in notes):
        facts.append(f"vocabulary {data.meta.tokenizer.vocab_size}")
    if data.image:
        name += f" {data.image.size} px"
    if data.audio:
        name += f" {data.audio.sample_rate / 1000:g} kHz"
    if data.skipped:
        notes = [*notes, f"{len(data.skipped)} skipped"]
    return " · ".join([name, *facts, *(note.replace("vocab_size", "vocabulary") for note in notes)])


def print_scores(to: Console, scores: dict[str, float], notes: Sequence[str]) -> None:
    """The table of the test scores, and below it what a reader has to know."""
    if scores:
        to.print(score_table(scores))
    for note in notes:
        to.print(note, style="dim", soft_wrap=True, markup=False)


def score_table(scores: dict[str, float]) -> Table:
    """Metrics down, splits across; a reference (chance, a person's paraphrase) is a column of its own."""
    found = scores_table(without_repeats(scores))
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3))
    for place, column in enumerate(found.columns):
        table.add_column(column if place else "", justify="right" if place else "left")
    for metric, *row in found.rows:
        table.add_row(str(metric), *map(shown, row))
    return table


def head(cfg: Any, task: Any, data: Any, notes: list[str], trainer: Any, folder: Any) -> list[str]:
    """The facts of a run before its first step, six lines at most."""
    about = cfg.about or {}
    direction = f" · {about['direction'].replace('->', '→')}" if about.get("direction") else ""
    limit, steps = trainer.limit_train_batches, len(data.loader("train", train=True)) // trainer.world_size
    steps = min(steps, limit) if isinstance(limit, int) else int(steps * limit)
    lines = [
        f"{cfg.name}{direction} · {model_line(task)}",
        f"data      {data_line(data, notes)}",
        f"compute   {_device(trainer)} · {precision_of(trainer)} · seed {cfg.seed} · "
        f"{counted(trainer.max_epochs or 0, 'epoch')} × {counted(steps, 'step')}",
        f"run       {folder}",
    ]
    if data.source.notes:
        lines.append(f"          {'; '.join(data.source.notes)}")
    if data.skipped:
        lines.append(f"skipped   {len(data.skipped)}, listed in manifest.json: {data.skipped[0]}")
    return [*lines, ""]


def precision_of(trainer: Any) -> str:
    """Its name, with a word where the CPU has no instructions for bfloat16 and so gains nothing by it."""
    on_cpu = trainer.strategy.root_device.type == "cpu"
    if not on_cpu or not str(trainer.precision).startswith("bf16") or cpu_has_bf16():
        return trainer.precision
    return f"{trainer.precision}, slow on this CPU: 32-true is faster"


def _device(trainer: Any) -> str:
    import torch

    on_cpu = trainer.strategy.root_device.type == "cpu"
    device = counted(torch.get_num_threads(), "CPU core") if on_cpu else torch.cuda.get_device_name()
    return f"{trainer.world_size} × {device}" if trainer.world_size > 1 else device
