"""The sets of sounds say the same in every locale: ids, texts, faults and fingerprints."""

from clip_sets import (
    audiocaps,
    clips,
    clotho,
    common_voice,
    librispeech,
    ljspeech,
    prompts,
    speech_commands,
    spoken,
    tone,
    vctk,
    write,
)
from test_locale import told_in_ascii

from crossmedia.data.sources.audio_folder import AudioFolder
from crossmedia.data.sources.audiocaps import AudioCaps
from crossmedia.data.sources.clotho import Clotho
from crossmedia.data.sources.common_voice import CommonVoice
from crossmedia.data.sources.librispeech import LibriSpeech
from crossmedia.data.sources.ljspeech import LJSpeech
from crossmedia.data.sources.prompts import Prompts
from crossmedia.data.sources.speech_commands import SpeechCommands
from crossmedia.data.sources.stamp_sounds import StampSounds, StampSpeech
from crossmedia.data.sources.vctk import VCTK


def told(root: str) -> list[str]:
    sources = (
        LJSpeech(f"{root}/ljspeech"),
        CommonVoice(f"{root}/common_voice"),
        LibriSpeech(f"{root}/librispeech"),
        VCTK(f"{root}/vctk"),
        SpeechCommands(f"{root}/speech_commands"),
        Clotho(f"{root}/clotho"),
        AudioCaps(f"{root}/audiocaps"),
        Prompts(f"{root}/prompts/sounds", f"{root}/prompts/texts.txt"),
        StampSpeech(f"{root}/stamps", ["fr"]),
        StampSounds(f"{root}/stamps", "fr", min_clips=1),
        AudioFolder(f"{root}/folder"),
    )
    lines = []
    for source in sources:
        parts = [source.split(name) for name in source.splits]
        read = [len(part[index].waveform) for part in parts for index in range(len(part))]
        texts = [text for part in parts for text in part.texts()]
        ids = list(clips(source))
        lines.append(
            ascii((source.fingerprint(), ids, texts, read, source.classes, source.faults, source.notes))
        )
    return lines


def test_an_ascii_locale_changes_no_name_text_fault_or_fingerprint(tmp_path):
    ljspeech(tmp_path / "ljspeech", "é-1|Un café.|Un café.", "b|Fermé.")
    write(tmp_path / "ljspeech/metadata.csv", "é-1|Un café.|Un café.", "b|Fermé.", "à|Non.|Non.")
    common_voice(
        tmp_path / "common_voice", train=[("é", "Le café est fermé.")], dev=[("b", "x")], test=[("c", "œ")]
    )
    for folder in ("train-é", "dev-clean", "test-clean"):
        librispeech(tmp_path / "librispeech", folder, 4, words="UN CAFÉ")
    vctk(tmp_path / "vctk", {"é_001": "Un café.", "b_001": "Non."})
    tone(tmp_path / "vctk/wav48_silence_trimmed/à/à_001_mic1.flac")
    speech_commands(tmp_path / "speech_commands", ("café", "thé"))
    tone(tmp_path / "clotho/development/café.wav")
    clotho(tmp_path / "clotho", development=["café.wav,é,b,c,d,e", "thé.wav,é,b,c,d,e"])
    audiocaps(tmp_path / "audiocaps", train=["2,train,30,Un café", "3,é,1,œ"])
    prompts(tmp_path / "prompts", "é/café: Un café.", "b: Non.")
    spoken(tmp_path / "stamps", "bêtes/café", "Coffee.", fr="Du café.")
    tone(tmp_path / "stamps/bêtes/café.ogg", hertz=999)
    tone(tmp_path / "folder/train/thé/é.wav")
    for split in ("val", "test"):
        tone(tmp_path / f"folder/{split}/café/é.wav")
    here = told(str(tmp_path))
    assert told_in_ascii("test_clip_locale", str(tmp_path)) == here
    assert "Le caf\\xe9 est ferm\\xe9." in here[1]
