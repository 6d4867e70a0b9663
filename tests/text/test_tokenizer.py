import json
import subprocess
import sys

import pytest

from crossmedia.text.normalise import normalise
from crossmedia.text.tokenizer import BOS, EOS, PAD, UNK, CharTokenizer, WordTokenizer

TEXTS = ["A red ball.", "a red cat, a blue ball", "Two dogs' toys; he can't say \"stop\"!"]


@pytest.fixture(params=[WordTokenizer, CharTokenizer])
def kind(request):
    return request.param


def rebuilt(tokenizer):
    config = json.loads(json.dumps(tokenizer.config()))
    return type(tokenizer)(**{key: value for key, value in config.items() if key != "_target_"})


def test_words_come_by_count_and_then_by_their_characters():
    assert WordTokenizer().fit(["b a", "c a", "b d"]).vocab == ("a", "b", "c", "d")


def test_texts_come_back_readable(kind):
    tokenizer = kind().fit(TEXTS)
    for text in TEXTS:
        assert tokenizer.decode(tokenizer.encode(text)) == normalise(text)


def test_decoding_stops_at_eos_and_drops_pad_and_bos(kind):
    tokenizer = kind().fit(TEXTS)
    ids = tokenizer.encode("red")
    assert tokenizer.decode([BOS, PAD, *ids, EOS, *ids, PAD]) == "red"


def test_what_the_vocabulary_lacks_is_shown_as_unk():
    tokenizer = WordTokenizer().fit(["a red ball"])
    assert tokenizer.encode("a green ball")[1] == UNK
    assert tokenizer.decode(tokenizer.encode("a green ball")) == "a <unk> ball"


def test_a_text_that_spells_a_special_token_is_no_special_token(kind):
    tokenizer = kind().fit(["<eos> a <pad>"])
    ids = tokenizer.encode("<eos> a <pad>")
    assert min(ids) > UNK
    assert "a" in tokenizer.decode(ids)


def test_the_cap_counts_the_special_tokens_and_the_size_is_the_real_one(kind):
    assert kind(8).vocab_size == 8
    capped, free = kind(8).fit(TEXTS), kind(500).fit(TEXTS)
    assert capped.vocab_size == 8 and len(capped.vocab) == 4
    assert free.vocab_size == 4 + len(free.vocab) < 500 and free.cap == 500


def test_rare_words_stay_out():
    assert WordTokenizer(min_count=2).fit(["a b", "a c", "c"]).vocab == ("a", "c")


def test_fitting_gives_a_copy_and_leaves_the_tokenizer_alone(kind):
    empty = kind(20)
    assert empty.fit(TEXTS).fitted
    assert not empty.fitted and empty.vocab == ()


def test_two_forms_of_a_letter_are_one_entry():
    assert WordTokenizer().fit(["un caf\u00e9", "un cafe\u0301"]).vocab == ("caf\u00e9", "un")
    assert "\u0301" not in CharTokenizer().fit(["caf\u00e9", "cafe\u0301"]).vocab


def test_marks_of_other_scripts_do_not_split_a_word():
    assert WordTokenizer().fit(["लाल गेंद।"]).vocab == ("गेंद", "लाल", "।")


def test_the_config_builds_an_equal_tokenizer(kind):
    for tokenizer in (kind(12, 2), kind(12, 1).fit(TEXTS)):
        again = rebuilt(tokenizer)
        assert again == tokenizer and again.config() == tokenizer.config()
        assert again.vocab_size == tokenizer.vocab_size and again.fitted == tokenizer.fitted


def test_the_config_names_its_class():
    assert CharTokenizer().config()["_target_"] == "crossmedia.text.tokenizer.CharTokenizer"


def test_another_vocabulary_makes_another_tokenizer():
    assert WordTokenizer().fit(["a b"]) != WordTokenizer().fit(["a c"])
    assert WordTokenizer().fit(["a"]) != CharTokenizer().fit(["a"])


@pytest.mark.parametrize("texts", [[], ["", "  "]])
def test_fitting_on_nothing_is_an_error(kind, texts):
    with pytest.raises(ValueError, match="the texts hold no token"):
        kind().fit(texts)


def test_a_min_count_that_leaves_nothing_is_an_error():
    with pytest.raises(ValueError, match="min_count 9: .* occurs 2 times"):
        WordTokenizer(min_count=9).fit(["a b", "a"])


@pytest.mark.parametrize("values, words", [((4,), "vocab_size 4: must be"), ((9, 0), "min_count 0: must be")])
def test_values_out_of_range_are_errors(kind, values, words):
    with pytest.raises(ValueError, match=words):
        kind(*values)


def test_use_before_fitting_is_an_error(kind):
    with pytest.raises(ValueError, match="has no vocabulary"):
        kind().encode("a")


def test_words_of_equal_count_come_in_the_same_order_in_every_process():
    code = (
        "import json; from crossmedia.text.tokenizer import CharTokenizer;"
        "print(json.dumps(CharTokenizer(14).fit(['tsrqponmlkjihgfedcba']).config()))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert json.loads(runs[0])["vocab"] == list("abcdefghij")


@pytest.mark.parametrize(
    "text", ["a red ball", "a ball, two cats, 3 dogs", "she cannot go", "gonna, wanna", "a"]
)
def test_plain_texts_are_cut_as_the_treebanks_rules_cut_them(text):
    from nltk.tokenize.treebank import TreebankWordTokenizer

    tokenizer = WordTokenizer().fit([text])
    assert tokenizer.tokens(tokenizer.encode(text)) == TreebankWordTokenizer().tokenize(text)
