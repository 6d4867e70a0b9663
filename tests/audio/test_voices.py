from itertools import combinations

import pytest

from crossmedia.audio.speak import speak
from crossmedia.audio.voices import CASTS, Cast, plain_cast

SPLITS = ("train", "val", "test")


def test_no_voice_rate_or_pitch_is_in_two_of_training_validation_and_test():
    for one, other in combinations(SPLITS, 2):
        for part in ("voices", "rates", "pitches"):
            assert not {*getattr(CASTS[one], part)} & {*getattr(CASTS[other], part)}, (one, other, part)
        larynxes = [{voice.partition("+")[2] for voice in CASTS[name].voices} for name in (one, other)]
        assert not larynxes[0] & larynxes[1], (one, other)
    assert CASTS["test_composition"] is CASTS["test"] and len(CASTS["train"].voices) >= 10


def test_training_frames_the_rates_and_pitches_of_the_others():
    for part in ("rates", "pitches"):
        seen = getattr(CASTS["train"], part)
        others = [value for name in SPLITS[1:] for value in getattr(CASTS[name], part)]
        assert min(seen) < min(others) and max(others) < max(seen)


def test_every_way_to_say_a_text_has_a_number():
    cast = Cast(("f1", "m1"), range(100, 121, 10), range(40, 51, 10))
    said = [cast.say("one", way) for way in range(cast.ways())]
    assert len({*said}) == cast.ways() == 2 * 3 * 2
    assert cast.say("one", cast.ways()) == said[0]


def test_espeak_has_every_voice_and_each_sounds_otherwise():
    casts = [CASTS[name] for name in SPLITS]
    said = [cast.say("one", way) for cast in casts for way in range(len(cast.voices))]
    assert len({utterance.voice for utterance in said}) == len(said) == 48
    assert len({sound.tobytes() for sound in speak(said, 22_050)}) == len(said)


def test_a_plain_cast_always_speaks_alike():
    cast = plain_cast(["en-us", "en-gb+f3"])
    assert cast.ways() == 2 and {cast.say("one", way)[2:] for way in range(9)} == {(160, 50)}
    assert [cast.say("one", way).voice for way in range(3)] == ["en-us", "en-gb+f3", "en-us"]
    with pytest.raises(ValueError, match="said_by"):
        plain_cast([])
