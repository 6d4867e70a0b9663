"""What a synthesis is heard by, the vocoder that makes its sound and the recogniser that writes it down
again, and what it learns durations from.

They may be runs of their own. They are read when scoring or generating needs them, and are no part of the
task that uses them: neither of its weights nor of its checkpoint.
"""

import contextlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from crossmedia.audio.griffin_lim import GriffinLim
from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.batches import Meta, SynthesisBatch
from crossmedia.errors import CheckpointError, ConfigError
from crossmedia.folder import find_run

BATCH = 16  # clips that are heard at once


class Vocoder:
    """From mels to waveforms: by the task of `run`, or by Griffin and Lim's algorithm."""

    def __init__(self, run: str | None = None):
        self.run = run
        self._net: Any = None

    @property
    def name(self) -> str:
        return f"the vocoder of {self.run}" if self.run else "Griffin-Lim"

    def waveforms(self, mel: SpeechMel, mels: Tensor, lens: Tensor) -> Tensor:
        """Normalised mels (B, T, M) and the frames of each (B,) -> (B, T · hop).

        Raises ConfigError where the run's mels are other ones, CheckpointError as `run.load` does.
        """
        return self.read(mel).to(mels.device).waveforms(mels, lens)

    def read(self, mel: SpeechMel) -> Any:
        if self._net is None:
            self._net = GriffinLim(mel) if self.run is None else _vocoder(self.run, mel)
        return self._net


class Judge:
    """The recogniser of `run`, which writes down what was synthesised. Where there is no such run yet nothing
    is written down, and `missing` says so."""

    def __init__(self, run: str | None = None):
        self.run = run
        self._task: Any = None

    @property
    def missing(self) -> str | None:
        return None if self._task else _missing("judge", "recogniser", self.run)

    def texts(self, waveforms: list[Tensor], sample_rate: int) -> list[str]:
        """What is heard in each waveform (samples,)."""
        task = self.read()
        prepare = AudioTransform(task.meta.audio.sample_rate).prepare
        heard = [prepare(waveform.float().cpu(), sample_rate) for waveform in waveforms]
        parts = range(0, len(heard), BATCH)
        return [text for start in parts for text in task.generate(audio=heard[start : start + BATCH])]

    def read(self) -> Any:
        if self._task is None:
            task = _task(str(self.run))
            if not hasattr(task, "transcribed"):
                raise ConfigError(f"model.judge.run={self.run}: {type(task).__name__} writes down no speech")
            self._task = task
        return self._task


class Aligner:
    """The synthesis by attention of `run`, which tells how long each character of a clip lasts. Where there
    is no such run nothing is trained, and `missing` says so."""

    def __init__(self, run: str | None = None):
        self.run = run
        self._task: Any = None

    @property
    def missing(self) -> str | None:
        return None if self._task else _missing("aligner", "synthesis by attention", self.run)

    def durations(self, batch: SynthesisBatch, mel: SpeechMel) -> list[Tensor]:
        """The frames of each character of each clip, (L,) int64, which sum up to the clip's.

        Raises ConfigError where the run has other mels, CheckpointError as `run.load` does.
        """
        return self.read(mel).to(batch.tokens.device).durations(batch)

    def read(self, mel: SpeechMel, meta: Meta | None = None) -> Any:
        """The task; ConfigError where its mels, or the texts or speakers of `meta`, are other ones.

        A run that tells no speakers apart does for any.
        """
        if self._task is None:
            if self.run is None:
                raise ConfigError("model.aligner.run=null: must be a run of TTS, which tells durations")
            task = _task(self.run)
            if not hasattr(task, "durations"):
                raise ConfigError(f"model.aligner.run={self.run}: {type(task).__name__} has no durations")
            _need_alike(f"model.aligner.run={self.run}", task.mel, mel)
            if meta and task.meta.tokenizer != meta.tokenizer:
                raise ConfigError(f"model.aligner.run={self.run}: was trained with another vocabulary")
            if meta and task.meta.speakers not in ((), meta.speakers):
                raise ConfigError(f"model.aligner.run={self.run}: was trained on other speakers")
            self._task = task
        return self._task


def _missing(helper: str, kind: str, run: str | None) -> str | None:
    """What is said of a helper that is no run, or none yet."""
    if run is None:
        return f"no {kind} is named by model.{helper}.run"
    with contextlib.suppress(CheckpointError):
        _checkpoint(run)
        return None
    return f"model.{helper}.run={run} is not there yet. Train it first"


def _vocoder(name: str, mel: SpeechMel) -> Any:
    task = _task(name)
    if not hasattr(task, "waveforms"):
        raise ConfigError(f"vocoder {name}: {type(task).__name__} makes no sound of mels")
    _need_alike(f"vocoder {name}", task.mel, mel)
    return task


def _need_alike(name: str, theirs: SpeechMel, mel: SpeechMel) -> None:
    own, other = mel.settings(), theirs.settings()
    different = [f"{key} {other[key]:g}, {own[key]:g} here" for key in own if own[key] != other[key]]
    if different:
        raise ConfigError(f"{name}: was trained on other mels: {'; '.join(different)}")


def _task(name: str) -> Any:
    from crossmedia.run import load

    with torch.inference_mode(False):  # what is made in that mode can never leave it
        return load(_checkpoint(name))


def _checkpoint(name: str) -> Path:
    return find_run(Path(name).expanduser() if Path(name).exists() else name)[1]
