"""A sound's scores, record and output are its own, whatever batch it is in and however much padding has."""

from functools import partial

import pytest
import torch
from scoring import overfitted, scored
from speller import ADAM, META, RATE, SIZE, TEXTS, encoder, made, spelled
from torch.nn.functional import pad

from crossmedia.audio.mels import LogMel
from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.batches import Clips, Meta, Sample
from crossmedia.data.views import CaptionView, LabelView, SpeechView
from crossmedia.metrics.sounds import EventAccuracy
from crossmedia.nets.conformer import Conformer
from crossmedia.nets.ctc_net import CTCNet
from crossmedia.nets.encoder_decoder import EncoderDecoder
from crossmedia.nets.frontend import MelFrontEnd
from crossmedia.nets.joint_net import JointNet
from crossmedia.nets.lstm_attention import LSTMAttentionDecoder
from crossmedia.nets.sound_classifiers import FrameDNN, MelCNN, MelTransformer
from crossmedia.nets.transformer import TransformerDecoder
from crossmedia.tasks.attention_recognition import Seq2SeqRecognition
from crossmedia.tasks.captioning import Captioning
from crossmedia.tasks.classification import Classification
from crossmedia.tasks.recognition import CTCRecognition
from crossmedia.tasks.transduction import TransducerRecognition
from crossmedia.text.sound_grammar import Event, paraphrases
from crossmedia.text.tokenizer import EOS, WordTokenizer

SAID = ["a", "two red cats", *TEXTS, "a ball"]
EVENTS = [
    (Event("noise", "loud"),),
    (Event("tone", "quiet", "low"), Event("noise", "loud"), Event("rise", "loud", "high")),
    (Event("tone", "loud", "high"),),
    (Event("clicks", "quiet", "low"), Event("word", "loud", word="red")),
    (Event("rise", "quiet", "high"), Event("noise", "quiet")),
    (Event("tone", "quiet", "low"),),
]
CAPTIONS = [paraphrases(meaning, 2**40 + place) for place, meaning in enumerate(EVENTS)]
WORDS = WordTokenizer().fit(text for texts in CAPTIONS for text in texts)
SORTED = Meta(tuple("abcd"), audio=AudioTransform(RATE))
CAPTIONED = Meta(tokenizer=WORDS, audio=AudioTransform(RATE), scorer=EventAccuracy())
SAMPLES = [
    Sample(
        f"{place}",
        captions=CAPTIONS[place],
        label=place * 3 % 4,
        waveform=spelled(text),
        sample_rate=RATE,
        transcript=text,
        speaker=f"f{place % 2}",
    )
    for place, text in enumerate(SAID)
]
HEARD, TOLD = partial(LabelView, medium="waveform"), partial(CaptionView, medium="waveform")


def frontend():
    return MelFrontEnd(LogMel(RATE, 128, 128, 100, 16))


def transformer():
    return JointNet(encoder(), TransformerDecoder(SIZE, 32, 32, 1, 2, 0.0), SIZE)


def captioner(decoder, **more):
    return Captioning(EncoderDecoder(encoder(), decoder), CAPTIONED, ADAM, **more)


def classifier(net):
    return Classification(net, SORTED, ADAM)


def las(**more):
    return made(Seq2SeqRecognition, **more)


MADE = {
    "CTC": (SpeechView, lambda: made(CTCRecognition)),
    "CTC with a beam": (SpeechView, lambda: made(CTCRecognition, beam=4)),
    "Conformer": (
        SpeechView,
        lambda: CTCRecognition(CTCNet(Conformer(frontend(), 32, 1, 2, 7, (1, 1), 0.0), SIZE), META, ADAM),
    ),
    "LAS": (SpeechView, las),
    "LAS with CTC": (SpeechView, partial(las, ctc_decoding=0.4)),
    "LAS cut short": (SpeechView, partial(las, max_len=5)),
    "Transformer": (SpeechView, lambda: Seq2SeqRecognition(transformer(), META, ADAM, max_len=30)),
    "transducer": (SpeechView, lambda: made(TransducerRecognition)),
    "transducer with a beam": (SpeechView, lambda: made(TransducerRecognition, beam=3)),
    "FrameDNN": (HEARD, lambda: classifier(FrameDNN(frontend(), 4, (16,), 2, dropout=0.0))),
    "MelCNN": (HEARD, lambda: classifier(MelCNN(frontend(), 4, (4, 8), dropout=0.0))),
    "MelTransformer": (HEARD, lambda: classifier(MelTransformer(frontend(), 4, 16, 1, 2, dropout=0.0))),
    "captions by an LSTM": (
        TOLD,
        lambda: captioner(LSTMAttentionDecoder(WORDS.vocab_size, 32, 32, 16, 16, 0.0), max_len=12),
    ),
    "captions by a Transformer": (
        TOLD,
        lambda: captioner(TransformerDecoder(WORDS.vocab_size, 32, 32, 1, 2, 0.0), max_len=12),
    ),
}


@pytest.fixture(scope="module")
def half_trained():
    """A task that has learnt a little of the samples, so that what it says varies, and its batches; made once
    each."""
    known = {}

    def of(name):
        if name not in known:
            view, make = MADE[name]
            torch.manual_seed(0)
            task = make()
            draws = [torch.Generator().manual_seed(place) for place in range(len(SAMPLES))]
            overfitted(
                task,
                view()(SAMPLES, draws, task.meta),
                ADAM(task.parameters()),
                40 + 40 * name.startswith("transducer"),
            )
            known[name] = task.eval(), partial(batches, view(), task.meta)
        return known[name]

    return of


def batches(view, meta, size, silence=0):
    """The samples in batches of a size, with so many samples of padding behind the longest of each."""
    found = []
    for start in range(0, len(SAMPLES), size):
        one = view(SAMPLES[start : start + size], None, meta)
        waveforms = pad(one.inputs.waveforms, (0, silence))
        found.append(one._replace(inputs=Clips(waveforms, one.inputs.lens)))
    return found


def near(records):
    """Records whose numbers count as equal where they are nearly."""
    return [
        {
            key: pytest.approx(value, abs=2e-4) if isinstance(value, float) else value
            for key, value in r.items()
        }
        for r in records
    ]


@pytest.mark.parametrize("name", MADE)
def test_every_score_and_record_is_the_same_at_every_batch_size(name, half_trained):
    task, cut = half_trained(name)
    alone = scored(task, *cut(1))
    records = near(task.records)
    assert len({record["output"] for record in task.records}) > 1
    for size, silence in ((4, 0), (6, 4000)):
        assert scored(task, *cut(size, silence)) == pytest.approx(alone, rel=1e-4, abs=1e-6)
        assert task.records == records


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_of_many_sounds_is_what_is_made_of_each(name, half_trained):
    task, _ = half_trained(name)
    sounds = [sample.waveform for sample in SAMPLES]
    alone = [task.generate(audio=sound)[0] for sound in sounds]
    assert task.generate(audio=sounds) == alone and len(set(alone)) > 1


def test_a_sound_whose_text_does_not_end_is_cut_at_its_own_frames():
    task = las(max_len=5).eval()
    with torch.no_grad():
        task.net.decoder.output.bias[EOS] = -100
    sounds = [sample.waveform for sample in SAMPLES]
    alone = [task.generate(audio=sound)[0] for sound in sounds]
    assert task.generate(audio=sounds) == alone and len(set(map(len, alone))) > 1
