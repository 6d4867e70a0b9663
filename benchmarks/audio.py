"""Log-mel spectrograms of a batch beside librosa's, which takes clip after clip: the same answer."""

import statistics
import sys
import time

import librosa
import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.table import Figure, ratios, show
from crossmedia.audio.mels import FLOOR, LogMel

CLIPS, SECONDS, RATE = 64, 3, 16_000
REPEATS = 15
AGREE = 1e-4  # of the logarithm


def audio() -> list[Figure]:
    """librosa on one thread: its products are small, a second thread makes them slower."""
    clips = 0.1 * torch.randn(CLIPS, SECONDS * RATE, generator=torch.Generator().manual_seed(0))
    net = LogMel(RATE)
    peer, mine = [], []
    for _ in range(REPEATS + 1):
        with threadpool_limits(1):
            began = time.perf_counter()
            theirs = np.stack([_librosa(clip) for clip in clips.numpy()])
            peer.append(time.perf_counter() - began)
        with torch.inference_mode():
            began = time.perf_counter()
            ours = net(clips).numpy()
            mine.append(time.perf_counter() - began)
        apart = float(np.abs(ours - theirs).max())
        if apart > AGREE:
            raise RuntimeError(f"log-mels {apart:.1g} apart from librosa's")
    speeds = [f"{CLIPS / statistics.median(times[1:]):,.0f} clips/s" for times in (mine, peer)]
    what = f"log-mels ÷ librosa's on one thread, {CLIPS} clips of {SECONDS} s"
    return [Figure(what, speeds[0], speeds[1], ratios(peer[1:], mine[1:]), goal=5, least=True)]


def _librosa(clip: np.ndarray) -> np.ndarray:
    power = librosa.feature.melspectrogram(y=clip, sr=RATE, n_fft=400, hop_length=160, n_mels=80)
    return np.log(np.maximum(power, FLOOR)).T


if __name__ == "__main__":
    sys.exit(show("Audio", audio))
