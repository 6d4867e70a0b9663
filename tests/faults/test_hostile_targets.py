"""No name in a run folder is imported, called or built that a run is not made of."""

import os
import sys
from pathlib import Path

import pytest
import torch
import yaml
from hostile import KINDS, OF_CHECKPOINT, OF_CONFIG, TARGETS, harm, in_checkpoint, in_config, put, values_of
from PIL import Image

from crossmedia import build, cli, run
from crossmedia.build import refuse_foreign, trusting
from crossmedia.errors import SecurityError
from crossmedia.nets import backbones
from crossmedia.saved import read_yaml
from crossmedia.sealed import write_checkpoint

pytest_plugins = ["hostile_runs"]
COUNTS = {
    "direct execution": 8, "aliases and re-exports": 8, "deferred, nested and partial": 8,
    "side effects of an import": 6, "deserialisers": 8, "files": 8, "network": 6, "processes and threads": 6,
    "installers": 2, "secrets": 4,
}  # fmt: skip


def test_the_list_has_64_names():
    assert {kind: len(names.split()) for kind, names in KINDS.items()} == COUNTS
    assert len(set(TARGETS)) == 64


@pytest.fixture
def located(monkeypatch):
    """Every name that was looked for, and so imported."""
    names, locate = [], build.locate

    def watched(target, key):
        names.append(target)
        return locate(target, key)

    monkeypatch.setattr(build, "locate", watched)
    return names


def check_refused(refused, located, canary, target, folder):
    located.clear()
    before = set(sys.modules)
    code, line = refused("evaluate", folder)
    assert code == 5 and line.startswith("security: ") and target[:39] in line, line
    assert target not in located and not canary.exists()
    assert target.rpartition(".")[0] not in set(sys.modules) - before


@pytest.mark.parametrize("place", range(64))
def test_a_hostile_name_in_the_config_is_refused(refused, located, canary, folder, place):
    root, kind = OF_CONFIG[place % len(OF_CONFIG)]
    in_config(folder, root, put(harm(TARGETS[place], canary), root, kind))
    check_refused(refused, located, canary, TARGETS[place], folder)


@pytest.mark.parametrize("place", range(64))
def test_a_hostile_name_in_the_checkpoint_is_refused(refused, located, canary, folder, place):
    root, kind = OF_CHECKPOINT[place % len(OF_CHECKPOINT)]
    in_checkpoint(folder, values_of(folder), root, put(harm(TARGETS[place], canary), root, kind))
    check_refused(refused, located, canary, TARGETS[place], folder)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_a_hostile_name_is_refused_wherever_it_stands(refused, located, canary, folder, target):
    config, saved = (folder / "config.yaml").read_text(), values_of(folder)
    for root, kind in OF_CONFIG:
        in_config(folder, root, put(harm(target, canary), root, kind))
        check_refused(refused, located, canary, target, folder)
        (folder / "config.yaml").write_text(config)
    for root, kind in OF_CHECKPOINT:
        in_checkpoint(folder, saved, root, put(harm(target, canary), root, kind))
        check_refused(refused, located, canary, target, folder)


def test_the_canary_sings_for_a_name_that_is_let_in(canary, folder):
    in_config(folder, "data", {"_target_": "canary.Thing"})
    with trusting(["canary"]), pytest.raises(AttributeError):
        run.evaluate(folder)
    assert canary.exists()


def test_an_override_does_not_make_a_hostile_name_be_imported_first(refused, canary, folder):
    for root in ("data", "trainer"):
        in_config(folder, root, {"_target_": "canary.Thing", "batch_size": 8, "precision": 32})
        assert refused("evaluate", folder, "data.batch_size=7")[0] == 5
    assert not canary.exists()


@pytest.mark.parametrize("verb", [["generate", "--image=a.png"], ["export"], ["evaluate"]])
def test_every_verb_that_loads_a_model_refuses(refused, canary, folder, verb):
    in_checkpoint(folder, values_of(folder), "model", {"_target_": "canary.Thing"})
    code, line = refused(verb[0], folder, *verb[1:])
    assert code == 5 and "best.ckpt may not name this there" in line and not canary.exists()


