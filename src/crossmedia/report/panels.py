"""What a task shows: plain data that the page, wandb and TensorBoard each draw in their way."""

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """Pictures with a line of text under each. `images` (N, 3, H, W) uint8.

    With `through` they are the same things at each validation, as fixed latents are: the page has a slider
    over the steps of the training, the trackers get the newest as ever.
    """

    title: str
    images: Tensor
    captions: list[str] = field(default_factory=list)
    columns: int = 8
    note: str = ""
    through: bool = False


@dataclass(frozen=True)
class Table:
    title: str
    columns: list[str]
    rows: list[list[str | int | float | None]]
    note: str = ""


@dataclass(frozen=True)
class Curve:
    """Lines over one axis; a value may be None where a line has no point.

    `levels` are drawn dashed from side to side, as what the lines are measured by: chance, or real data. With
    `log` the values have a logarithmic axis, where all are above 0.
    """

    title: str
    x: list[float]
    lines: dict[str, list[float | None]]
    x_label: str = "step"
    y_label: str = ""
    note: str = ""
    levels: dict[str, float] = field(default_factory=dict)
    log: bool = False


@dataclass(frozen=True)
class Matrix:
    """A labelled heat map, as a confusion matrix is: `values[row][column]`."""

    title: str
    rows: list[str]
    columns: list[str]
    values: list[list[float]]
    row_label: str = ""
    column_label: str = ""
    note: str = ""


@dataclass(frozen=True)
class Sound:
    """A waveform to listen to. `waveform` (samples,) float in [-1, 1]."""

    title: str
    waveform: Tensor
    sample_rate: int
    note: str = ""


@dataclass(frozen=True)
class Alignment:
    """Texts beside what they should be, edit by edit: `rows` of [edit, reference, output], as
    ["replace", "red", "bed"]; an edit is equal, replace, delete or insert. `names` has one a row.
    """

    title: str
    names: list[str]
    rows: list[list[list[str]]]
    note: str = ""


@dataclass(frozen=True)
class Text:
    title: str
    body: str


Panel = Grid | Table | Curve | Matrix | Sound | Alignment | Text
