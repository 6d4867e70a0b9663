"""What vocoders share: mels and samples in step, what is scored and shown of copies of a split's clips.

Shapes: B batch, T frames, M mel bins, S samples.
"""

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.data.batches import Clips, CropBatch, one_of
from crossmedia.errors import ConfigError
from crossmedia.nets.masks import mask_of, masked
from crossmedia.report.panels import Panel, Sound
from crossmedia.tasks.mel_pairs import mel_panels
from crossmedia.tasks.pace import Pace

PLAYED = 4  # clips that can be heard beside their copies


class Pairs(NamedTuple):
    """Mels and the waveforms that a net is to make of them: frame t in the middle of samples t · hop on."""

    mels: Tensor  # (B, T, M)
    frames: Tensor  # (B,)
    waveforms: Tensor  # (B, T · hop)
    first: int = 0  # frames of the clips that lie before


class Copies:
    """The first clips of a split with their copies, and how long the vocoder took for all."""

    def __init__(self):
        self.heard: list[tuple[str, Tensor, Tensor]] = []  # id, clip and copy (S,)
        self.pace = Pace()


def need_fit(net: Any, mel: SpeechMel) -> None:
    """ValueError unless the net takes such mels."""
    for name in ("n_mels", "hop_length"):
        found, needed = getattr(net, name), getattr(mel, name)
        if found != needed:
            raise ValueError(f"net.{name} {found}: must be {needed}, as mel has")


def inner(clips: Clips, mel: SpeechMel) -> Pairs:
    """Of crops of one length: the frames that see nothing but the crop, and their samples."""
    size, hop = clips.waveforms.shape[1], mel.hop_length
    half = mel.mel.n_fft // 2
    first = math.ceil(half / hop)
    count = (size - half) // hop - first + 1
    if count < 1:
        raise ConfigError(f"data.view.samples={size}: must be at least {first * hop + half} for these mels")
    mels = mel(*clips)[0][:, first : first + count]
    start = first * hop - hop // 2
    frames = torch.full_like(clips.lens, count)
    return Pairs(mels, frames, clips.waveforms[:, start : start + count * hop], first)


def whole(clips: Clips, mel: SpeechMel) -> Pairs:
    """All frames of the clips, and their samples, in which silence lies around the clip."""
    mels, frames = mel(*clips)
    before = mel.hop_length // 2
    size = mels.shape[1] * mel.hop_length
    waveforms = masked(clips.waveforms, clips.lens)
    return Pairs(mels, frames, F.pad(waveforms, (before, size - before - waveforms.shape[1])))


def followed(mel: SpeechMel, mels: Tensor, lens: Tensor, frames: int) -> Tensor:
    """(B, T, M) -> (B, T + frames, M): behind each clip's end are frames of silence, as far as it goes."""
    longer = F.pad(mels, (0, 0, 0, frames))
    return longer.masked_fill(~mask_of(lens, longer.shape[1])[..., None], mel.silence)


def placed(made: Tensor, hop_length: int, frames: int, lens: Tensor) -> Tensor:
    """What a net makes of `followed` mels -> (B, T · hop) for T `frames`, silence behind each clip's end.

    Frame t has its middle on sample t · hop, as in a spectrogram; the nets begin each frame there.
    """
    start = hop_length // 2
    found = made[:, start : start + frames * hop_length].float().clamp(-1, 1)
    return masked(found, lens * hop_length)


def mel_distances(mel: SpeechMel, made: Tensor, real: Tensor) -> Tensor:
    """|difference| of log-magnitudes in each cell of mels of `mel`, in nats."""
    return (made - real).abs() * mel.deviation / 2  # its own logarithm is of the power


def score_copies(task: Any, batch: CropBatch, split: str) -> None:
    """Log the distances of the copies of a batch from its clips, and keep a record of each."""
    mel, clips = task.mel, batch.inputs
    mels, frames = mel(*clips)
    with task.copies.pace.working():
        made = task.waveforms(mels, frames)[:, : clips.waveforms.shape[1]]
    task.copies.pace.sound += float(clips.lens.sum()) / task.meta.audio.sample_rate
    copies = Clips(masked(made, clips.lens), clips.lens)
    cells = masked(mel_distances(mel, mel(*copies)[0], mels), frames)
    own = cells.mean(2).sum(1) / frames  # (B,)
    keep = batch.valid.nonzero().flatten().tolist()
    task.log_score(split, "mel", own[batch.valid].sum() / max(len(keep), 1), len(keep))
    real, copy = ([one_of(sounds, k) for k in keep] for sounds in (clips, copies))
    task.quality.update(copy, real)
    for name, metric in task.quality.scores().items():
        task.log_score(split, name, metric, len(keep))
    heard = task.round_trip.score(task, split, copy, real, [batch.references[k] for k in keep])
    for place, k in enumerate(keep):
        seconds = round(int(clips.lens[k]) / task.meta.audio.sample_rate, 3)
        score = {"mel": round(float(own[k]), 4), **heard[place].get("score", {})}
        record = {"id": batch.ids[k], "reference": batch.references[k], "output": heard[place]["output"]}
        task.records.append({**record, "seconds": seconds, "score": score})
        if len(task.copies.heard) < PLAYED:
            task.copies.heard.append((batch.ids[k], one_of(clips, k), one_of(copies, k)))


@torch.inference_mode()
def copied(task: Any, audio: Any) -> list[Tensor]:
    """Each sound made again from its mels, (S,) as long as it was."""
    found = []
    for waveform in task.hear(audio):
        mels, frames = task.mel(waveform[None], torch.tensor([len(waveform)], device=task.device))
        found.append(task.waveforms(mels, frames)[0, : len(waveform)])
    return found


def shown(task: Any) -> list[Panel]:
    """The mels of the first clip, of its copy, and how they differ; players."""
    rate, found = task.meta.audio.sample_rate, []
    if task.copies.heard:
        _, *both = task.copies.heard[0]
        found += mel_panels(task.mel, *(_mels(task.mel, waveform) for waveform in both), sample_rate=rate)
    for name, clip, copy in task.copies.heard:
        found += [Sound(name, clip, rate, "real"), Sound(name, copy, rate, "from its mels")]
    return found


def _mels(mel: nn.Module, waveform: Tensor) -> Tensor:
    device = next(mel.buffers()).device
    return mel(waveform[None].to(device), torch.tensor([len(waveform)], device=device))[0][0]


def told(task: Any, split: str) -> list[str]:
    """The real-time factor of the copies, what heard them, what is not scored and why."""
    lacking = [f"no {name}, which {need}" for name, need in task.quality.missing.items()]
    pace = task.copies.pace.told(task.device.type)
    return [f"{split}: {words}" for words in (pace, task.round_trip.note(), *lacking)]
