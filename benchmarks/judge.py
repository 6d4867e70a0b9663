"""What an independent recogniser hears in made speech: `python -m benchmarks.judge RUN [--vocoder RUN]`.

pocketsphinx, whose model of English knows none of our nets, writes down what a synthesis makes of the test
captions, or a vocoder of their sounds, and the real sounds beside them: the floor. It hears nothing but what
the captions' grammar can say. `--clips DIR` judges files: each .wav of the folder in the order of their
names, the lines of its one .txt.
"""

import argparse
import functools
import inspect
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from pocketsphinx import Decoder
from torch import Tensor

from crossmedia.audio.transforms import AudioTransform
from crossmedia.build import build, refuse_foreign
from crossmedia.data.order import generator
from crossmedia.data.sources.text_files import lines_of
from crossmedia.errors import ConfigError, UserError
from crossmedia.folder import find_run
from crossmedia.metrics.error_rates import ErrorRate
from crossmedia.run import load
from crossmedia.saved import saved_config
from crossmedia.text.grammar import COLOUR_WORDS, FORMS, SHAPE_WORDS, SIDE_WORDS, SIZE_WORDS
from crossmedia.text.normalise import words

RATE = 16_000  # Hz, of its model
PEAK = 0.5
NOISE = 0.01  # of a clip's deviation: the logarithm of exact silence, as espeak-ng makes it, misleads it
SPLIT = "test"
SHOWN = 5  # of the clips that it got wrong
PRONOUNCED = {  # what its dictionary lacks
    "medium-sized": "M IY D IY AH M S AY Z D",
    "mid-sized": "M IH D S AY Z D",
    "rhombus": "R AA M B AH S",
}


class Judged(NamedTuple):
    """Sounds of one rate, and what is said in them."""

    name: str
    waveforms: Sequence[Tensor]  # (samples,) each
    sample_rate: int
    texts: Sequence[str]


def captions_grammar() -> str:
    """Every caption that the embedded world can tell, without its commas, in JSGF (W3C, 2000)."""
    tables = {"size": SIZE_WORDS, "colour": COLOUR_WORDS, "shape": SHAPE_WORDS, "side": SIDE_WORDS}
    rules = {name: [word for group in table.values() for word in group] for name, table in tables.items()}
    rules["thing"] = ["a <size> <colour> <shape>"]
    every = [form.replace(",", "") for forms in FORMS.values() for form in forms]
    rules["caption"] = [re.sub(r"{[a-z]}", "<side>", re.sub(r"{\d}", "<thing>", form)) for form in every]
    lines = [f"<{name}> = {' | '.join(options)};" for name, options in rules.items()]
    return "\n".join(["#JSGF V1.0;", "grammar captions;", *lines[:-1], f"public {lines[-1]}", ""])


def transcribed(waveforms: Sequence[Tensor], sample_rate: int, grammar: str) -> list[str]:
    """What is heard in each waveform (samples,): "" in silence, and where no way through the grammar fits.

    A clip is heard the same alone and among others.
    """
    prepare, decoder = AudioTransform(RATE).prepare, _decoder(grammar)
    return [_heard(decoder, prepare(waveform.float().cpu(), sample_rate)) for waveform in waveforms]


@functools.cache
def _decoder(grammar: str) -> Decoder:
    decoder = Decoder(lm=None, loglevel="FATAL", cmn="batch")  # the mean of each clip, not of those before
    for word, phones in PRONOUNCED.items():
        decoder.add_word(word, phones, False)
    decoder.add_jsgf_string("captions", grammar)
    decoder.activate_search("captions")
    return decoder


def _heard(decoder: Decoder, waveform: Tensor) -> str:
    if not waveform.any():
        return ""
    noise = NOISE * waveform.std(correction=0) * torch.randn(len(waveform), generator=generator("judge"))
    samples = (waveform + noise) * PEAK / waveform.abs().max() * 2**15
    decoder.start_utt()
    decoder.process_raw(samples.clamp(-(2**15), 2**15 - 1).short().numpy().tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""


def of_files(folder: Path) -> list[Judged]:
    """The sounds of a folder and the lines of its text file."""
    lists, sounds = sorted(folder.glob("*.txt")), sorted(folder.glob("*.wav"))
    if len(lists) != 1:
        raise ConfigError(f"--clips {folder}: {len(lists)} .txt files, must be one")
    texts = [line for _, line in lines_of(lists[0])]
    if not sounds or len(sounds) != len(texts):
        raise ConfigError(f"--clips {folder}: {len(sounds)} .wav files, {len(texts)} lines of text")
    return [Judged(str(folder), [AudioTransform(RATE).read(path) for path in sounds], RATE, texts)]


def of_run(name: str, vocoder: str | None, count: int) -> list[Judged]:
    """What a run makes of the first sounds of its test split, and these."""
    folder, checkpoint = find_run(name)
    node = saved_config(folder)
    refuse_foreign(node["data"], "data", str(folder))
    split = build(node["data"]["source"], "data.source").split(SPLIT)
    samples = [split[index] for index in range(min(count, len(split)))]
    task = load(checkpoint)
    audio = task.meta.audio
    real = [audio.prepare(sample.waveform, sample.sample_rate) for sample in samples]
    texts = [sample.transcript for sample in samples]
    speaks = "text" in inspect.signature(task.generate).parameters
    given = {"text": texts, **({"vocoder": vocoder} if vocoder else {})} if speaks else {"audio": real}
    with torch.inference_mode():
        made = task.generate(**given)
    rate = audio.sample_rate
    return [Judged(f"made by {name}", made, rate, texts), Judged("real", real, rate, texts)]


def told(judged: Judged) -> list[str]:
    """The word error rate, and some of the clips that were not understood."""
    heard = transcribed(judged.waveforms, judged.sample_rate, captions_grammar())
    rate = ErrorRate()
    rate.update(heard, judged.texts)
    pairs = zip(judged.texts, heard, strict=True)
    wrong = [(said, found) for said, found in pairs if words(said) != words(found)]
    line = f"{judged.name}: WER {100 * rate.compute():.2f} %, {len(wrong)} of {len(heard)} clips wrong"
    return [line, *(f'  "{said}" heard as "{found}"' for said, found in wrong[:SHOWN])]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge")
    parser.add_argument("run", nargs="?", help="of a synthesis, or of a vocoder")
    parser.add_argument("--vocoder", metavar="RUN", help="which makes the sound of a synthesis")
    parser.add_argument("--count", type=int, default=100, metavar="N", help="of clips (100)")
    parser.add_argument("--clips", type=Path, metavar="DIR", help="files in place of a run")
    given = parser.parse_args(arguments)
    if (given.run is None) == (given.clips is None):
        parser.error("give a run or --clips")
    try:
        found = of_files(given.clips) if given.clips else of_run(given.run, given.vocoder, given.count)
    except UserError as error:
        print(error, file=sys.stderr)
        return error.code
    for judged in found:
        print(*told(judged), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
