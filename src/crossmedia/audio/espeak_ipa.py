"""Writes lines of text in the International Phonetic Alphabet with espeak-ng: a program of its own, for
this library alone is under the GPL-3.

    python espeak_ipa.py LIBRARY DATA VOICE < texts > phonemes

A text is a line of JSON, and so are its phonemes. A voice that espeak-ng does not have ends the program with
`NO_VOICE`.
"""

import ctypes
import json
import os
import re
import sys

NO_VOICE = 3  # exit code

# Of espeak-ng's speak_lib.h
_SYNCHRONOUS = 2
_UTF8 = 1
_IPA = 2
_SWITCH = re.compile(r"\([a-z0-9-]+\)")  # written where a word is said as in another language


def main(library_path: str, data_path: str, voice: str) -> None:
    library = ctypes.CDLL(library_path)
    if library.espeak_Initialize(_SYNCHRONOUS, 0, os.fsencode(data_path), 0) <= 0:
        sys.exit(f"{data_path}: espeak-ng does not start with it")
    if library.espeak_SetVoiceByName(voice.encode()):
        sys.exit(NO_VOICE)
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    for line in sys.stdin.buffer:
        phonemes = _SWITCH.sub("", _phonemes(library, json.loads(line)))
        sys.stdout.write(json.dumps(" ".join(phonemes.split())) + "\n")


def _phonemes(library: ctypes.CDLL, text: str) -> str:
    said = ctypes.create_string_buffer(text.encode())
    place = ctypes.c_void_p(ctypes.addressof(said))
    clauses = []
    while place.value:  # the library moves it behind each clause, and to NULL after the last
        clauses.append(library.espeak_TextToPhonemes(ctypes.byref(place), _UTF8, _IPA).decode())
    return " ".join(clauses)


if __name__ == "__main__":
    main(*sys.argv[1:])
