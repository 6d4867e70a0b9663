"""Speech that was made, written down by a recogniser: its error rates, and those of real speech beside."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from crossmedia.metrics.error_rates import ErrorRate, edits
from crossmedia.tasks.frozen import Judge

SCORES = {"wer": "min", "cer": "min"}


class RoundTrip(nn.Module):
    """Logs `wer` and `cer` of made speech and `wer_floor` of the real clips; nothing without a recogniser.

    Numbers and abbreviations are compared as the task's front end reads them aloud.
    """

    def __init__(self, judge: Judge | None = None):
        super().__init__()
        self.judge = judge or Judge()
        rates = {"wer": ErrorRate(), "cer": ErrorRate("characters"), "wer_floor": ErrorRate()}
        self.rates = nn.ModuleDict(rates)

    def ready(self) -> None:
        """Read the recogniser, where there is one."""
        if not self.judge.missing:
            self.judge.read()

    def unscored(self) -> dict[str, str]:
        """The names of all that it logs, where there is no recogniser, and why."""
        missing = self.judge.missing
        return dict.fromkeys(self.rates, missing) if missing else {}

    def note(self) -> str:
        return self.judge.missing or f"written down by the recogniser of {self.judge.run}"

    def score(
        self, task: Any, split: str, made: Sequence[Tensor], real: Sequence[Tensor], texts: Sequence[Any]
    ) -> list[dict[str, Any]]:
        """What is heard in each made waveform, and its own word error rate: parts of its record."""
        if self.judge.missing or None in texts:
            return [{"output": None}] * len(made)
        rate = task.meta.audio.sample_rate
        heard = [_written(task.meta.front, text) for text in self.judge.texts([*made, *real], rate)]
        texts = [_written(task.meta.front, text) for text in texts]
        outputs, known = heard[: len(made)], heard[len(made) :]
        for name, metric in self.rates.items():
            rates: Any = metric
            rates.update(known if name == "wer_floor" else outputs, texts)
            task.log_score(split, name, rates, len(made))
        pairs = zip(outputs, texts, strict=True)
        return [{"output": one, "score": {"wer": round(edits(one, text).rate, 4)}} for one, text in pairs]


def _written(front: Any, text: str) -> str:
    """As it is spoken: a number that was read aloud is heard as words. What cannot be read aloud stays."""
    try:
        return front.written(text) if front else text
    except ValueError:
        return text
