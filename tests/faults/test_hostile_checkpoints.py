"""A checkpoint made to harm, its checksum right: nothing runs, nothing unfolds."""

import functools
import importlib
import io
import os
import pickle
import resource
import runpy
import struct
import subprocess
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from hostile import sealed, values_of

from crossmedia import run
from crossmedia.errors import SecurityError
from crossmedia.sealed import SEAL_SIZE, read_values, write_checkpoint

pytest_plugins = ["hostile_runs"]


class Call:
    """Pickles as a call, to be made where it is loaded."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call

    def __call__(self):
        raise NotImplementedError  # what it gives once loaded can be called


def calls(canary):
    """What each would do where pickle is trusted; all but two would leave the canary."""
    words, code = f"touch {canary}", f"open({str(canary)!r}, 'w').close()"
    script = canary.with_name("script.py")
    script.write_text(code)
    inner = pickle.dumps(Call(os.system, words))
    return {
        "system": Call(os.system, words),
        "subprocess": Call(subprocess.call, ["touch", str(canary)]),
        "eval": Call(eval, code),
        "exec": Call(exec, code),
        "getattr chain": Call(Call(getattr, Call(importlib.import_module, "os"), "system"), words),
        "open to write": Call(open, str(canary), "w"),
        "nested load": Call(pickle.loads, inner),
        "hub": Call(torch.hub.load, str(canary.parent), "script", "local"),
        "runpy": Call(runpy.run_path, str(script)),
        "object array": np.array([Call(os.system, words)], dtype=object),
        "partial": functools.partial(os.system, words),
        "user class": importlib.import_module("canary").Thing(),
    }


NAMES = [
    "system", "subprocess", "eval", "exec", "getattr chain", "open to write", "nested load", "hub", "runpy",
    "object array", "partial", "user class",
]  # fmt: skip


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts, kind=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def best(folder):
    return folder / "checkpoints" / "best.ckpt"


def forms(content):
    """As an attacker would seal it, as someone might forget to, and with the seal of other bytes."""
    return {"sealed": sealed(content), "bare": content, "foreign seal": content + sealed(b"")}


@pytest.fixture
def tried(refused, folder, best):
    """The exit code and line of each verb's answer to a checkpoint of these bytes."""

    def answers(content):
        for form, written in forms(content).items():
            best.write_bytes(written)
            code, line = refused("export", folder)
            assert line.partition(": ")[2].startswith(str(best)), line
            yield form, code, line

    return answers


@pytest.mark.parametrize("name", NAMES)
def test_a_pickled_call_is_never_made(tried, best, canary, name):
    value = calls(canary)[name]
    canary.unlink(missing_ok=True)  # from importing its package above
    for protocol in (2, 4):
        content = packed({**members(best), "archive/data.pkl": pickle.dumps(value, protocol)})
        found = {form: code for form, code, _ in tried(content)}
        assert found == {"sealed": 5, "bare": 4, "foreign seal": 4} and not canary.exists()
        write_checkpoint(best, {"crossmedia": {}})


def test_the_calls_would_be_made_where_pickle_is_trusted(canary):
    made, expected = [], [name for name in NAMES if name not in ("hub", "partial", "user class")]
    for name in expected:
        value = pickle.dumps(calls(canary)[name])
        canary.unlink(missing_ok=True)
        found = pickle.loads(value)
        if name == "open to write":
            found.close()
        made += [name] if canary.exists() else []
    assert made == expected


def test_a_call_inside_the_weights_is_never_made(refused, folder, best, canary):
    torch.save({"crossmedia": {}, "state_dict": {"w": Call(os.system, f"touch {canary}")}}, best)
    best.write_bytes(sealed(best.read_bytes()))
    code, line = refused("evaluate", folder)
    assert code == 5 and "asks for" in line and not canary.exists()


def test_torchs_old_tar_is_refused(tried, canary):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("storages", "tensors", "pickle", "sys_info"):
            content = pickle.dumps(Call(os.system, f"touch {canary}"))
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    assert [code for _, code, _ in tried(buffer.getvalue())] == [4, 4, 4] and not canary.exists()


