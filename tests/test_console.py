import io
import os
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from made import Pictures
from rich.console import Console

from crossmedia.audio.mels import LogMel
from crossmedia.config import compose
from crossmedia.console import console, count, data_line, model_line, precision_of, print_scores
from crossmedia.data.batches import Meta
from crossmedia.data.module import DataModule
from crossmedia.data.views import CaptionView, LabelView
from crossmedia.images.transforms import ImageTransform
from crossmedia.nets.cnn import ConvNet
from crossmedia.nets.conv_encoder import ConvEncoder
from crossmedia.nets.encoder_decoder import EncoderDecoder
from crossmedia.nets.frontend import MelFrontEnd
from crossmedia.nets.lstm_attention import LSTMAttentionDecoder
from crossmedia.nets.sound_classifiers import MelTransformer
from crossmedia.tasks.base import Task
from crossmedia.text.tokenizer import WordTokenizer


@pytest.mark.parametrize(
    ("number", "text"), [(61, "61"), (20_000, "20 000"), (99_999, "99 999"), (1_234_567, "1.2 M")]
)
def test_a_number_is_short_enough_to_read(number, text):
    assert count(number) == text


SLOW = ", slow on this CPU: 32-true is faster"


@pytest.mark.parametrize(
    ("device", "precision", "able", "more"),
    [
        ("cpu", "bf16-mixed", {"avx2": True, "avx512_bf16": False, "amx_bf16": False}, SLOW),
        ("cpu", "bf16-mixed", {"avx512_bf16": True, "amx_bf16": False}, ""),
        ("cpu", "32-true", {"avx512_bf16": False}, ""),
        ("meta", "bf16-mixed", {"avx512_bf16": False}, ""),
    ],
)
def test_bfloat16_that_a_cpu_has_to_emulate_is_said_to_be_slow(device, precision, able, more, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device(device)), precision=precision)
    assert precision_of(trainer) == precision + more


class Telling(Task):
    pass


def size(net):
    return count(sum(parameter.numel() for parameter in net.parameters()))


def test_a_net_of_one_part_is_named_itself_and_one_of_several_by_its_parts():
    single = ConvNet(2, widths=(4,))
    line = model_line(Telling(single, Meta(), torch.optim.SGD))
    assert line == f"Telling(ConvNet {size(single)})"
    pair = EncoderDecoder(ConvEncoder(8, widths=(4,), dim=4), LSTMAttentionDecoder(5, 4, 4, 4, 4))
    line = model_line(Telling(pair, Meta(), torch.optim.SGD))
    assert line == f"Telling(ConvEncoder {size(pair.encoder)}, LSTMAttentionDecoder {size(pair.decoder)})"
    mixed = MelTransformer(MelFrontEnd(LogMel(8000, 128, 128, 80, 16)), 4, 16, 2, 2)  # its encoder is torch's
    assert model_line(Telling(mixed, Meta(), torch.optim.SGD)) == f"Telling(MelTransformer {size(mixed)})"


def learnt(view, **changes):
    data = DataModule(image=ImageTransform(8, 1), view=view, **{"source": Pictures(), **changes})
    data.learn()
    return data


def test_the_data_line_counts_samples_classes_and_what_was_skipped():
    line = data_line(learnt(LabelView(), source=Pictures(bad=1), on_error="skip"), [])
    assert line == "Pictures 8 px · 23 train · 24 val · 24 test · 2 classes · 1 skipped"


def test_the_data_line_tells_a_vocabulary_once():
    data = learnt(CaptionView(), tokenizer=WordTokenizer(min_count=1))
    words = f"vocabulary {data.meta.tokenizer.vocab_size}"
    assert data_line(data, []).endswith(f" · {words}")
    assert data_line(data, ["vocab_size 7, 9 asked"]).endswith(" test · vocabulary 7, 9 asked")


def printed(scores, notes=()):
    out = io.StringIO()
    print_scores(Console(file=out, width=120), scores, notes)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_scores_have_a_row_a_metric_and_the_references_stand_last():
    scores = {
        "test/accuracy": 0.98649,
        "test/accuracy_chance": 0.1,
        "test_b/accuracy": 0.5,
        "test_b/accuracy_chance": 0.2,
        "test/loss": 2.0,
    }
    head, *rows = printed(scores)
    assert head.split() == ["test", "test_b", "chance"]
    assert [row.split() for row in rows] == [
        ["accuracy", "0.986", "0.500", "0.100"],
        ["loss", "2.000", "–", "–"],
    ]


def test_a_note_is_printed_as_it_is_on_one_line():
    note = f"[red]compared[/red] as {'words ' * 30}end"
    assert printed({}, [note]) == [note]


def test_a_file_gets_lines_of_120_characters_without_colour(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    for quiet in (False, True):
        console(quiet=quiet).print("x " * 59 + "y", style="bold red")
    assert capsys.readouterr() == ("x " * 59 + "y\n", "")


@pytest.mark.parametrize("lasting", [True, False])
def test_where_nobody_reads_any_more_a_run_goes_on_and_a_list_ends(lasting, monkeypatch):
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        to = console(lasting=lasting)
        with nullcontext() if lasting else pytest.raises(BrokenPipeError):
            to.print("a line")
            to.print("another")
        os.dup2(os.open(os.devnull, os.O_WRONLY), closed.fileno())


@pytest.mark.parametrize(("able", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_an_experiment_computes_in_bfloat16_where_the_cpu_has_it(able, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": able, "amx_bf16": False})
    assert compose(["experiments=vae_scenes", "trainer=cpu"]).trainer.precision == expected
