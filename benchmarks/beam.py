"""Beam search beside Hugging Face's `generate`: equal sizes, batch, beams and length, without the encoder."""

import statistics
import sys
import time
from collections.abc import Callable

import torch

from benchmarks.table import Figure, ratios, show
from crossmedia.nets.transformer import TransformerDecoder
from crossmedia.text.decoding import beam_search
from crossmedia.text.tokenizer import EOS

DIM, HEADS, DEPTH, CELLS, WORDS, LENGTH, BEAMS = 128, 4, 2, 64, 1000, 20, 5
REPEATS = 15


def beam() -> list[Figure]:
    """One picture, as a user captions one, and a batch of them."""
    return [_figure(batch) for batch in (1, 16)]


def _figure(batch: int) -> Figure:
    memory = torch.randn(batch, CELLS, DIM)
    theirs, ours = _theirs(memory), _ours(memory)
    spent: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for _ in range(REPEATS + 1):
            for search, times in zip((theirs, ours), spent, strict=True):
                began = time.perf_counter()
                search()
                times.append(time.perf_counter() - began)
    peer, mine = (times[1:] for times in spent)
    words = [f"{1000 * statistics.median(times):.0f} ms" for times in (mine, peer)]
    return Figure(f"generate ÷ beam search, batch {batch}", words[0], words[1], ratios(peer, mine), 3, True)


def _ours(memory: torch.Tensor) -> Callable[[], object]:
    net = TransformerDecoder(WORDS, DIM, DIM, DEPTH, HEADS).eval()
    with torch.no_grad():
        net.output.bias[EOS] = -100.0  # both write to the limit
    return lambda: beam_search(net.step, net.start(memory), len(memory), BEAMS, LENGTH)


def _theirs(memory: torch.Tensor) -> Callable[[], object]:
    from transformers import BartConfig, BartForConditionalGeneration, GenerationConfig
    from transformers.modeling_outputs import BaseModelOutput

    sizes = {"decoder_layers": DEPTH, "decoder_attention_heads": HEADS, "decoder_ffn_dim": 4 * DIM}
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": EOS, "decoder_start_token_id": 1}
    forced = {"forced_eos_token_id": None, "forced_bos_token_id": None}
    encoder = {"encoder_layers": 1, "encoder_attention_heads": HEADS, "encoder_ffn_dim": DIM}
    net = BartForConditionalGeneration(
        BartConfig(
            vocab_size=WORDS, d_model=DIM, max_position_embeddings=128, **sizes, **ids, **forced, **encoder
        )
    ).eval()
    net.final_logits_bias[0, EOS] = -100.0
    search = GenerationConfig(num_beams=BEAMS, max_new_tokens=LENGTH, do_sample=False, **ids)
    mask = torch.ones(memory.shape[:2], dtype=torch.long)
    # `generate` repeats the encoder's output in place, so each call gets its own
    return lambda: net.generate(
        encoder_outputs=BaseModelOutput(last_hidden_state=memory.clone()),
        attention_mask=mask,
        generation_config=search,
    )


if __name__ == "__main__":
    sys.exit(show("Beam search", beam))