def test_torchs_old_pickle_without_archive_is_refused(tried, canary):
    buffer = io.BytesIO()
    torch.save({"a": Call(os.system, f"touch {canary}")}, buffer, _use_new_zipfile_serialization=False)
    assert [code for _, code, _ in tried(buffer.getvalue())] == [4, 4, 4] and not canary.exists()


def test_a_torchscript_program_is_refused(tried, best):
    parts = {**members(best), "archive/constants.pkl": pickle.dumps(()), "archive/code/a.py": b"import os"}
    assert [code for _, code, _ in tried(packed(parts))] == [4, 4, 4]


@pytest.mark.parametrize(
    "words",
    [
        {"_instantiator": "canary.Thing"},
        {"_class_path": "canary.Thing", "class_path": "canary.Thing", "init_args": {}},
        {"_target_": "canary.Thing"},
        {"cls": "canary.Thing", "__class__": "canary.Thing", "hparams_type": "canary.Thing"},
        {"path": "/etc/passwd", "resume_from": "../../elsewhere.ckpt"},
        {"url": "https://example.org/weights.ckpt", "pretrained": "someone/else"},
    ],
)
def test_what_lightning_would_read_as_instructions_is_passed_over(folder, best, canary, words):
    saved = values_of(folder)
    more = {"hyper_parameters": words, "hparams_name": "canary.Thing", "datamodule_hyper_parameters": words}
    write_checkpoint(best, {**saved, **more, **words})
    weights = run.load(folder).state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in saved["state_dict"].items())
    assert not canary.exists()


def two_of_a_name(parts):
    buffer = io.BytesIO(packed(parts))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Call(os.system, "false")))
    return buffer.getvalue()


def lying(parts):
    """A directory that gives the largest member two GB more than there are."""
    content = bytearray(packed(parts))
    place = content.rfind(b"PK\x01\x02")
    content[place + 20 : place + 28] = struct.pack("<II", 1 << 31, 1 << 31)
    return bytes(content)


def bomb(parts):
    """300 MB of zeros, packed to 300 kB."""
    return packed({**parts, "archive/data/0": bytes(300 << 20)}, zipfile.ZIP_DEFLATED)


ZIPS = {
    "traversal": lambda parts: packed({f"../../{name}": content for name, content in parts.items()}),
    "bomb": bomb,
    "two of a name": two_of_a_name,
    "lying sizes": lying,
    "no pickle": lambda parts: packed({"archive/version": b"3"}),
    "no archive": lambda parts: b"PK\x05\x06" + bytes(18),
}


@pytest.mark.parametrize("name", ZIPS)
def test_an_archive_that_torch_never_writes_is_refused_and_unfolds_nothing(tried, folder, best, name):
    content = ZIPS[name](members(best))
    there = {path for path in folder.parent.rglob("*")}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert [code for _, code, _ in tried(content)] == [4, 4, 4]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
    assert {path for path in folder.parent.rglob("*")} == there


def test_a_tensor_of_a_few_bytes_that_claims_gigabytes_is_refused(refused, folder, best):
    saved = values_of(folder)
    name = next(iter(saved["state_dict"]))
    saved["state_dict"][name] = torch.zeros(1).expand(1 << 40)
    write_checkpoint(best, saved)
    code, line = refused("export", folder)
    assert code == 4 and f"{name} holds" in line


def test_an_honest_checkpoint_passes_and_has_its_seal(best):
    assert read_values(best)["crossmedia"]["format"] == 1
    assert sealed(best.read_bytes()[:-SEAL_SIZE]) == best.read_bytes()


def test_a_security_error_is_what_a_call_gives(best, canary):
    best.write_bytes(sealed(packed({**members(best), "archive/data.pkl": pickle.dumps(Call(eval, "1"), 2)})))
    with pytest.raises(SecurityError, match="asks for .*eval; not loaded"):
        run.load(best)
