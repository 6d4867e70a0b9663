"""Every way in which a checkpoint can be damaged or out of place is one line that names the file."""

import json
import random
import shutil

import pytest
import torch
import yaml
from hostile import in_config, sealed, values_of
from made import TINY

from crossmedia import run
from crossmedia.errors import CheckpointError
from crossmedia.saved import FORMAT, need_same_model, read_checkpoint, saved_config
from crossmedia.sealed import SEAL_SIZE, write_checkpoint

pytest_plugins = ["hostile_runs"]


@pytest.fixture
def small(tmp_path):
    """A whole checkpoint of a few kB."""
    contents = {"format": FORMAT, "model": {"_target_": "a.B", "lr": 0.5}, "meta": {"classes": ["a", "b"]}}
    weights = {f"net.{name}": torch.randn(6, 5) for name in "abc"}
    write_checkpoint(tmp_path / "small.ckpt", {"crossmedia": contents, "state_dict": weights})
    assert read_checkpoint(tmp_path / "small.ckpt")["meta"] == contents["meta"]
    return tmp_path / "small.ckpt"


def detected(path, content):
    path.write_bytes(content)
    try:
        read_checkpoint(path)
    except CheckpointError as error:
        return str(error).startswith(f"{path}: ") and str(error).isprintable()
    return False


def test_200_flipped_bits_are_detected(small):
    whole, draw = small.read_bytes(), random.Random(0)
    edges = [0, 7, 8 * len(whole) - 1, 8 * (len(whole) - SEAL_SIZE), 8 * (len(whole) - SEAL_SIZE) - 1]
    places = edges + [draw.randrange(8 * len(whole)) for _ in range(200 - len(edges))]
    for place in places:
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        assert detected(small, bytes(flipped)), place


@pytest.mark.slow
def test_every_flipped_bit_of_a_file_is_detected(small):
    whole = small.read_bytes()
    for place in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        assert detected(small, bytes(flipped)), place


def test_20_truncations_are_detected(small):
    whole = small.read_bytes()
    sizes = [0, 1, SEAL_SIZE - 1, SEAL_SIZE, SEAL_SIZE + 1, len(whole) - 1, len(whole) - SEAL_SIZE]
    sizes += [place * len(whole) // 14 for place in range(1, 14)]
    assert len(sizes) == 20 and all(detected(small, whole[:size]) for size in sizes)


def foreign(whole):
    """What else may lie there: other bytes, more of them, a file of another kind."""
    return {
        "a byte more": whole + b"\0",
        "a line end lost": whole[:-1],
        "the seal twice": whole + whole[-SEAL_SIZE:],
        "another in front": b"PK\x03\x04" + whole,
        "the seal of others": whole[:-SEAL_SIZE] + sealed(b"other")[5:],
        "a sealed text": sealed(b"step,epoch,key,value\n"),
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(500),
    }


@pytest.mark.parametrize("name", foreign(b""))
def test_a_foreign_file_is_detected(small, name):
    assert detected(small, foreign(small.read_bytes())[name])


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="none.ckpt: No such file"):
        read_checkpoint(tmp_path / "none.ckpt")


def changed(saved, **contents):
    return {**saved, "crossmedia": {**saved["crossmedia"], **contents}}


def without(saved, name):
    return {**saved, "state_dict": {key: value for key, value in saved["state_dict"].items() if key != name}}


def with_weight(saved, name, value):
    return {**saved, "state_dict": {**saved["state_dict"], name: value}}


def other_family(saved):
    model = {**saved["crossmedia"]["model"], "_target_": "crossmedia.tasks.captioning.Captioning"}
    return changed(saved, model=model)


def other_net(saved):
    model = saved["crossmedia"]["model"]
    return changed(saved, model={**model, "net": {**model["net"], "dropout": 0.25}})


NAN = float("nan")
VALUES = {
    "newer format": (lambda s: changed(s, format=FORMAT + 1), "this crossmedia reads up to 1. Update"),
    "no number for a format": (lambda s: changed(s, format="2"), "lacks format"),
    "no config": (lambda s: {**s, "crossmedia": {"format": 1}}, "lacks model, meta"),
    "no weights": (lambda s: {key: s[key] for key in s if key != "state_dict"}, "lacks weights"),
    "no checkpoint of ours": (lambda s: {"state_dict": s["state_dict"]}, "is not a checkpoint of crossmedia"),
    "other family": (other_family, "model is not that of the run's config.yaml"),
    "config differs": (other_net, "model.net.dropout is not that of the run's config.yaml"),
    "a key missing": (lambda s: without(s, next(iter(s["state_dict"]))), "its own model. Missing key"),
    "a key too many": (lambda s: with_weight(s, "net.more", torch.ones(1)), "its own model. Unexpected key"),
    "many keys too many": (
        lambda s: {**s, "state_dict": {**s["state_dict"], **{f"x{n}": torch.ones(1) for n in range(99)}}},
        "does not fit its own model. Unexpected key",
    ),
    "another shape": (
        lambda s: with_weight(s, next(iter(s["state_dict"])), torch.ones(3)),
        "does not fit its own model. size mismatch",
    ),
    "not finite": (lambda s: with_weight(s, "net.x", torch.tensor([1.0, NAN])), "net.x holds what is no"),
    "infinite": (lambda s: with_weight(s, "net.x", torch.tensor(-float("inf"))), "net.x holds what is no"),
    "no tensor": (lambda s: with_weight(s, "net.x", "text"), "net.x holds what is no finite number"),
    "sparse": (lambda s: with_weight(s, "net.x", torch.ones(2, 2).to_sparse()), "net.x holds what is no"),
    "on no device": (lambda s: with_weight(s, "net.x", torch.ones(2, device="meta")), "holds what is no"),
    "a key that is no text": (lambda s: with_weight(s, 7, torch.ones(1)), "does not fit its own model"),
    "no classes": (lambda s: changed(s, meta={}), "does not fit its own model"),
    "seconds in words": (
        lambda s: changed(s, meta={**s["crossmedia"]["meta"], "seconds": "long"}),
        "does not fit its own model",
    ),
    "meta of other parts": (lambda s: changed(s, meta={"classes": [], "x": 1}), "does not fit its own model"),
}  # fmt: skip


