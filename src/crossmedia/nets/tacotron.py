"""Tacotron 2: from characters to log-mels, some frames a step (Shen et al., 2018).

Shapes: B batch, L characters, T frames, R frames of a step, N = T / R steps, M mel bins, D width of the
memory, H of the decoder, P of the pre-net, A of the attention, S speakers.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from crossmedia.limits import within
from crossmedia.nets.masks import MaskedBatchNorm, mask_of, masked

KERNEL = 5  # of the convolutions of encoder and post-net (section 2.2)
PRENET_DROPOUT = 0.5  # which stays when training is over
MASKS = 64  # steps after which the pre-net's masks begin anew, outside training
LOCATIONS, SPAN = 32, 31  # filters over the cumulative attention, and their length


class Spoken(NamedTuple):
    before: Tensor  # (B, T, M) without the post-net
    mels: Tensor  # (B, T, M)
    stops: Tensor  # (B, N) logits: the step is the last one
    attention: Tensor  # (B, N, L)


class Said(NamedTuple):
    mels: Tensor  # (B, T, M), zeros behind each clip's end
    frames: Tensor  # (B,)
    attention: Tensor  # (B, N, L)
    finished: Tensor  # (B,) false where the limit cut it


class State(NamedTuple):
    hidden: Tensor  # (B, H) of the attention's LSTM
    cell: Tensor
    context: Tensor  # (B, D)
    weights: Tensor  # (B, L) of the step before
    total: Tensor  # (B, L) of all steps before


class Tacotron2(nn.Module):
    """An encoder of convolutions and an LSTM in both directions, a decoder that looks at it by attention that
    knows where it has been (Chorowski et al., 2015), and a post-net.

    Each step gives `reduction` frames (Wang et al., 2017) and reads the last one of the step before; in
    training that is the mean frame, 0, in the part `frame_dropout` of all steps, or the net would trust the
    frame more than the text (Liu et al., 2019). Where the paper has zoneout, its LSTMs have dropout on what
    they put out. With `speakers`, each has a vector that is added to the memory.
    """

    def __init__(
        self,
        vocab_size: int,
        n_mels: int = 80,
        dim: int = 512,
        decoder_dim: int = 1024,
        prenet_dim: int = 256,
        attention_dim: int = 128,
        postnet_dim: int = 512,
        reduction: int = 1,
        dropout: float = 0.1,
        conv_dropout: float = 0.5,
        frame_dropout: float = 0.0,
        speakers: int = 0,
    ):
        super().__init__()
        within(vocab_size=vocab_size, n_mels=n_mels, dim=dim, decoder_dim=decoder_dim, prenet_dim=prenet_dim)
        within(attention_dim=attention_dim, postnet_dim=postnet_dim, reduction=reduction, dropout=dropout)
        within(conv_dropout=conv_dropout, frame_dropout=frame_dropout, speakers=speakers)
        if dim % 2:
            raise ValueError(f"dim {dim}: must be even, for two directions")
        self.n_mels, self.reduction, self.frame_dropout = n_mels, reduction, frame_dropout
        self.speakers = speakers
        self.embedding = nn.Embedding(vocab_size, dim)
        self.convolutions = Convolutions([dim] * 4, nn.ReLU(), conv_dropout)
        self.encoder = nn.LSTM(dim, dim // 2, batch_first=True, bidirectional=True)
        self.speaker = nn.Embedding(speakers, dim) if speakers else None
        self.prenet = PreNet(n_mels, prenet_dim)
        self.attend = LocationAttention(decoder_dim, dim, attention_dim)
        self.decoder_dim = decoder_dim
        self.from_frame = nn.Linear(prenet_dim, 4 * decoder_dim)  # to the gates of the attention's LSTM
        self.from_state = nn.Linear(dim + decoder_dim, 4 * decoder_dim, bias=False)
        self.decoder = nn.LSTM(decoder_dim + dim, decoder_dim, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.frames = nn.Linear(decoder_dim + dim, n_mels * reduction)
        self.stop = nn.Linear(decoder_dim + dim, 1)
        widths = [n_mels, *[postnet_dim] * 4, n_mels]
        self.postnet = Convolutions(widths, nn.Tanh(), conv_dropout, linear_end=True)

    def forward(
        self, tokens: Tensor, lens: Tensor, mels: Tensor, frames: Tensor, speakers: Tensor | None = None
    ) -> Spoken:
        """What follows each step of the real mels (B, T, M), T and `frames` (B,) multiples of R."""
        memory, state = self.start(tokens, lens, speakers)
        seen = self.attend.seen(memory, lens)
        before = nn.functional.pad(mels[:, self.reduction - 1 : -1 : self.reduction], (0, 0, 1, 0))
        if self.training and self.frame_dropout:
            before = before * (torch.rand_like(before[..., :1]) >= self.frame_dropout)
        queries, contexts, attention = [], [], []
        for gates in self.from_frame(self.prenet(before)).unbind(1):  # (B, N, 4 H)
            state = self._advance(gates, state, memory, seen)
            queries.append(state.hidden)
            contexts.append(state.context)
            attention.append(state.weights)
        context = torch.stack(contexts, 1)  # (B, N, D)
        x = torch.cat([self.dropout(torch.stack(queries, 1)), context], -1)
        x = torch.cat([self.dropout(self.decoder(x)[0]), context], -1)  # (B, N, H + D)
        drawn = self.frames(x).unflatten(-1, (self.reduction, self.n_mels)).flatten(1, 2)  # (B, T, M)
        return Spoken(
            drawn, drawn + self.postnet(drawn, frames), self.stop(x)[..., 0], torch.stack(attention, 1)
        )

    def speak(self, tokens: Tensor, lens: Tensor, most: Tensor, speakers: Tensor | None = None) -> Said:
        """The mels of each text until it says that it is at its end, at most `most` (B,) steps."""
        memory, state = self.start(tokens, lens, speakers)
        seen = self.attend.seen(memory, lens)
        frame, inner = memory.new_zeros(len(memory), 1, self.n_mels), None
        steps, ended = torch.zeros_like(most), torch.zeros_like(most, dtype=torch.bool)
        drawn, attention = [], []
        while not (ended | (steps >= most)).all():
            open_ = ~ended & (steps < most)
            gates = self.from_frame(self.prenet(frame, len(drawn))[:, 0])
            state = self._advance(gates, state, memory, seen)
            x, inner = self.decoder(torch.cat([state.hidden, state.context], -1)[:, None], inner)
            x = torch.cat([x[:, 0], state.context], -1)
            drawn.append(self.frames(x).unflatten(-1, (self.reduction, self.n_mels)))  # (B, R, M)
            attention.append(state.weights)
            frame = drawn[-1][:, -1:]
            steps = steps + open_
            ended = ended | (open_ & (self.stop(x)[:, 0] > 0))
        mels, frames = torch.cat(drawn, 1), steps * self.reduction  # (B, T, M)
        mels = masked(mels + self.postnet(mels, frames), frames)
        return Said(mels, frames, torch.stack(attention, 1), ended)

    def start(self, tokens: Tensor, lens: Tensor, speakers: Tensor | None) -> tuple[Tensor, State]:
        """The memory (B, L, D), zeros behind each text's end, and the state before the first step."""
        x = self.convolutions(self.embedding(tokens), lens)
        packed = pack_padded_sequence(x, lens.cpu(), batch_first=True, enforce_sorted=False)
        x, _ = pad_packed_sequence(self.encoder(packed)[0], batch_first=True, total_length=x.shape[1])
        if self.speaker is not None:
            x = masked(x + self.speaker(speakers)[:, None], lens)
        nothing = x.new_zeros(len(x), self.decoder_dim)
        unseen = x.new_zeros(x.shape[:2])
        return x, State(nothing, nothing, x.new_zeros(len(x), x.shape[2]), unseen, unseen)

    def _advance(self, gates: Tensor, state: State, memory: Tensor, seen: "Seen") -> State:
        """One step; gates (B, 4 H) is what the last frame adds to them."""
        gates = gates + self.from_state(torch.cat([state.context, state.hidden], -1))
        enter, keep, new, leave = gates.chunk(4, -1)
        cell = keep.sigmoid() * state.cell + enter.sigmoid() * new.tanh()
        hidden = leave.sigmoid() * cell.tanh()
        weights = self.attend(hidden, seen, state.weights, state.total)  # (B, L)
        context = torch.bmm(weights[:, None], memory)[:, 0]  # (B, D)
        return State(hidden, cell, context, weights, state.total + weights)


