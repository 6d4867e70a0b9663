"""A net that hears what is spelled, batches of it, and a small recogniser of each kind."""

from functools import partial

import torch
from torch import nn

from crossmedia.audio.mels import LogMel
from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.batches import Clips, Meta, SpeechBatch
from crossmedia.nets.conv_gru import ConvGRU
from crossmedia.nets.ctc_net import CTCNet
from crossmedia.nets.frontend import MelFrontEnd
from crossmedia.nets.joint_net import JointNet
from crossmedia.nets.lstm_attention import LSTMAttentionDecoder
from crossmedia.nets.transducer import TransducerNet
from crossmedia.tasks.attention_recognition import Seq2SeqRecognition
from crossmedia.tasks.recognition import CTCRecognition
from crossmedia.tasks.transduction import TransducerRecognition
from crossmedia.text.ctc import BLANK
from crossmedia.text.tokenizer import CharTokenizer

RATE = 8000
TEXTS = ["a red ball", "two cats", "a blue star"]
TOKENIZER = CharTokenizer().fit(TEXTS)
META = Meta(tokenizer=TOKENIZER, audio=AudioTransform(RATE))
ADAM = partial(torch.optim.Adam, lr=5e-3)
SIZE = TOKENIZER.vocab_size


class Spells(nn.Module):
    """Hears in each 100 samples the token whose number is a hundred times their first."""

    samples_per_frame = 100

    def __init__(self):
        super().__init__()
        self.sure = nn.Parameter(torch.tensor(20.0))

    @property
    def encoder(self):
        return self

    def forward(self, clips):
        tokens = (100 * clips.waveforms[:, ::100]).round().long()
        return self.sure * nn.functional.one_hot(tokens, SIZE).float(), -(-clips.lens // 100)


def spelled(text):
    """A waveform that `Spells` hears as the text."""
    path = [step for token in TOKENIZER.encode(text) for step in (token, BLANK)]
    return torch.tensor(path, dtype=torch.float32).repeat_interleave(100) / 100


def batch(*said, heard=None, valid=None, speakers=None):
    waveforms = [spelled(text) for text in (heard or said)]
    rows = [torch.tensor(TOKENIZER.encode(text)) for text in said]
    pad = partial(nn.utils.rnn.pad_sequence, batch_first=True)
    return SpeechBatch(
        Clips(pad(waveforms), torch.tensor([len(waveform) for waveform in waveforms])),
        pad(rows),
        torch.tensor([len(row) for row in rows]),
        list(said),
        speakers or ["f3"] * len(said),
        torch.tensor(valid or [True] * len(said)),
        [f"{place}-{text}" for place, text in enumerate(said)],
    )


def encoder():
    torch.manual_seed(0)
    return ConvGRU(MelFrontEnd(LogMel(RATE, 128, 128, 100, 16)), 32, 1, (1,), dropout=0.0)


def made(kind, **more):
    if kind is CTCRecognition:
        return kind(CTCNet(encoder(), SIZE), META, ADAM, **more)
    if kind is TransducerRecognition:
        return kind(TransducerNet(encoder(), SIZE, 32, 16, dropout=0.0), META, ADAM, **more)
    return kind(
        JointNet(encoder(), LSTMAttentionDecoder(SIZE, 32, 32, 16, 16, 0.0), SIZE), META, ADAM, **more
    )


KINDS = [CTCRecognition, Seq2SeqRecognition, TransducerRecognition]
