"""Small data that tests share: a source in memory, a folder of stamps, what a run needs to be short."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import clip_sets
import numpy as np
import torch
from picture_files import cifar10, dsprites
from PIL import Image

from crossmedia.data.batches import Sample
from crossmedia.errors import DataError

TINY = [
    "trainer=cpu",
    "trainer.max_epochs=1",
    "+trainer.limit_train_batches=2",
    "+trainer.limit_val_batches=1",
    "+trainer.limit_test_batches=1",
    "trainer.check_val_every_n_epoch=1",
]

FEW_SCENES = ["++data.source.num_train=256", "++data.source.num_val=33", "++data.source.num_test=35"]
LITTLE = {  # nets of the tasks that make speech
    "tacotron": [f"model.net.{part}dim=16" for part in ("", "decoder_", "prenet_", "postnet_")],
    "fastspeech": ["model.net.dim=16", "model.net.depth=1", "model.net.hidden=16"],
    "hifigan": [
        "model.net.channels=16",
        "model.discriminator={scales: 1, period_width: 1, scale_width: 16}",
        "data.view.samples=2048",
    ],
    "waveglow": ["model.net.channels=8", "model.net.condition=8", "data.view.samples=2048"],
}
ALONE = [  # whatever runs this checkout has; few are spoken
    "model.judge.run=null",
    "monitor=null",
    "data.eval_batch_size=8",
]
SMALLER = {  # what takes longest of the rest: half precision where the processor has none, long texts
    "asr_conformer_scenes": ["model.net.encoder.dim=32", "model.net.encoder.depth=2"],
    "asr_seq2seq_scenes": [
        "model.net.encoder.dim=32",
        "model.net.decoder.dim=32",
        "model.max_len=20",
    ],
    "vae_scenes": ["model.net.widths=[16,32]"],
    "vqvae_scenes": ["model.net.widths=[16,32]"],
}
BARE = {  # models that no experiment trains, made small
    "seq2seq_las": ["model.net.decoder.dim=32", "model.max_len=20"],
    "transducer_gru": ["model.net.dim=32"],
}


def words_of(name: str, folder: Path) -> list[str]:
    """The words of an experiment, or of a model that none trains, on data that are small."""
    if name not in BARE:
        return [f"experiments={name}", *small(name, folder)]
    chosen = ["data=spoken_scenes", f"model={name}", f"name={name}", "model.net.encoder.dim=32"]
    return [*chosen, *BARE[name], *FEW_SCENES]


def small(name: str, folder: Path) -> list[str]:
    """What makes the data of an experiment small, yet 6 batches of 8: fewer scenes, of odd numbers to test;
    made stamps.
    """
    from crossmedia.config import compose

    kind = name.partition("_")[0]
    if kind in LITTLE:
        return [*LITTLE[kind], *ALONE, *speech(name, folder)]
    source = compose([f"experiments={name}"]).data.source._target_
    if source.endswith(("Scenes", "SpokenDigits")):
        return [*FEW_SCENES, *SMALLER.get(name, [])]
    if name == "language_stamps":
        return [f"data.source.root={spoken_stamps(folder / 'stamps')}"]
    if "_prompts" in name:
        return prompts(
            folder / "prompts", "data.source.source" if name.endswith("_spoken") else "data.source"
        )
    if "_librispeech_" in name:
        return [f"data.source.root={librispeech(folder / 'books')}", "data.num_workers=0"]
    if name.startswith("speech_commands"):
        root = clip_sets.speech_commands(folder / "commands", speakers=32)
        return [f"data.source.root={root}", "data.num_workers=0"]
    if name.endswith("_stamps"):
        return [f"data.source.root={filled(filled(folder / 'stamps'), 'food')}"]
    if name.endswith("_dsprites"):
        pictures = np.random.default_rng(0).integers(0, 2, (60, 64, 64), dtype=np.uint8)
        return [f"data.source.root={dsprites(folder, pictures, np.zeros((60, 6), np.int64))}"]
    if "_cifar10_" in name:  # Inception takes seconds a batch
        return [f"data.source.root={cifar10(folder)}", "model/features=scenes"]
    return []


def speech(name: str, folder: Path) -> list[str]:
    """Data of an experiment that makes speech."""
    if name.startswith("fastspeech"):
        teacher = name.replace("fastspeech", "tacotron")
        return [*speech(teacher, folder), "model.schedule=null", f"model.aligner.run={aligner(teacher)}"]
    if name.endswith("_prompts"):
        return prompts(folder / "prompts", "data.source")
    if name.endswith("_ljspeech"):
        lines = [f"{letters(place)}|{letters(place)}.|" for place in range(90)]
        return [f"data.source.root={clip_sets.ljspeech(folder / 'read', *lines)}", "data.num_workers=0"]
    if name.endswith("_vctk"):
        texts = {f"p{225 + k % 3}_{k:03}": f"{letters(k)}." for k in range(150)}
        return [f"data.source.root={clip_sets.vctk(folder / 'voices', texts)}", "data.num_workers=0"]
    return FEW_SCENES


@cache
def aligner(name: str = "tacotron_scenes") -> Path:
    """A run of an experiment of TTS that has seen two batches."""
    from crossmedia import run

    out = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, out)
    words = [f"experiments={name}", *TINY, *small(name, out), "data.batch_size=8"]
    run.train([*words, "name=aligner", f"out_dir={out}"])
    return out / "aligner"


def spoken_stamps(root: Path) -> Path:
    """Stamps whose captions are spoken, by a hum, in 8 languages."""
    from crossmedia.data.sources.stamp_sounds import LANGUAGES

    for name in map(letters, range(30)):
        captions = {language: f"{language} {name}." for language in LANGUAGES}
        clip_sets.spoken(root, f"food/{name}", f"A {name}.", **captions)
    return root


def prompts(root: Path, key: str) -> list[str]:
    """Tones of half a second with a text each, for the source at a key."""
    names = [letters(place) for place in range(90)]
    for name in names:
        clip_sets.tone(root / f"{name}.wav", 0.5)
    clip_sets.write(root / "texts.txt", *(f"{name}: {name}." for name in names))
    return [f"{key}.root={root}", f"{key}.texts={root / 'texts.txt'}"]


def librispeech(root: Path) -> Path:
    """Three folders of 9 speakers, 54 clips each."""
    for number, name in enumerate(("train-clean-100", "dev-clean", "test-clean")):
        for speaker in range(10 * number + 1, 10 * number + 10):
            clip_sets.librispeech(root, name, speaker, number=6)
    return root


class Batches:
    """A loader over batches that are there already."""

    def __init__(self, *batches: object):
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self):
        return iter(self.batches)


class Pictures:
    """Grey squares, dark ones of class 0 and light ones of class 1; train's `bad` cannot be read."""

    fields = frozenset({"image", "label", "captions"})
    splits = ("train", "val", "test")
    classes = ("dark", "light")
    scorer = None

    def __init__(self, size: int = 24, bad: int | None = None, faults: tuple[str, ...] = ()):
        self.size, self.bad = size, bad
        self.faults, self.notes = list(faults), []

    def split(self, name):
        return PictureSplit(self, name)

    def fingerprint(self):
        return f"pictures-{self.size}"


