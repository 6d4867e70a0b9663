"""Sets of a few tones in the layouts of their publishers."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

FORMATS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".mp3": "MP3"}


def tone(path: Path, seconds: float = 0.1, rate: int = 8000, hertz: float = 440, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    soundfile.write(path, np.stack([wave] * channels, 1), rate, format=FORMATS[path.suffix.lower()])
    return path


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"))
    return path


def clips(source: Any) -> dict[str, tuple[str, Any]]:
    """Clip -> its split and itself, over all splits."""
    parts = {split: source.split(split).entries for split in source.splits}
    return {clip.id: (split, clip) for split, part in parts.items() for clip in part}


def transcripts(source: Any) -> dict[str, str]:
    return {name: clip.transcript for name, (_, clip) in clips(source).items()}


def captions(source: Any) -> dict[str, tuple[str, ...]]:
    return {name: clip.captions for name, (_, clip) in clips(source).items()}


def shared(source: Any) -> set[str]:
    """The texts that are in more than one split."""
    places: dict[str, set[str]] = {}
    for split, clip in clips(source).values():
        for text in clip.texts():
            places.setdefault(text.casefold(), set()).add(split)
    return {text for text, found in places.items() if len(found) > 1}


def sizes(source: Any) -> list[int]:
    return [len(source.split(split)) for split in source.splits]


def ljspeech(root: Path, *lines: str) -> Path:
    """The list and a wav for each of its lines."""
    write(root / "metadata.csv", *lines)
    for line in lines:
        tone(root / "wavs" / f"{line.split('|')[0]}.wav")
    return root


def common_voice(root: Path, suffix: str = ".wav", **lists: list[tuple[str, str]]) -> Path:
    """Lists, `dev` and so on, of (speaker, sentence): clip number n of `train` is train-n."""
    for name, rows in lists.items():
        lines = ["client_id\tpath\tsentence_id\tsentence\tup_votes"]
        for number, (speaker, sentence) in enumerate(rows):
            clip = f"{name}-{number}{suffix}"
            lines.append(f"{speaker}\t{clip}\tabc\t{sentence}\t2")
            tone(root / "clips" / clip)
        write(root / f"{name}.tsv", *lines)
    return root


def librispeech(root: Path, folder: str, speaker: int, words: str = "GO ON", number: int = 2) -> Path:
    """A chapter of some utterances."""
    chapter = root / folder / str(speaker) / "7"
    names = [f"{speaker}-7-{place:04}" for place in range(number)]
    write(chapter / f"{speaker}-7.trans.txt", *(f"{name} {words}" for name in names))
    for name in names:
        tone(chapter / f"{name}.flac")
    return chapter


def speech_commands(root: Path, words: tuple[str, ...] = ("yes", "no"), speakers: int = 4) -> Path:
    """A clip of each word by each speaker; the last two make val and test."""
    names = [f"{word}/{speaker:08x}_nohash_0.wav" for word in words for speaker in range(speakers)]
    for name in names:
        tone(root / name)
    for list_name, speaker in (("validation_list", speakers - 2), ("testing_list", speakers - 1)):
        write(root / f"{list_name}.txt", *(name for name in names if f"/{speaker:08x}_" in name))
    return root


def vctk(root: Path, texts: dict[str, str], mic: int = 1) -> Path:
    """Clips as `p225_001` with their texts, from one microphone."""
    for name, text in texts.items():
        speaker = name.split("_")[0]
        write(root / "txt" / speaker / f"{name}.txt", text)
        tone(root / "wav48_silence_trimmed" / speaker / f"{name}_mic{mic}.flac")
    return root


def clotho(root: Path, **rows: list[str]) -> Path:
    """CSV lines of `development` and so on; sounds are the tests' to make."""
    for folder in ("development", "validation", "evaluation"):
        tone(root / folder / "tone.wav")
        lines = ["tone.wav,a tone,a beep,a note,one tone,one beep", *rows.get(folder, [])]
        header = "file_name," + ",".join(f"caption_{number}" for number in range(1, 6))
        write(root / f"clotho_captions_{folder}.csv", header, *lines)
    return root


def audiocaps(root: Path, **rows: list[str]) -> Path:
    """CSV lines of `train` and so on after one of a clip that is there."""
    for split in ("train", "val", "test"):
        tone(root / "audio" / f"{split}_30.wav")
        lines = [f"1,{split},30,A dog barks", *rows.get(split, [])]
        write(root / f"{split}.csv", "audiocap_id,youtube_id,start_time,caption", *lines)
    return root


def prompts(root: Path, *lines: str) -> tuple[str, str]:
    """The folder of sounds and the list of texts, with a clip for each."""
    path = write(root / "texts.txt", "; Core sounds", "", *lines)
    for line in lines:
        tone(root / "sounds" / f"{line.split(':')[0]}.wav")
    return str(root / "sounds"), str(path)


def spoken(root: Path, stamp: str, english: str, **languages: str) -> None:
    """A stamp's captions and a recording of each but the English one, all of different content."""
    lines = [f"{language}.utf8={caption}" for language, caption in languages.items()]
    write(root / f"{stamp}.txt", english, *lines)
    for language in languages:
        draw = zlib.crc32(f"{stamp}{language}".encode())
        tone(root / f"{stamp}_desc_{language}.ogg", hertz=200 + draw % 3000)
