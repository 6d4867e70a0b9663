"""Speaks lines of text with espeak-ng: a program of its own, for this library alone is under the GPL-3.

    python espeak.py LIBRARY DATA < utterances > sounds

An utterance is a line of JSON, `[text, voice, rate, pitch]`: words a minute, and a pitch of 0 to 99. Its
sound is the number of samples, 4 bytes with the lowest first, and so many of 16 bits in the machine's order.
What cannot be spoken ends the program with 1 and a line on stderr.
"""

import ctypes
import json
import os
import signal
import sys

SAMPLE_RATE = 22_050  # Hz

# Of espeak-ng's speak_lib.h
_SYNCHRONOUS = 2
_RATE, _PITCH = 1, 3
_UTF8 = 1
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


def main(library_path: str, data_path: str) -> None:
    library = ctypes.CDLL(library_path)
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, os.fsencode(data_path), 0)
    if rate != SAMPLE_RATE:
        sys.exit(f"{data_path}: espeak-ng does not start with it, or not at {SAMPLE_RATE} Hz ({rate})")
    library.espeak_ListVoices(None)  # or each copy below would read the files of all voices anew
    for line in sys.stdin.buffer:
        # An utterance changes the sound of the next ones, and no call of the library's mends that. So each is
        # spoken by a copy of the process in which nothing was said.
        child = os.fork()
        if not child:
            _speak(library, data_path, *json.loads(line))
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            sys.exit(f"{line.decode().strip()}: ended by {signal.Signals(-code).name}" if code < 0 else code)


def _speak(library: ctypes.CDLL, data_path: str, text: str, voice: str, rate: int, pitch: int) -> None:
    samples = bytearray()

    def take(start: int | None, count: int, _: int | None) -> int:
        if start and count > 0:
            samples.extend(ctypes.string_at(start, 2 * count))
        return 0  # go on

    callback = _CALLBACK(take)
    library.espeak_SetSynthCallback(callback)
    variant = voice.partition("+")[2]  # an unknown one would be left out in silence
    known = not variant or os.path.isfile(os.path.join(data_path, "voices", "!v", variant))
    if not known or library.espeak_SetVoiceByName(voice.encode()):
        sys.exit(f"{voice}: espeak-ng has no such voice")
    library.espeak_SetParameter(_RATE, rate, 0)
    library.espeak_SetParameter(_PITCH, pitch, 0)
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # or its noise would be another one in each process
    said = text.encode()
    size = ctypes.c_size_t(len(said) + 1)  # with the NUL at the end
    fault = library.espeak_Synth(said, size, 0, 0, 0, _UTF8, None, None)
    if fault:
        sys.exit(f"{text}: espeak-ng cannot speak it (error {fault})")
    with open(sys.stdout.fileno(), "wb", closefd=False) as out:
        out.write((len(samples) // 2).to_bytes(4, "little") + samples)


if __name__ == "__main__":
    main(*sys.argv[1:])