class Seen(NamedTuple):
    """What an attention sees of a text at every step."""

    keys: Tensor  # (B, L, A)
    gone: Tensor  # (B, L) true behind a text's end
    kernel: Tensor  # (2 SPAN, A): the filters over locations and what is made of them, in one


class LocationAttention(nn.Module):
    """Additive attention whose energies also see the weights of the step before and of all before."""

    def __init__(self, query_dim: int, memory_dim: int, dim: int):
        super().__init__()
        self.asked = nn.Linear(query_dim, dim, bias=False)
        self.key = nn.Linear(memory_dim, dim)
        self.locations = nn.Conv1d(2, LOCATIONS, SPAN, padding=SPAN // 2, bias=False)
        self.located = nn.Linear(LOCATIONS, dim, bias=False)
        self.energy = nn.Linear(dim, 1, bias=False)

    def seen(self, memory: Tensor, lens: Tensor) -> Seen:
        """Of texts (B, L, D) of so many characters (B,)."""
        kernel = (self.located.weight @ self.locations.weight.flatten(1)).T
        return Seen(self.key(memory), ~mask_of(lens, memory.shape[1]), kernel)

    def forward(self, query: Tensor, seen: Seen, weights: Tensor, total: Tensor) -> Tensor:
        """query (B, H), weights and total (B, L) -> where to look now, (B, L)."""
        before = nn.functional.pad(torch.stack([weights, total], 1), (SPAN // 2, SPAN // 2))
        # a convolution of so few characters takes longer
        near = before.unfold(2, SPAN, 1).transpose(1, 2).flatten(2)  # (B, L, 2 SPAN)
        asked = self.asked(query)[:, None] + seen.keys + near @ seen.kernel.to(near.dtype)  # (B, L, A)
        energies = self.energy(asked.tanh())[..., 0].float()
        return energies.masked_fill(seen.gone, -torch.inf).softmax(-1).to(seen.keys.dtype)


class PreNet(nn.Module):
    """Two layers with a dropout that never ends: what makes the decoder look at the text (section 2.2).

    Outside training, step n of every clip drops the same units, so that a clip is the same in any batch.
    """

    masks: Tensor

    def __init__(self, n_mels: int, dim: int):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(n_mels, dim), nn.Linear(dim, dim)])
        kept = torch.rand(MASKS, len(self.layers), dim, generator=torch.Generator().manual_seed(0))
        masks = (kept >= PRENET_DROPOUT) / (1 - PRENET_DROPOUT)
        self.register_buffer("masks", masks, persistent=False)

    def forward(self, frames: Tensor, first: int = 0) -> Tensor:
        """(B, N, M), of step `first` and the next ones -> (B, N, P)."""
        steps = torch.arange(first, first + frames.shape[1], device=frames.device) % MASKS
        for place, layer in enumerate(self.layers):
            frames = layer(frames).relu()
            if self.training:
                frames = nn.functional.dropout(frames, PRENET_DROPOUT)
            else:
                frames = frames * self.masks[steps, place]
        return frames


class Convolutions(nn.Module):
    """Convolutions over time with batch norms, activations and dropout; with `linear_end` the last one has
    its norm alone."""

    def __init__(self, widths: list[int], activation: nn.Module, dropout: float, linear_end: bool = False):
        super().__init__()
        pairs = list(zip(widths, widths[1:], strict=False))
        self.layers = nn.ModuleList(nn.Conv1d(*pair, KERNEL, padding="same", bias=False) for pair in pairs)
        self.norms = nn.ModuleList(MaskedBatchNorm(width) for _, width in pairs)
        self.activation, self.dropout = activation, nn.Dropout(dropout)
        self.active = len(pairs) - linear_end

    def forward(self, x: Tensor, lens: Tensor) -> Tensor:
        """x (B, T, D), lens (B,) -> (B, T, D), zeros behind each clip's end."""
        x = masked(x, lens)
        for place, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            x = layer(x.transpose(1, 2)).transpose(1, 2)
            x = norm(x[:, :, None], lens)[:, :, 0]
            if place < self.active:  # whose zeros stay zeros
                x = self.dropout(self.activation(x))
        return x
