"""What every recogniser has: error rates, the edits word by word, errors by voice and length."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.data.batches import Clips, Meta, SpeechBatch, one_of
from crossmedia.metrics.error_rates import Edits, ErrorRate, aligned, edits
from crossmedia.report.panels import Alignment, Panel, Sound, Table
from crossmedia.tasks.base import Task
from crossmedia.tasks.long_sounds import HEARD, LONGEST, stretches
from crossmedia.tasks.over_time import over_time, spectrogram
from crossmedia.text.joining import in_a_row
from crossmedia.text.normalise import NAME
from crossmedia.trainer.ddp import over_ranks

SHOWN = 12  # transcripts with their edits; half of them the worst
PLAYED = 4
LIKELY = 0.1  # the posterior of a token that has a row
BUCKETS = (2.0, 4.0, 8.0, 16.0)  # seconds, of the table of errors by length

RATES = {
    "wer": {},
    "cer": {"unit": "characters"},
    "substitutions": {"part": "substitutions"},
    "deletions": {"part": "deletions"},
    "insertions": {"part": "insertions"},
}


class Recogniser(Task):
    """A task that writes down speech.

    `sounds` holds the first records of the split that was scored last, and their waveforms.
    """

    scores = dict.fromkeys(RATES, "min")
    counters = ("left_out",)

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
    ):
        super().__init__(net, meta, optimizer, schedule)
        self.rates = nn.ModuleDict({name: ErrorRate(**kind) for name, kind in RATES.items()})
        self.left_out: Tensor
        self.register_buffer("left_out", torch.tensor(0))
        self.forget()

    def forget(self) -> None:
        super().forget()
        self.sounds: list[tuple[dict[str, Any], Tensor]] = []

    def leave_out(self, cut: Tensor) -> None:
        """Count the texts of a batch of training that CTC has no frames for, `cut` (B,)."""
        self.left_out += over_ranks(cut.sum())

    def notes(self, split: str) -> list[str]:
        found = [f"texts compared as {NAME}"]
        if self.left_out:
            fault = "a training text had more tokens than frames, and CTC left it out"
            found.append(f"{self.left_out} times {fault}")
        return found

    def panels(self, split: str) -> list[Panel]:
        """The edits of some transcripts, errors by voice and by length, the first clip in detail, players."""
        if not self.records:
            return []
        found, rate = _errors(self.records), self.meta.audio.sample_rate
        if self.sounds:
            found += [spectrogram("Spectrogram of the first clip", self.sounds[0][1], rate), *self.heard()]
        for record, waveform in self.sounds:
            found.append(Sound(record["id"], waveform, rate, f"{record['output'] or '(empty)'}"))
        return found

    def heard(self) -> list[Panel]:
        """What the net makes of the first clip, to stand under its spectrogram."""
        return []

    def over_time(self, title: str, tokens: Sequence[int], values: Tensor) -> Panel:
        """A row for each token, a column for each frame of the encoder; values (tokens, T)."""
        net: Any = self.net
        seconds = net.encoder.samples_per_frame / self.meta.audio.sample_rate
        return over_time(title, tokens, values, self.meta.tokenizer, seconds)

    def posteriors_over_time(self, posteriors: Tensor) -> Panel:
        """What the net hears at each frame of the first clip, (T, V): the tokens that are ever likely."""
        likely = (posteriors.amax(0) > LIKELY).nonzero().flatten()
        return self.over_time("Posteriors of the first clip", likely.tolist(), posteriors[:, likely].T)

    def first_clip(self) -> Clips:
        """The one whose spectrogram is shown, on the net's device."""
        waveform = self.sounds[0][1].to(self.device)
        return Clips(waveform[None], torch.tensor([len(waveform)], device=self.device))

    def transcribed(self, audio: Any, write: Callable[[list[Tensor], float], list[str]]) -> list[str]:
        """What is said in each sound of `audio`; a long one is cut at its pauses.

        `write` gives the text of each of some waveforms, and is told the seconds that the net is used to.
        """
        longest = self.meta.seconds or HEARD
        rate = self.meta.audio.sample_rate
        sounds = [stretches(waveform, rate, longest) for waveform in self.hear(audio, LONGEST)]
        every = [stretch for parts in sounds for stretch in parts]
        texts = iter(write(every, longest) if every else [])
        return [in_a_row([next(texts) for _ in parts]) for parts in sounds]

    def decoded(self, found: Sequence[Sequence[int]]) -> list[str]:
        """Texts without blanks at their ends or two in a row."""
        return [" ".join(self.meta.tokenizer.decode(tokens).split()) for tokens in found]

    def score_texts(self, batch: SpeechBatch, split: str, texts: Sequence[str]) -> None:
        """Log the rates of a batch and keep a record of each sample; `texts` has fillers too."""
        keep = batch.valid.nonzero().flatten().tolist()
        outputs, said = [texts[k] for k in keep], [batch.references[k] for k in keep]
        rates: Any = self.rates
        for name, metric in rates.items():
            metric.update(outputs, said)
            self.log_score(split, name, metric, len(keep))
        rate = self.meta.audio.sample_rate
        for k, output in zip(keep, outputs, strict=True):
            length = int(batch.inputs.lens[k])
            record = {"id": batch.ids[k], "reference": batch.references[k], "output": output}
            record |= {"speaker": batch.speakers[k], "seconds": round(length / rate, 3)}
            record["score"] = {"wer": round(edits(str(output), batch.references[k]).rate, 4)}
            self.records.append(record)
            if len(self.sounds) < PLAYED:
                self.sounds.append((record, one_of(batch.inputs, k)))


def _errors(records: Sequence[dict[str, Any]]) -> list[Panel]:
    ranked = sorted(range(len(records)), key=lambda k: (-records[k]["score"]["wer"], k))
    places = list(dict.fromkeys([*ranked[: SHOWN // 2], *range(len(records))]))[:SHOWN]
    note = "The most wrong, then the first. Struck out: said; green: written for it."
    shown = [records[k] for k in places]
    names = [record["id"] for record in shown]
    rows = [[list(part) for part in aligned(record["output"], record["reference"])] for record in shown]
    found: list[Panel] = [Alignment("Transcripts", names, rows, note)]
    if len({record["speaker"] for record in records}) > 1:
        found.append(_table("Errors by voice", "voice", records, _voice))
    return [*found, _table("Errors by length", "seconds", records, _bucket)]


def _bucket(record: dict[str, Any]) -> tuple[float, str]:
    """The least seconds of those that are counted together, and their name."""
    edges = (0.0, *BUCKETS)
    low = max(edge for edge in edges if edge <= record["seconds"])
    above = [edge for edge in BUCKETS if edge > low]
    return low, f"{low:g}-{above[0]:g}" if above else f"{low:g} and more"


def _table(title: str, column: str, records: Sequence[dict[str, Any]], key: Any) -> Table:
    """The errors of the records of each group; `key(record)` is its place among them and its name."""
    groups: dict[tuple[Any, str], list[Edits]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(edits(record["output"], record["reference"]))
    rows: list[list[str | int | float | None]] = []
    for group in sorted(groups):
        total = Edits(*torch.tensor(groups[group]).sum(0).tolist())
        rows.append([group[1], len(groups[group]), total.total, round(total.rate, 4), *total[:3]])
    columns = [column, "clips", "words", "WER", "substitutions", "deletions", "insertions"]
    return Table(title, columns, rows)


def _voice(record: dict[str, Any]) -> tuple[int, str]:
    return 0, record["speaker"] or "unknown"
