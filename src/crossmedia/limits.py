"""What an argument may be: the range of every numeric one by its name, one table for constructors and the
check of a config, and for others the choices that a constructor hands over."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple


class Range(NamedTuple):
    """From `least` to `most`, or from above `above`, or up to but without `below`; of a list, each item."""

    least: float = -math.inf
    most: float = math.inf
    below: float = math.inf
    above: float = -math.inf

    def holds(self, value: float) -> bool:
        """False for NaN and infinity, too."""
        return self.least <= value <= self.most and self.above < value < self.below

    def __str__(self) -> str:
        if self.above > -math.inf:
            return f"must be above {self.above:g}"
        if self.most < math.inf:
            return f"must be between {self.least:.12g} and {self.most:.12g}"
        return f"must be at least {self.least}" + (f" and below {self.below}" * (self.below < math.inf))


_AT_LEAST_1 = """
    accumulate_grad_batches attention_dim batch_size beam captions_per_image channels
    check_val_every_n_epoch codes condition decoder_dim decoder_widths depth dilations dim early_every
    early_size embedding_dim encoder_widths eval_batch_size flows group heads hidden hop_length image_size
    importance_samples iterations kernel kernels latent_dim latents layers max_epochs max_len memory_dim
    min_count min_pictures mixed most n_critic n_fft n_mels num_nodes num_test num_train num_val objects
    outputs period_width periods postnet_dim prenet_dim r1_every rates reduction samples scale_width scales
    size step_size strides T_max timeout top total_steps voices width widths win_length
"""
_AT_LEAST_0 = """
    attention_penalty band_masks bands beta blocks commitment context eps f_min feature_weight first
    frame_masks frames free_bits gamma gradient_clip_val guide harmonics l1 l2 length_penalty levels
    lm_weight log_every_n_steps lr max_lr mel_weight mixup momentum noise overfit_batches patience penalty
    r1 sigma speakers warmup weight_decay
"""
_BELOW_1 = "betas conv_dropout dead decay dropout frame_dropout label_smoothing"
RANGES: dict[str, Range] = {
    **dict.fromkeys(_AT_LEAST_1.split(), Range(1)),
    **dict.fromkeys(_AT_LEAST_0.split(), Range(0)),
    **dict.fromkeys(_BELOW_1.split(), Range(0, below=1)),
    **dict.fromkeys([f"limit_{split}_batches" for split in ("train", "val", "test")], Range(above=0)),
    **dict.fromkeys(["attributes", "kinds", "num_classes"], Range(2)),
    "n": Range(1, 1_000_000),  # pictures of one call; `first` goes on after them
    "r1_end": Range(above=0),
    "min_clips": Range(1),
    "num_workers": Range(0, 256),
    "vocab_size": Range(5),  # the four special tokens and one of the texts'
    "min_objects": Range(1, 3),
    "max_objects": Range(1, 3),
    "min_events": Range(1, 3),
    "max_events": Range(1, 3),
    "beta_nll": Range(0, 1),
    "ctc_weight": Range(0, 1),
    "ctc_decoding": Range(0, 1),
    "frames_share": Range(0, 1),
    "length_bonus": Range(-100, 100),
    "pct_start": Range(0, 1),
    "speed": Range(0.25, 4),
    "pitch": Range(-24, 24),  # semitones
    "start": Range(0, 1),  # a part of training
    "snr": Range(-100, 100),  # dB
    "speeds": Range(0.5, 2),
    "sample_rate": Range(1_000, 384_000),  # Hz
    "top_db": Range(above=0),
    "silence": Range(0, 60),  # seconds
    "max_seconds": Range(above=0),
    "f_max": Range(above=0),
    "threshold": Range(0, 1),
    "mean": Range(-100, 100),  # of a logarithm
    "deviation": Range(above=0),
    "shift": Range(0, 1),
    "rotate": Range(0, 180),
    "scale": Range(0, 0.9),
    "seed": Range(0, 2**32 - 1),
}


def outside(name: str, value: Any) -> str | None:
    """What is wrong with the value of an argument; None where it is in range, or there is no range for it."""
    allowed = RANGES.get(name)
    values = value if isinstance(value, list | tuple) else [value]
    if allowed is None:
        return None
    if any(isinstance(v, bool | str) for v in values):
        return "must be a number"
    if all(allowed.holds(v) for v in values if isinstance(v, int | float)):
        return None
    return f"{allowed} each" if isinstance(value, list | tuple) else str(allowed)


def within(**values: Any) -> None:
    """Raise ValueError for the first argument of a constructor that is out of its range."""
    for name, value in values.items():
        fault = outside(name, value)
        if fault:
            raise ValueError(f"{name} {list(value) if isinstance(value, tuple) else value}: {fault}")


def one_of(choices: Iterable[Any], **values: Any) -> None:
    """Raise ValueError for the first argument of a constructor that is none of the choices."""
    allowed = list(choices)
    for name, value in values.items():
        if value not in allowed:
            raise ValueError(f"{name} {value}: must be one of {', '.join(map(str, allowed))}")
