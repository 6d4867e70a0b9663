"""Beam search beside Hugging Face's `generate`: equal sizes, batch, beams and ends, without the encoder."""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.table import Figure, ratios, show
from crossmedia.nets.transformer import TransformerDecoder
from crossmedia.text.decoding import beam_search
from crossmedia.text.tokenizer import EOS

DIM, HEADS, DEPTH, CELLS, WORDS, LENGTH, BEAMS = 128, 4, 2, 64, 1000, 20, 5
REPEATS = 15
NEVER, NOW = -100.0, 100.0  # logits of the end


def beam() -> list[Figure]:
    """One picture, as a user captions one; a batch; and a batch whose captions have 8 to 20 words."""
    several = torch.randint(8, LENGTH + 1, (16,), generator=torch.Generator().manual_seed(0))
    return [
        _figure("batch 1", torch.tensor([LENGTH])),
        _figure("batch 16", torch.full((16,), LENGTH)),
        _figure("batch 16, 8-20 words", several),
    ]


def _figure(name: str, ends: Tensor) -> Figure:
    """ends (B,): after how many words each caption ends."""
    memory = torch.randn(len(ends), CELLS, DIM)
    theirs, ours = _theirs(memory, ends), _ours(memory, ends)
    spent: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for _ in range(REPEATS + 1):
            for search, times in zip((theirs, ours), spent, strict=True):
                began = time.perf_counter()
                search()
                times.append(time.perf_counter() - began)
    peer, mine = (times[1:] for times in spent)
    words = [f"{1000 * statistics.median(times):.0f} ms" for times in (mine, peer)]
    return Figure(f"generate ÷ beam search, {name}", words[0], words[1], ratios(peer, mine), 3, True)


def _ours(memory: Tensor, ends: Tensor) -> Callable[[], object]:
    net = TransformerDecoder(WORDS, DIM, DIM, DEPTH, HEADS).eval()

    def step(tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        own, (common, ends, place) = state
        logits, (own, common) = net.step(tokens, (own, common))
        logits.view(len(ends), -1, WORDS)[..., EOS] = torch.where(ends == place, NOW, NEVER)[:, None]
        return logits, (own, (common, ends, place + 1))

    def search() -> object:
        own, common = net.start(memory)
        return beam_search(step, (own, (common, ends, 0)), len(memory), BEAMS, LENGTH + 1)

    return search


def _theirs(memory: Tensor, ends: Tensor) -> Callable[[], object]:
    from transformers import BartConfig, BartForConditionalGeneration, GenerationConfig, LogitsProcessor
    from transformers.modeling_outputs import BaseModelOutput

    class End(LogitsProcessor):
        ends_of_beams = ends.repeat_interleave(BEAMS)

        def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
            scores[:, EOS] = torch.where(self.ends_of_beams == input_ids.shape[1] - 1, 0.0, NEVER)
            return scores

    sizes = {"decoder_layers": DEPTH, "decoder_attention_heads": HEADS, "decoder_ffn_dim": 4 * DIM}
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": EOS, "decoder_start_token_id": 1}
    forced = {"forced_eos_token_id": None, "forced_bos_token_id": None}
    encoder = {"encoder_layers": 1, "encoder_attention_heads": HEADS, "encoder_ffn_dim": DIM}
    net = BartForConditionalGeneration(
        BartConfig(
            vocab_size=WORDS, d_model=DIM, max_position_embeddings=128, **sizes, **ids, **forced, **encoder
        )
    ).eval()
    search = GenerationConfig(num_beams=BEAMS, max_new_tokens=LENGTH + 1, do_sample=False, **ids)
    mask = torch.ones(memory.shape[:2], dtype=torch.long)
    # `generate` repeats the encoder's output in place, so each call gets its own
    return lambda: net.generate(
        encoder_outputs=BaseModelOutput(last_hidden_state=memory.clone()),
        attention_mask=mask,
        generation_config=search,
        logits_processor=[End()],
    )


if __name__ == "__main__":
    sys.exit(show("Beam search", beam))
