import copy
import json
import pickle
import random
import subprocess
import sys

import pytest

from crossmedia.text.bpe import BpeTokenizer
from crossmedia.text.normalise import normalise
from crossmedia.text.tokenizer import BOS, EOS, PAD, UNK

CAPTIONS = [
    "a red ball",
    "two blue cats",
    "a small star",
    "one big red square",
    "a cat and a ball",
    "two stars",
]


def test_texts_of_any_script_come_back_as_they_were():
    texts = ["don’t (stop)!", "एक लाल गेंद।", "赤い丸", "Un café, noir...", "a  b"]
    tokenizer = BpeTokenizer(60).fit(texts)
    for text in texts:
        assert tokenizer.decode(tokenizer.encode(text)) == normalise(text)


def test_frequent_pairs_become_pieces():
    tokenizer = BpeTokenizer(400).fit(["low lower lowest"] * 3)
    assert tokenizer.tokens(tokenizer.encode("low"))[-1].endswith("low")
    assert len(tokenizer.encode("lower")) < len("lower")


def test_the_size_is_the_real_one_where_the_texts_give_fewer_pieces():
    tokenizer = BpeTokenizer(8000).fit(CAPTIONS)
    assert tokenizer.cap == 8000
    assert tokenizer.vocab_size == 4 + len(tokenizer.vocab) < 100
    assert max(max(tokenizer.encode(caption)) for caption in CAPTIONS) < tokenizer.vocab_size


def test_a_cap_below_the_alphabet_names_the_possible_range():
    alphabet = len(set("".join(CAPTIONS)))  # the blank too
    most = BpeTokenizer(8000).fit(CAPTIONS).vocab_size
    with pytest.raises(ValueError, match=rf"vocab_size 5: must be from {alphabet + 4} .* to {most} "):
        BpeTokenizer(5).fit(CAPTIONS)
    for size in (alphabet + 4, most):
        assert BpeTokenizer(size).fit(CAPTIONS).vocab_size == size


def test_an_enormous_cap_costs_nothing():
    assert BpeTokenizer(10**12).fit(CAPTIONS).vocab_size < 100


def test_what_the_alphabet_lacks_is_unk():
    tokenizer = BpeTokenizer(60).fit(CAPTIONS)
    assert UNK in tokenizer.encode("a réd ball")
    assert tokenizer.decode(tokenizer.encode("a réd ball")) == "a r<unk>d ball"


def test_a_text_that_spells_a_special_token_is_no_special_token():
    tokenizer = BpeTokenizer(60).fit([*CAPTIONS, "<pad> <eos>"])
    assert min(tokenizer.encode("<eos> <pad>")) > UNK
    assert tokenizer.decode(tokenizer.encode("<eos> <pad>")) == "<eos> <pad>"


def test_decoding_stops_at_eos_and_drops_pad_and_bos():
    tokenizer = BpeTokenizer(60).fit(CAPTIONS)
    assert tokenizer.decode([BOS, *tokenizer.encode("a cat"), EOS, *tokenizer.encode("and"), PAD]) == "a cat"


def test_the_config_builds_an_equal_tokenizer():
    tokenizer = BpeTokenizer(40, min_count=2).fit(CAPTIONS)
    config = json.loads(json.dumps(tokenizer.config()))
    assert config.pop("_target_") == "crossmedia.text.bpe.BpeTokenizer"
    again = BpeTokenizer(**config)
    assert again == tokenizer and again.config() == tokenizer.config()
    assert again.encode("a small cat") == tokenizer.encode("a small cat")


def test_a_copy_for_another_process_encodes_alike():
    tokenizer = BpeTokenizer(40).fit(CAPTIONS)
    for other in (pickle.loads(pickle.dumps(tokenizer)), copy.deepcopy(tokenizer)):
        assert other == tokenizer and other.encode("two cats") == tokenizer.encode("two cats")


def test_the_order_of_the_texts_does_not_change_the_vocabulary():
    draw = random.Random(0)
    texts = ["".join(draw.choices("abcde ", k=12)) for _ in range(40)]
    first = BpeTokenizer(50).fit(texts)
    draw.shuffle(texts)
    assert BpeTokenizer(50).fit(texts) == first


def test_two_forms_of_a_letter_are_one_entry():
    assert "\u0301" not in BpeTokenizer(60).fit(["caf\u00e9", "cafe\u0301"]).vocab


def test_fitting_on_nothing_is_an_error():
    with pytest.raises(ValueError, match="the texts hold none"):
        BpeTokenizer().fit(["", " "])


def test_a_fork_after_fitting_says_nothing():
    code = (
        "import os; from crossmedia.text.bpe import BpeTokenizer;"
        "fitted = BpeTokenizer(60).fit(['a red ball'] * 9);"
        "child = os.fork(); fitted.encode('a');"
        "child and os.waitpid(child, 0)"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
