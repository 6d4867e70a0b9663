"""From one sample rate to another by a polyphase filter."""

from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np
from scipy.signal import firwin, resample_poly

_LOBES = 10  # of the filter's sine to either side; it takes 9 kHz down by 40 dB on the way to 16 kHz
_BETA = 5.0  # of its Kaiser window


def resampled(wave: np.ndarray, old: int, new: int) -> np.ndarray:
    """float (samples,) at `old` Hz -> (⌈samples · new / old⌉,) of the same type at `new` Hz."""
    if old == new:
        return wave
    common = gcd(old, new)
    up, down = new // common, old // common
    found: Any = resample_poly(wave, up, down, window=_low_pass(max(up, down)).astype(wave.dtype))
    return found


@lru_cache(maxsize=8)  # a set of sounds has few rates, and the filter of odd ones is long
def _low_pass(factor: int) -> np.ndarray:
    """The filter (taps,) that resample_poly would make anew for each sound, in more time than it filters."""
    window: Any = ("kaiser", _BETA)
    taps: Any = firwin(2 * _LOBES * factor + 1, 1 / factor, window=window)
    return taps
