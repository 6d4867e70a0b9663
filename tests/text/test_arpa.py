"""ARPA models: Katz back-off by hand, and files that are wrong."""

import math
from functools import partial

import pytest

from crossmedia.errors import DataError
from crossmedia.text.arpa import Arpa, WordScores
from crossmedia.text.bpe import BpeTokenizer
from crossmedia.text.normalise import words
from crossmedia.text.tokenizer import CharTokenizer, WordTokenizer

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


def read(folder, text):
    path = folder / "m.arpa"
    path.write_text(text)
    return Arpa(path)


@pytest.fixture
def model(tmp_path):
    return read(tmp_path, MODEL)


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


def total(judge, tokens):
    state, found = judge.start, 0.0
    for token in tokens:
        score, state = judge.step(state, token)
        found += score
    return found + judge.end(state)


@pytest.mark.parametrize("kind", [CharTokenizer, WordTokenizer, partial(BpeTokenizer, vocab_size=20)])
def test_the_words_of_a_text_add_up_however_it_is_spelled(model, kind):
    tokenizer = kind().fit(["red ball", "red red ball"])
    assert total(WordScores(model, tokenizer), tokenizer.encode("red ball")) == ln(-0.1 - 0.2 - 0.6)


def test_a_word_counts_as_soon_as_a_blank_ends_it(model):
    tokenizer = CharTokenizer().fit(["red ball"])
    judge = WordScores(model, tokenizer)
    state = judge.start
    scores = []
    for token in tokenizer.encode("red ball")[:4]:
        score, state = judge.step(state, token)
        scores.append(score)
    assert scores == [0, 0, 0, ln(-0.1)]


LONG = """\\data\\
ngram 1=4
ngram 2=3
ngram 3=2
ngram 4=1

\\1-grams:
-1.0 <s> -0.5
-0.9 the -0.3
-0.7 cat -0.2
-2.0 <unk>

\\2-grams:
-0.9 the cat -0.1
-0.4 <s> the -0.2
-0.1 <unk> cat

\\3-grams:
-0.2 <s> the cat
-0.3 the cat cat

\\4-grams:
-0.05 <s> the cat cat

\\end\\
"""


@pytest.fixture
def long(tmp_path):
    return read(tmp_path, LONG)


def test_each_history_is_as_long_as_the_order_allows(long):
    assert long.log_prob("cat", ("<s>", "the")) == ln(-0.2)
    assert long.log_prob("cat", ("<s>", "the", "cat")) == ln(-0.05)
    assert long.log_prob("cat", ("cat", "<s>", "the", "cat")) == ln(-0.05)
    assert long.log_prob("cat", ("x", "the", "cat")) == ln(-0.3)


CASED = """\\data\\
ngram 1=7
ngram 2=5

\\1-grams:
-99 <s> -0.1
-0.6 </s>
-0.6 the -0.4
-1.2 The -0.2
-0.7 cat
-0.9 Cat
-1.3 <UNK>

\\2-grams:
-0.3 the cat
-0.9 the Cat
-0.3 The cat
-0.8 <s> The
-1.1 <s> the

\\end\\
"""


@pytest.fixture
def cased(tmp_path):
    return read(tmp_path, CASED)


def test_words_that_differ_in_case_alone_add_up(cased):
    assert cased.log_prob("the", ()) == ln(math.log10(10**-0.6 + 10**-1.2))
    assert cased.log_prob("the", ("<s>",)) == ln(math.log10(10**-1.1 + 10**-0.8))
    assert cased.log_prob("dog", ()) == ln(-1.3)  # <UNK> is <unk>


def test_each_history_of_several_spellings_counts_as_much_as_it_is_likely(cased):
    lower, upper = 10**-0.6, 10**-1.2
    after_lower, after_upper = 10**-0.3 + 10**-0.9, 10**-0.3 + 10 ** (-0.2 - 0.9)
    expected = (lower * after_lower + upper * after_upper) / (lower + upper)
    assert cased.log_prob("cat", ("the",)) == ln(math.log10(expected)) and expected < 1


def test_spellings_of_no_probability_count_alike(tmp_path):
    never = CASED.replace("-0.6 the -0.4", "-inf the -0.4").replace("-1.2 The", "-inf The")
    found = read(tmp_path, never).log_prob("cat", ("the",))
    assert found == ln(math.log10((10**-0.3 + 10**-0.9 + 10**-0.3 + 10 ** (-0.2 - 0.9)) / 2))


def test_a_word_is_compared_as_scores_compare_it(tmp_path):
    lines = ("ngram 1=4", "", "\\1-grams:", "-0.5\t'TIS", "-0.6\tBOYS'", "-0.7\tdon't", "-0.8\tU.S.", "")
    model = read(tmp_path, "\n".join(["\\data\\", *lines, "\\end\\", ""]))
    assert [model.log_prob(word, ()) for word in words("'Tis boys' don't")] == [ln(-0.5), ln(-0.6), ln(-0.7)]


def test_an_unknown_word_of_a_history_is_unk_too(long):
    assert long.log_prob("cat", ("zebra",)) == ln(-0.1)


@pytest.mark.parametrize(
    "text, said",
    [
        (MODEL.replace("ngram 2=3", "ngram 2=4"), "3 of 4 2-grams"),
        (MODEL.replace("-0.3\tred", "x\tred"), ":8: a number expected"),
        (MODEL.replace("-0.3\tred", "nan\tred"), ":8: nan: the log10 of a probability expected, at most 0"),
        (MODEL.replace("-0.3\tred", "0.3\tred"), ":8: 0.3: the log10 of a probability expected, at most 0"),
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


def test_a_token_of_many_words_counts_each_once(model):
    model.log_prob = lambda word, history: {"日": -1.0, "本": -10.0}.get(word, 0.0)
    tokenizer = BpeTokenizer().fit(["日本"] * 5 + ["日 日本日本"])
    for text in ("日本", "日本日本", "日 日本", "日本本日"):
        expected = -sum({"日": 1, "本": 10}.get(sign, 0) for sign in text)
        assert total(WordScores(model, tokenizer), tokenizer.encode(text)) == pytest.approx(expected)
