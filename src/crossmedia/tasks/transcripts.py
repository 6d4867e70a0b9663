"""What every recogniser is scored by and shows: error rates, the edits word by word, errors by voice and
length.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from crossmedia.audio.mels import LogMel
from crossmedia.data.batches import SpeechBatch
from crossmedia.metrics.error_rates import Edits, ErrorRate, aligned, edits
from crossmedia.report.panels import Alignment, Matrix, Panel, Sound, Table

SHOWN = 12  # transcripts with their edits; half of them the worst
HEARD = 4  # players
BANDS, FRAMES = 32, 400  # of a spectrogram
BUCKETS = (2.0, 4.0, 8.0, 16.0)  # seconds, of the table of errors by length

SCORES = {
    "wer": "min",
    "cer": "min",
    "substitutions": "min",
    "deletions": "min",
    "insertions": "min",
}


class Transcripts(nn.Module):
    """Outputs beside what was said. `sounds` holds the first waveforms of the split that was scored last."""

    def __init__(self) -> None:
        super().__init__()
        self.wer, self.cer = ErrorRate(), ErrorRate("characters")
        self.substitutions = ErrorRate(part="substitutions")
        self.deletions = ErrorRate(part="deletions")
        self.insertions = ErrorRate(part="insertions")
        self.forget()

    def forget(self) -> None:
        self.sounds: list[Tensor] = []

    def score(self, task: Any, batch: SpeechBatch, split: str, texts: Sequence[str]) -> None:
        """Log the rates of a batch and give the task a record of each sample; `texts` has fillers too."""
        keep = batch.valid.nonzero().flatten().tolist()
        outputs, said = [texts[k] for k in keep], [batch.references[k] for k in keep]
        for name in SCORES:
            metric = getattr(self, name)
            metric.update(outputs, said)
            task.log_score(split, name, metric, len(keep))
        rate = task.meta.audio.sample_rate
        for k, output in zip(keep, outputs, strict=True):
            length = int(batch.inputs.lens[k])
            record = {"id": batch.ids[k], "reference": batch.references[k], "output": output}
            record |= {"speaker": batch.speakers[k], "seconds": round(length / rate, 3)}
            record["score"] = {"wer": round(edits(str(output), batch.references[k]).rate, 4)}
            task.records.append(record)
            if len(self.sounds) < HEARD:
                self.sounds.append(batch.inputs.waveforms[k, :length].cpu())

    def panels(self, records: Sequence[dict[str, Any]], sample_rate: int) -> list[Panel]:
        """The edits of some transcripts, errors by voice and by length, and players."""
        if not records:
            return []
        ranked = sorted(range(len(records)), key=lambda k: (-records[k]["score"]["wer"], k))
        places = list(dict.fromkeys([*ranked[: SHOWN // 2], *range(len(records))]))[:SHOWN]
        note = "The most wrong, then the first. Struck out: said; green: written for it."
        shown = [records[k] for k in places]
        found: list[Panel] = [
            Alignment(
                "Transcripts",
                [record["id"] for record in shown],
                [[list(part) for part in aligned(record["output"], record["reference"])] for record in shown],
                note,
            )
        ]
        speakers = {record["speaker"] for record in records}
        if len(speakers) > 1:
            found.append(
                _table("Errors by voice", "voice", records, lambda record: record["speaker"] or "unknown")
            )
        found.append(_table("Errors by length", "seconds", records, _bucket))
        if self.sounds:
            found.append(_spectrogram(self.sounds[0], sample_rate))
        for record, waveform in zip(records, self.sounds, strict=False):
            found.append(Sound(record["id"], waveform, sample_rate, f"{record['output'] or '(empty)'}"))
        return found


def _spectrogram(waveform: Tensor, sample_rate: int) -> Panel:
    """The first clip, high bands above, a frame every 10 ms."""
    window = int(0.025 * sample_rate) // 2 * 2
    mel = LogMel(sample_rate, window, window, sample_rate // 100, BANDS)
    mels = mel(waveform[None])[0, :FRAMES].T.flip(0)  # (M, T)
    hertz = (mel.filters.argmax(0) * sample_rate / window).round().int().tolist()[::-1]
    columns = [f"{frame / 100:g}" for frame in range(mels.shape[1])]
    values = (mels - mels.min()).tolist()
    return Matrix(
        "Spectrogram of the first clip", [f"{band} Hz" for band in hertz], columns, values, "", "seconds"
    )


def _bucket(record: dict[str, Any]) -> str:
    low = 0.0
    for high in BUCKETS:
        if record["seconds"] < high:
            return f"{low:g}-{high:g}"
        low = high
    return f"{low:g} and more"


def _table(title: str, column: str, records: Sequence[dict[str, Any]], key: Any) -> Table:
    groups: dict[str, list[Edits]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(edits(record["output"], record["reference"]))
    rows: list[list[str | int | float | None]] = []
    for name in sorted(groups):
        total = Edits(*torch.tensor(groups[name]).sum(0).tolist())
        rows.append([name, len(groups[name]), total.total, round(total.rate, 4), *total[:3]])
    columns = [column, "clips", "words", "WER", "substitutions", "deletions", "insertions"]
    return Table(title, columns, rows)