def test_the_verbs_that_load_no_model_import_nothing(canary, folder, monkeypatch, capsys):
    for root in ("data", "model", "trainer"):
        in_config(folder, root, {"_target_": "canary.Thing"})
    monkeypatch.chdir(folder.parent)
    for words in (["report", "run"], ["report", "."], ["list", "runs"]):
        monkeypatch.setattr(sys, "argv", ["crossmedia", *words])
        assert cli.main() == 0
    assert not canary.exists()


FORMS = [
    "crossmedia.nets.cnn.ConvNet.", ".crossmedia.nets.cnn.ConvNet", "crossmedia..nets.cnn.ConvNet",
    "crossmedia.nets.cnn.ConvNet\n", "crossmedia.nets.cnn.Conv\u200bNet", "\uff43rossmedia.nets.cnn.ConvNet",
    "crossmedia.nets.cnn.ConvNet.forward", "crossmedia.nets.cnn.nn.Module", "crossmedia.nets.cnn.nn.Conv2d",
    "crossmedia.nets.cnn.__builtins__", "crossmedia.tasks.base.LightningModule", "crossmedia.tasks.base.Path",
    "crossmedia.nets.transformer._Layer", "crossmedia.errors.SecurityError", "crossmedia.session.Session",
    "crossmedia.run.train", "crossmedia", "", "nets", 3, None, True, 1.5, b"os.system", ["os.system"],
    {"_target_": "os.system"}, {}, ["crossmedia.nets.cnn.ConvNet"], 10**5000, "a\x1b[31m.b", "x." * 10**6,
]  # fmt: skip


@pytest.mark.parametrize("target", FORMS, ids=map(str, range(len(FORMS))))
def test_a_name_in_no_proper_form_is_refused_in_a_line(target):
    with pytest.raises(SecurityError) as caught:
        refuse_foreign({"net": {"_target_": target}}, "model")
    assert len(str(caught.value)) < 220 and str(caught.value).isprintable()


@pytest.mark.parametrize(
    "word", ["_args_", "_recursive_", "_convert_", "_target", "__class__", "_instantiator"]
)
def test_words_of_other_builders_mean_nothing(refused, folder, canary, word):
    saved = values_of(folder)
    saved["crossmedia"]["model"]["net"][word] = "canary.Thing"
    write_checkpoint(folder / "checkpoints" / "best.ckpt", saved)
    code, line = refused("export", folder)
    assert code == 4 and "does not fit its own model" in line and not canary.exists()


def test_a_name_as_a_key_is_only_a_key():
    refuse_foreign({"os.system": {"canary.Thing": "_target_"}}, "model")


def test_a_key_full_of_line_ends_stays_in_its_line():
    with pytest.raises(SecurityError) as caught:
        refuse_foreign({"a\nb\x1b[2J": {"_target_": "os.system"}}, "model")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("levels", [60, 2_000])
def test_nodes_deep_in_one_another_are_a_line(levels):
    node = {"_target_": "os.system"}
    for _ in range(levels):
        node = [node]
    with pytest.raises(SecurityError, match="deeper"):
        refuse_foreign(node, "model")


def test_lists_that_share_their_parts_are_a_line(refused, folder):
    node = ["a"] * 10
    for _ in range(40):
        node = [node] * 10
    in_checkpoint(folder, values_of(folder), "model", {"net": node})
    code, line = refused("export", folder)
    assert code == 5 and "more parts" in line


def test_a_list_that_holds_itself_is_a_line():
    node = []
    node.append(node)
    with pytest.raises(SecurityError, match="deeper"):
        refuse_foreign({"net": node}, "model")


