"""A folder of weights made to harm: each fault is one line, and a pickle is not even looked at."""

import json
import struct
from pathlib import Path

import pytest

from crossmedia.errors import CheckpointError
from crossmedia.nets import backbones
from crossmedia.nets.backbones import ResNetClassifier

pytest_plugins = ["hostile_runs"]
WIDTH = 4
TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def weights(head, body=bytes(16), length=None):
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


TWICE = b'{"a":%s,"a":%s}' % ((json.dumps(TENSOR).encode(),) * 2)
WEIGHTS = {
    "overlap": weights({"a": TENSOR, "b": {**TENSOR, "data_offsets": [4, 12]}}, bytes(12)),
    "beyond the end": weights({"a": {**TENSOR, "data_offsets": [0, 800], "shape": [200]}}),
    "huge header": weights({"a": TENSOR}, length=10**15),
    "unknown type": weights({"a": {**TENSOR, "dtype": "PICKLE"}}, bytes(8)),
    "type that torch lacks": weights({"a": {**TENSOR, "dtype": "F6_E2M3", "shape": [4]}}, bytes(3)),
    "two of a name": weights(TWICE, bytes(8)),
    "negative shape": weights({"a": {**TENSOR, "shape": [-2]}}, bytes(8)),
    "not UTF-8": weights(b'{"\xff":' + json.dumps(TENSOR).encode() + b"}", bytes(8)),
    "nested JSON": weights(b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "empty": b"",
}


@pytest.fixture
def pretrained(tmp_path):
    """A folder of weights as the hub gives it, its numbers to be filled in."""
    sizes = [WIDTH * 2**stage for stage in range(4)]
    shape = {"depths": [2] * 4, "hidden_sizes": sizes, "embedding_size": WIDTH}
    config = {"model_type": "resnet", "layer_type": "basic", **shape}
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "config.json").write_text(json.dumps(config))
    return tmp_path / "weights"


def loaded(folder: Path):
    return ResNetClassifier(num_classes=3, width=WIDTH, pretrained=str(folder))


@pytest.mark.parametrize("name", WEIGHTS)
def test_hostile_safetensors_are_a_line(pretrained, name):
    (pretrained / "model.safetensors").write_bytes(WEIGHTS[name])
    with pytest.raises(CheckpointError) as caught:
        loaded(pretrained)
    assert str(caught.value).startswith(str(pretrained)) and str(caught.value).isprintable()


def test_weights_as_pickle_are_not_even_looked_at(pretrained, canary):
    (pretrained / "pytorch_model.bin").write_bytes(b"cposix\nsystem\n(Vtouch %s\ntR." % bytes(canary))
    with pytest.raises(CheckpointError, match="has no .safetensors file"):
        loaded(pretrained)
    assert not canary.exists()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"model_type": ' * 3000, "9" * 5000, "\udcff", "[]"])
def test_a_hostile_description_of_the_weights_is_a_line(pretrained, text):
    (pretrained / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CheckpointError, match=r"config\.json"):
        loaded(pretrained)


@pytest.mark.parametrize("mean", [[0.5], "0.5", [0.5, 0.5, "x"], [float("nan")] * 3, 0.5, [[0.5] * 3] * 3])
def test_a_picture_range_that_is_not_three_numbers_is_a_line(pretrained, mean, monkeypatch):
    monkeypatch.setattr(backbones, "_load", lambda *_: None)
    (pretrained / "preprocessor_config.json").write_text(json.dumps({"image_mean": mean}))
    with pytest.raises(CheckpointError, match=r"preprocessor_config\.json: image_mean"):
        loaded(pretrained)
