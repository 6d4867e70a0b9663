"""FastSpeech 2 beside Tacotron 2, texts to mels: the nets of `fastspeech_scenes` and `tacotron_scenes`, equal
texts and frames."""

import statistics
import sys
import time
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.table import Figure, ratios, show
from crossmedia.build import build
from crossmedia.config import compose, resolved

LETTERS, VOCABULARY, FRAMES = 40, 32, 4  # of a text; frames of each letter
REPEATS = 15
TEXTS = 8  # in a row, as a user speaks them: alternating, each would find the other's data in the cache


def speech() -> list[Figure]:
    """One text after the other, as a user speaks them, and a batch of them, which keeps both nets busy."""
    return [_figure(1, goal=20), _figure(16)]


def _figure(size: int, goal: float | None = None) -> Figure:
    tokens = torch.randint(4, VOCABULARY, (size, LETTERS), generator=torch.Generator().manual_seed(0))
    lens = torch.full((size,), LETTERS)
    parallel, steps = _net("fastspeech_scenes"), _net("tacotron_scenes")
    predictors = parallel.predictors
    _say(predictors.out_weight, predictors.out_bias, torch.tensor(float(FRAMES)).log1p())
    _say(steps.stop.weight, steps.stop.bias, torch.tensor(-1.0))  # never: it is cut at as many frames
    most = lens * FRAMES
    spent: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for _ in range(REPEATS + 1):
            frames = [
                _timed(parallel, tokens, lens, most, spent[0])[1],
                _timed(steps, tokens, lens, most // steps.reduction, spent[1]).frames,
            ]
            if not torch.equal(*frames):
                raise RuntimeError(f"{frames[0].tolist()} frames and {frames[1].tolist()}")
    mine, peer = (times[1:] for times in spent)
    words = [f"{1000 * statistics.median(times):.1f} ms" for times in (mine, peer)]
    return Figure(f"Tacotron 2 ÷ FastSpeech 2, batch {size}", *words, ratios(peer, mine), goal, True)


def _net(name: str) -> Any:
    node = resolved(compose([f"experiments={name}", "model.aligner.run=none"][: 1 + name.startswith("fast")]))
    return build({**node["model"]["net"], "vocab_size": VOCABULARY}, "model.net").eval()


def _say(weight: Tensor, bias: Tensor, value: Tensor) -> None:
    """Whatever the layer is asked."""
    nn.init.zeros_(weight)
    nn.init.constant_(bias, float(value))


def _timed(net: Any, tokens: Tensor, lens: Tensor, most: Tensor, times: list[float]) -> Any:
    began = time.perf_counter()
    for _ in range(TEXTS):
        found = net.speak(tokens, lens, most)
    times.append((time.perf_counter() - began) / TEXTS)
    return found


if __name__ == "__main__":
    sys.exit(show("Speech", speech))
