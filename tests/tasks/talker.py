"""A captioner that says what a table holds, and batches of three samples for it."""

from functools import partial

import torch
from torch import nn

from crossmedia.data.batches import CaptionBatch, Meta
from crossmedia.images.transforms import ImageTransform
from crossmedia.tasks.captioning import Captioning
from crossmedia.text.tokenizer import BOS, EOS, PAD, WordTokenizer

SGD = partial(torch.optim.SGD, lr=0.1)
CAPTIONS = (
    ("a dog runs on a green lawn", "one brown dog runs there", "a dog on grass"),
    ("two red cars wait", "a pair of parked red cars"),
    ("the old man reads his paper", "an old man with a paper"),
)
SCENES = (
    ("a small red circle left of a large blue square",),
    ("a medium pink star above a small green ring",),
)
SOUNDS = (("a loud high tone, then quiet noise",), ("loud static",))
TOKENIZER = WordTokenizer().fit(text for known in (*CAPTIONS, *SCENES, *SOUNDS) for text in known)
V = TOKENIZER.vocab_size


class Talker(nn.Module):
    """Gives the logits of the table's row (S, T, V) that the picture's grey, k / 10, names."""

    def __init__(self, table):
        super().__init__()
        self.table, self.modes = table, []

    @property
    def decoder(self):
        return self

    def encode(self, inputs):
        return (10 * inputs[:, 0, 0, 0]).round().long(), None  # (B,)

    def start(self, rows, mask):
        return (rows, torch.zeros_like(rows)), ()

    def step(self, tokens, state):
        (rows, place), common = state
        return self.table[rows, place.clamp(max=self.table.shape[1] - 1)], ((rows, place + 1), common)

    def forward(self, inputs, tokens):
        self.modes.append(self.training)
        places = torch.arange(tokens.shape[-1]).clamp(max=self.table.shape[1] - 1)
        logits = self.table[self.encode(inputs)[0]][:, places]  # (B, L, V)
        if tokens.dim() == 3:
            logits = logits[:, None].expand(-1, tokens.shape[1], -1, -1)
        return logits, torch.full((*tokens.shape, 4), 1 / 4)


def random_table(rows=3, length=10):
    return torch.randn(rows, length, V, generator=torch.Generator().manual_seed(0))


def says(*outputs):
    """A table that says these texts; or, given as token ids, the last of them for ever."""
    ids = [[*TOKENIZER.encode(said), EOS] if isinstance(said, str) else said for said in outputs]
    length = max(map(len, ids))
    padded = torch.tensor([line + line[-1:] * (length - len(line)) for line in ids])
    return 20.0 * nn.functional.one_hot(padded, V)


def made(table, scorer=None, **more):
    meta = Meta(tokenizer=TOKENIZER, image=ImageTransform(4, 1), scorer=scorer)
    return Captioning(Talker(table), meta, SGD, **more).eval()


def rows_of(texts):
    ids = [[BOS, *TOKENIZER.encode(text), EOS] for text in texts]
    longest = max(map(len, ids))
    padded = [line + [PAD] * (longest - len(line)) for line in ids]
    return torch.tensor(padded), torch.tensor(list(map(len, ids)))


def batch(*samples, captions=CAPTIONS, filler=()):
    """The samples of these numbers, of which those at the places in `filler` are none."""
    tokens, lens = rows_of([captions[k][0] for k in samples])
    valid = torch.tensor([place not in filler for place in range(len(samples))])
    pictures = torch.tensor(samples)[:, None, None, None].expand(-1, 1, 4, 4) / 10
    references, ids = [captions[k] for k in samples], [f"{k}" for k in samples]
    return CaptionBatch(pictures, tokens, lens, references, valid, ids)
