"""The same panels under the same names in TensorBoard and wandb, their text shown literally, `<unk>` too."""

import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image
from pytorch_lightning.loggers import Logger, TensorBoardLogger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from crossmedia.report import figures, store, tables
from crossmedia.report.panels import Alignment, Curve, Grid, Matrix, Panel, Sound, Table


@rank_zero_only
def log_panels(logger: Logger, split: str, panels: Sequence[Panel], step: int) -> None:
    """Log each panel as `<split>/<title>`; loggers other than these two draw nothing."""
    if isinstance(logger, TensorBoardLogger):
        for panel in panels:
            _to_tensorboard(logger.experiment, f"{split}/{panel.title}", panel, step)
    elif isinstance(logger, WandbLogger):
        with tempfile.TemporaryDirectory() as folder:  # wandb takes its copies while it logs
            media = {f"{split}/{panel.title}": _for_wandb(panel, Path(folder)) for panel in panels}
            logger.experiment.log({**media, "trainer/global_step": step})


def _to_tensorboard(writer: Any, name: str, panel: Panel, step: int) -> None:
    if isinstance(panel, Grid):
        if panel.images.numel():
            writer.add_image(name, store.sheet(panel), step)
        if panel.captions:
            rows = [[number, caption] for number, caption in enumerate(panel.captions, 1)]
            writer.add_text(name, _html_table(["picture", "text"], rows), step)
    elif isinstance(panel, Table):
        writer.add_text(name, _html_table(panel.columns, panel.rows), step)
    elif isinstance(panel, Curve | Matrix):
        writer.add_image(name, figures.to_pixels(figures.draw(panel)), step)
    elif isinstance(panel, Sound):
        writer.add_audio(name, panel.waveform[None], step, sample_rate=panel.sample_rate)  # (1, samples)
    elif isinstance(panel, Alignment):
        writer.add_text(name, _edits(panel), step)
    else:
        writer.add_text(name, f"<pre>{escape(panel.body)}</pre>", step)


def _html_table(columns: Sequence[str], rows: tables.Rows) -> str:
    """A table that TensorBoard shows literally: it renders Markdown, which leaves HTML alone."""
    body = [_html_row("td", row) for row in tables.shown_rows(rows)]
    return f"<table><thead>{_html_row('th', columns)}</thead><tbody>{''.join(body)}</tbody></table>"


def _edits(panel: Alignment) -> str:
    """Each text in a line: struck out what the output lacks, underlined what it has instead."""
    lines = []
    for name, row in zip(panel.names, panel.rows, strict=True):
        parts = []
        for edit, reference, output in row:
            parts.append(escape(reference) if edit == "equal" else f"<del>{escape(reference)}</del>")
            parts.append("" if edit == "equal" else f"<ins>{escape(output)}</ins>")
        lines.append(f"<p><b>{escape(name)}</b> {' '.join(filter(None, parts))}</p>")
    return "".join(lines)


def _html_row(tag: str, cells: Sequence[str]) -> str:
    lines = ["<br>".join(map(escape, cell.splitlines())) for cell in cells]
    return f"<tr>{''.join(f'<{tag}>{line}</{tag}>' for line in lines)}</tr>"


def _for_wandb(panel: Panel, folder: Path) -> Any:
    import wandb

    if isinstance(panel, Grid):
        captions = [*map(tables.shown, panel.captions), *[None] * (len(panel.images) - len(panel.captions))]
        pairs = zip(panel.images, captions, strict=False)
        return [wandb.Image(_picture(image), caption=caption) for image, caption in pairs]
    if isinstance(panel, Table):  # wandb's own would ask the server about artifacts, and training would wait
        return wandb.Html(_html_table(panel.columns, panel.rows))
    if isinstance(panel, Curve | Matrix):
        return wandb.Image(_picture(figures.to_pixels(figures.draw(panel))))
    if isinstance(panel, Sound):
        path = folder / f"{store.slug(panel.title)}.wav"
        path.write_bytes(store.wav(panel))
        return wandb.Audio(str(path), sample_rate=panel.sample_rate, caption=panel.note)
    if isinstance(panel, Alignment):
        return wandb.Html(_edits(panel))
    return wandb.Html(f"<pre>{escape(panel.body)}</pre>")


def _picture(image: Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).cpu().contiguous().numpy())