YAML = {
    "alias bomb": ("a0: &a0 [x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 30)
    ), 4),
    "an alias": ("a: &a {b: 1}\ndata: *a\n", 4),
    "merge": ("a: &a {b: 1}\ndata: {<<: *a}\n", 4),
    "python tag": ("data: !!python/object/apply:os.system ['touch {canary}']\n", 5),
    "python name": ("data: !!python/name:os.system\n", 5),
    "python module": ("data: !!python/module:canary\n", 5),
    "own tag": ("data: !canary.Thing {}\n", 5),
    "deep nesting": ("data: " + "[" * 2000 + "]" * 2000 + "\n", 4),
    "a number of many digits": ("seed: " + "9" * 5000 + "\n", 4),
    "no day": ("seed: 2001-02-31\n", 4),
    "not UTF-8": ("\udcff: 1\n", 4),
    "too long": ("# " + "x" * (1 << 20) + "\n", 4),
    "a list": ("- 1\n", 4),
    "nothing": ("", 4),
    "tab": ("data:\n\t- 1\n", 4),
}  # fmt: skip


@pytest.mark.parametrize("name", YAML)
def test_a_hostile_yaml_is_a_line(refused, folder, canary, name):
    text, code = YAML[name]
    text = text.replace("{canary}", str(canary))
    (folder / "config.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
    found, line = refused("evaluate", folder)
    assert found == code and "config.yaml" in line and not canary.exists()


def test_a_config_that_is_no_file_is_a_line(refused, folder):
    (folder / "config.yaml").unlink()
    os.mkfifo(folder / "config.yaml")  # would wait for ever
    code, line = refused("evaluate", folder)
    assert code == 4 and "is not a file" in line


def test_a_saved_reference_to_the_environment_stays_text(folder, monkeypatch):
    monkeypatch.setenv("CROSSMEDIA_SECRET", "open sesame")
    (folder / "config.yaml").write_text("about: {claim: '${oc.env:CROSSMEDIA_SECRET}'}\n")
    assert read_yaml(folder / "config.yaml") == {"about": {"claim": "${oc.env:CROSSMEDIA_SECRET}"}}


def test_a_checkpoint_never_fetches_weights(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(backbones, "_folder", lambda name: asked.append(name))
    saved = values_of(folder)
    net = {"_target_": "crossmedia.nets.backbones.ResNetClassifier", "num_classes": 10, "width": 4}
    made = backbones.ResNetClassifier(num_classes=10, width=4)
    saved["crossmedia"]["model"]["net"] = {**net, "pretrained": "someone/else"}
    saved["state_dict"] = {f"net.{name}": value for name, value in made.state_dict().items()}
    write_checkpoint(folder / "checkpoints" / "best.ckpt", saved)
    assert torch.equal(run.load(folder).net.mean, made.mean) and not asked


@pytest.mark.parametrize("verb", ["evaluate", "export"])
def test_nothing_is_written_through_a_link_in_the_folder(refused, folder, verb):
    name, elsewhere = {"evaluate": "eval", "export": "export"}[verb], folder.parent / "elsewhere"
    elsewhere.mkdir()
    (folder / name).symlink_to(elsewhere)
    code, line = refused(verb, folder)
    assert code == 4 and "is a link" in line and not list(Path(elsewhere).iterdir())


def test_our_own_config_is_read_as_it_was_written(finished):
    text = (finished / "config.yaml").read_text()
    assert read_yaml(finished / "config.yaml") == yaml.safe_load(text)


def test_what_a_model_says_cannot_steer_the_terminal(folder, monkeypatch, capsys):
    saved = values_of(folder)
    saved["crossmedia"]["meta"]["classes"] = [f"\x1b[2J{digit}\r\n" for digit in range(10)]
    write_checkpoint(folder / "checkpoints" / "best.ckpt", saved)
    Image.new("L", (8, 8)).save(folder / "a.png")
    words = ["crossmedia", "generate", str(folder), f"--image={folder / 'a.png'}"]
    monkeypatch.setattr(sys, "argv", words)
    capsys.readouterr()
    assert cli.main() == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("\\x1b[2J") and line.isprintable()