@pytest.mark.parametrize("row", VALUES)
def test_values_that_do_not_fit_are_a_line(refused, folder, row):
    change, fault = VALUES[row]
    write_checkpoint(folder / "checkpoints" / "best.ckpt", change(values_of(folder)))
    code, line = refused("evaluate", folder)
    assert code == 4 and line.startswith(f"checkpoint: {folder / 'checkpoints' / 'best.ckpt'}: ")
    assert fault in line


FILES = {
    "empty": (lambda whole: b"", "empty"),
    "truncated": (lambda whole: whole[: len(whole) // 2], "cut short"),
    "no seal": (lambda whole: whole[:-SEAL_SIZE], "cut short, or not crossmedia's"),
    "checksum wrong": (lambda whole: whole[:-2] + b"?\n", "damaged, its checksum differs"),
}


@pytest.mark.parametrize("row", FILES)
@pytest.mark.parametrize("verb", ["evaluate", "generate", "export"])
def test_a_damaged_file_is_a_line_from_every_verb(refused, folder, row, verb):
    change, fault = FILES[row]
    path = folder / "checkpoints" / "best.ckpt"
    path.write_bytes(change(path.read_bytes()))
    code, line = refused(verb, folder, *(["--image=a.png"] if verb == "generate" else []))
    assert code == 4 and line.startswith(f"checkpoint: {path}: {fault}")


def test_a_folder_without_checkpoints_is_a_line(refused, folder):
    shutil.rmtree(folder / "checkpoints")
    code, line = refused("evaluate", folder)
    assert code == 4 and f"{folder}: no checkpoint there" in line


@pytest.mark.parametrize("left", ["data", "model", "trainer", "seed"])
def test_a_config_without_a_part_is_a_line(refused, folder, left):
    in_config(folder, left, None)
    code, line = refused("evaluate", folder)
    assert code == 4 and line.endswith("config.yaml: is not the config of a run")


@pytest.mark.slow
def test_a_captioner_has_the_same_model_in_config_and_checkpoint(tmp_path):
    few = [f"++data.source.num_{split}=8" for split in ("train", "val", "test")]
    run.train(["experiments=captioning_scenes", *TINY, *few, "data.batch_size=4", f"out_dir={tmp_path}"])
    folder = next((tmp_path / "captioning_scenes").glob("2*"))
    model = read_checkpoint(folder / "checkpoints" / "best.ckpt")["model"]
    assert model == saved_config(folder)["model"]


def test_weights_fetched_for_the_training_make_no_other_model(tmp_path):
    fetched, kept = ({"net": {"depth": 18, "pretrained": name}} for name in ("someone/resnet", None))
    need_same_model(tmp_path, kept, fetched)
    with pytest.raises(CheckpointError, match=r"model\.net\.depth is not that"):
        need_same_model(tmp_path, kept, {"net": {"depth": 34, "pretrained": None}})


def other_fingerprint(folder):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "data": "0123456789abcdef"}))


def test_scores_on_other_data_say_so(folder):
    assert run.evaluated(folder)[1] == []
    other_fingerprint(folder)
    (note,) = run.evaluated(folder)[1]
    assert note.startswith("Not the data of the training: fingerprint ") and note.endswith(
        "then 0123456789ab…"
    )


def test_scores_on_data_that_she_chose_say_nothing(folder):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["data"]["source"] = {"_target_": "crossmedia.data.sources.digits.Digits"}
    in_config(folder, "data", config["data"])
    other_fingerprint(folder)
    chosen = "data.source._target_=crossmedia.data.sources.digits.Digits"
    assert run.evaluated(folder, overrides=[chosen])[1] == []
    assert len(run.evaluated(folder, overrides=["data.eval_batch_size=7"])[1]) == 1


@pytest.mark.parametrize(
    "text", ["[]", '"a"', "{", '{"data": 1, "about": []}', '{"command": "rm"}', '{"git": 3}']
)
def test_a_damaged_manifest_is_a_line(refused, folder, text):
    (folder / "manifest.json").write_text(text)
    code, line = refused("export", folder)
    assert code == 4 and "manifest.json: " in line


def test_a_score_that_is_no_number_is_a_line(refused, folder):
    (folder / "scores.json").write_text('{"test/accuracy": "<b>"}')
    code, line = refused("export", folder)
    assert code == 4 and "scores.json: test/accuracy: expected a number" in line
