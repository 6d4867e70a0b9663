"""ARPA models: Katz back-off by hand, and files that are wrong."""

import math

import pytest

from crossmedia.errors import DataError
from crossmedia.text.arpa import Arpa, WordScores
from crossmedia.text.tokenizer import CharTokenizer

MODEL = """\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-1.0\t<s>\t-0.5
-0.7\t</s>
-0.3\tred\t-0.2
-0.4\tball
-2.0\t<unk>

\\2-grams:
-0.1\t<s> red
-0.2\tred ball
-0.6\tball </s>

\\end\\
"""


@pytest.fixture
def model(tmp_path):
    (tmp_path / "m.arpa").write_text(MODEL)
    return Arpa(tmp_path / "m.arpa")


def ln(value):
    return pytest.approx(value * math.log(10))


def test_a_known_n_gram_has_its_own_probability(model):
    assert model.order == 2
    assert model.log_prob("ball", ("<s>", "red")) == ln(-0.2)


def test_an_unknown_n_gram_backs_off_to_the_shorter_history(model):
    assert model.log_prob("ball", ("<s>",)) == ln(-0.5 - 0.4)
    assert model.log_prob("</s>", ("red",)) == ln(-0.2 - 0.7)
    assert model.log_prob("red", ("ball",)) == ln(-0.3)  # no back-off weight there: 0


def test_an_unknown_word_is_unk(model):
    assert model.log_prob("cube", ("red",)) == ln(-0.2 - 2.0)


def test_the_words_of_a_text_add_up_however_it_is_spelled(model):
    tokenizer = CharTokenizer().fit(["red ball"])
    judge, tokens = WordScores(model, tokenizer), tokenizer.encode("red ball")
    total = sum(judge.score(tuple(tokens[:k]), tokens[k]) for k in range(len(tokens))) + judge.end(
        tuple(tokens)
    )
    assert total == ln(-0.1 - 0.2 - 0.6)


@pytest.mark.parametrize(
    "text, said",
    [
        (MODEL.replace("ngram 2=3", "ngram 2=4"), "3 of 4 2-grams"),
        (MODEL.replace("-0.3\tred", "x\tred"), ":8: a number expected"),
        (MODEL.replace("\\1-grams:", "\\7-grams:"), ":5: no line `ngram 7=…` above it"),
        (MODEL.replace("-0.1\t<s> red", "-0.1\tred"), ":13: log10, 2 words and at most a back-off expected"),
        ("hello\n", "no n-grams in it. An ARPA file is expected"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path, text, said):
    path = tmp_path / "m.arpa"
    path.write_text(text)
    with pytest.raises(DataError, match="m.arpa") as raised:
        Arpa(path)
    assert said in str(raised.value)