class PictureSplit:
    def __init__(self, source, name):
        self.source, self.name = source, name

    def __len__(self):
        return self.source.size

    def __getitem__(self, index):
        if self.name == "train" and index == self.source.bad:
            raise DataError(f"{self.name}/{index}.png: cut short after 3 bytes")
        label = index % 2
        draw = torch.Generator().manual_seed(index)
        pixels = torch.randint(0, 100, (1, 8, 8), generator=draw) + 150 * label
        captions = (f"a {self.source.classes[label]} square", f"one {self.source.classes[label]} tile")
        return Sample(f"{self.name}/{index}", pixels.to(torch.uint8), captions, label)

    def texts(self):
        return [
            text for index in range(len(self)) for text in (f"a {self.source.classes[index % 2]} square",)
        ]


def stamp(
    root: Path, name: str, *lines: str, size: tuple[int, int] = (2, 2), colour: str = "#ff000000"
) -> Path:
    path = root / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGBA", size, colour).save(path)
    if lines:
        path.with_suffix(".txt").write_text("\n".join(lines) + "\n", "utf-8")
    return path


def letters(number: int) -> str:
    """Names without digits, so that no two of them are relatives."""
    return chr(97 + number // 26) + chr(97 + number % 26)


def filled(root: Path, category: str = "animals", number: int = 30) -> Path:
    for place in range(number):
        name = letters(place)
        text = f"{name} of {category}."
        stamp(
            root, f"{category}/{name}", f"The {text}", f"de.utf8=Das {text}", size=(2 + place, len(category))
        )
    return root
