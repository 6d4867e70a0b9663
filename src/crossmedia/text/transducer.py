"""Decoding of a transducer: greedy, and beam search frame by frame (Graves, 2012; Saon et al., 2020).

Shapes: B batch, T frames, D joint width, V vocabulary with blank as token 0.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from crossmedia.limits import within
from crossmedia.text.ctc import BLANK

Prefix = tuple[int, ...]
MOST = 8  # tokens of one frame: a net that never says blank must not run for ever


@torch.no_grad()
def transducer_greedy(net: Any, features: Tensor, lens: Tensor) -> list[list[int]]:
    """The best token at each step until it is blank, then the next frame; features (B, T, D), lens (B,)."""
    batch = torch.arange(len(features), device=features.device)
    token = batch.new_full((len(batch), 1), BLANK)
    text, state = net.predict(token, None)
    found: list[list[int]] = [[] for _ in batch]
    for frame in range(features.shape[1]):
        going = frame < lens
        for _ in range(MOST):
            best = net.join(features[:, frame], text[:, 0]).argmax(-1)  # (B,)
            going = going & (best != BLANK)
            if not going.any():
                break
            for row in going.nonzero().flatten().tolist():
                found[row].append(int(best[row]))
            longer, new = net.predict(best[:, None], state)
            text = torch.where(going[:, None, None], longer, text)
            state = tuple(
                torch.where(going[None, :, None], one, other) for one, other in zip(new, state, strict=True)
            )
    return found


def greedy_path(probs: Tensor) -> Tensor:
    """(T, U + 1, V) by starts of the greedy text to (T, V): the most that a frame's steps give a token."""
    written, found = 0, []
    for frame in probs:
        first = written
        while written + 1 < len(frame) and written - first < MOST and frame[written].argmax() != BLANK:
            written += 1
        found.append(frame[first : written + 1].amax(0))
    return torch.stack(found)


class _Hypothesis(NamedTuple):
    score: float
    text: Tensor  # (1, 1, D)
    state: Any


@torch.no_grad()
def transducer_beam_search(net: Any, features: Tensor, lens: Tensor, beam: int = 4) -> list[list[int]]:
    """The best text of each clip by the sum over the alignments that stay on the beam."""
    within(beam=beam)
    return [
        list(_search(net, row[:length], beam)) for row, length in zip(features, lens.tolist(), strict=True)
    ]


def _search(net: Any, features: Tensor, beam: int) -> Prefix:
    text, state = net.predict(torch.full((1, 1), BLANK, device=features.device), None)
    kept: dict[Prefix, _Hypothesis] = {(): _Hypothesis(0.0, text, state)}
    for frame in features:
        done: dict[Prefix, _Hypothesis] = {}
        open_, steps = kept, 0
        while open_ and steps <= MOST:
            ranked = sorted(open_, key=lambda prefix: (-open_[prefix].score, prefix))[:beam]
            texts = torch.cat([open_[prefix].text for prefix in ranked])[:, 0]  # (R, D)
            log_probs = net.join(frame[None], texts).float().log_softmax(-1).cpu().numpy()
            longer: dict[Prefix, _Hypothesis] = {}
            worst = sorted((h.score for h in done.values()), reverse=True)[beam - 1 : beam]
            for prefix, row in zip(ranked, log_probs, strict=True):
                hypothesis = open_[prefix]
                score = hypothesis.score + float(row[BLANK])
                if prefix in done:
                    score = float(np.logaddexp(score, done[prefix].score))
                done[prefix] = hypothesis._replace(score=score)
                if steps == MOST:
                    continue
                row[BLANK] = -np.inf
                for token in np.argsort(-row, kind="stable")[:beam].tolist():
                    total = hypothesis.score + float(row[token])
                    if row[token] > -np.inf and (not worst or total > worst[0]):
                        text, state = net.predict(
                            torch.full((1, 1), token, device=frame.device), hypothesis.state
                        )
                        longer[(*prefix, token)] = _Hypothesis(total, text, state)
            open_, steps = longer, steps + 1
        best = sorted(done, key=lambda prefix: (-done[prefix].score, prefix))[:beam]
        kept = {prefix: done[prefix] for prefix in best}
    return max(kept, key=lambda prefix: (kept[prefix].score, prefix))
