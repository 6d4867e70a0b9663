"""Every form of a number in English words: no digit is left or lost, and what has no form is named."""

import random
import sys

import pytest

from crossmedia.errors import SystemFault
from crossmedia.text.numbers import numbers_as_words

PLAIN = {
    "101": "one hundred one",
    "0": "zero",
    "0101": "zero one zero one",
    "007": "zero zero seven",
    "thirty six": "thirty six",
    "1000": "one thousand",
    "1,234": "one thousand two hundred thirty four",
    "1000000": "one million",
    "12,000,007": "twelve million seven",
    "5551234567": "five five five one two three four five six seven",
}
YEARS = {
    "2005": "two thousand five",
    "1984": "nineteen eighty four",
    "1905": "nineteen oh five",
    "1900": "nineteen hundred",
    "2000": "two thousand",
    "2010": "twenty ten",
    "2099": "twenty ninety nine",
    "1066": "one thousand sixty six",
    "1100": "eleven hundred",
    "3000": "three thousand",
}
DECADES = {
    "1770s": "seventeen seventies",
    "the '90s": "the 'nineties",
    "80's": "eighties",
    "1900s": "nineteen hundreds",
    "2000s": "two thousands",
    "2010s": "twenty tens",
    "6s": "sixes",
    "52s": "fifty twos",
    "1980s-style": "nineteen eighties style",
    "mid-1960s": "mid nineteen sixties",
}
DECIMALS = {
    "0.5": "zero point five",
    ".5": "point five",
    "3.14": "three point one four",
    "1.50": "one point five zero",
    "1,234.5": "one thousand two hundred thirty four point five",
    "2005.25": "two thousand five point two five",
    "-0.5": "minus zero point five",
    "it is 5.": "it is five.",
    "1.2.10": "one point two point ten",
    "(0.05)": "(zero point zero five)",
}
SIGNED = {
    "-7": "minus seven",
    "-.5": "minus point five",
    "-$5": "minus five dollars",
    "-1,000": "minus one thousand",
    "-5€": "minus five euros",
    "(-3)": "(minus three)",
    "-0": "minus zero",
    "-2005": "minus two thousand five",
    "at -40,": "at minus forty,",
    "-$0.10": "minus zero dollars and ten cents",
}
POWERS_OF_TEN = {
    "1e-4": "one times ten to the minus four",
    "1e4": "one times ten to the four",
    "-2.5e-04": "minus two point five times ten to the minus four",
    "1.0e0": "one point zero times ten to the zero",
    "1e-4/2": "one times ten to the minus four slash two",
    "a12e-4b": "a twelve e four b",  # a name
}
MONEY = {
    "$1,234.56": "one thousand two hundred thirty four dollars and fifty six cents",
    "$1": "one dollar",
    "$0.01": "zero dollars and one cent",
    "£2": "two pounds",
    "£1.01": "one pound and one penny",
    "€3.50": "three euros and fifty cents",
    "¥100": "one hundred yen",
    "$1.5": "one point five dollars",
    "100$.": "one hundred dollars.",
    "$2005": "two thousand five dollars",
}
ORDINALS = {
    "3rd": "third",
    "1st": "first",
    "2nd": "second",
    "21st": "twenty first",
    "12th": "twelfth",
    "30th": "thirtieth",
    "101st": "one hundred first",
    "1,000th": "one thousandth",
    "0th": "zeroth",
    "21st-century": "twenty first century",
}
TIMES = {
    "10:05": "ten oh five",
    "10:00": "ten o'clock",
    "12:30": "twelve thirty",
    "09:30": "zero nine thirty",
    "0:45": "zero forty five",
    "00:05": "zero zero oh five",
    "13:00": "thirteen hundred",
    "1:02:03": "one oh two oh three",
    "16:9": "sixteen to nine",
    "10:05-11:00": "ten oh five to eleven o'clock",
}
FRACTIONS = {
    "1/2": "one half",
    "3/4": "three quarters",
    "2/3": "two thirds",
    "1/8": "one eighth",
    "5/16": "five sixteenths",
    "21/22": "twenty one twenty seconds",
    "24/7": "twenty four slash seven",
    "1/2/2005": "one slash two slash two thousand five",
    "1/100": "one slash one hundred",
    "1/2-inch": "one half inch",
}
RANGES = {
    "3-5": "three to five",
    "1990-2000": "nineteen ninety to two thousand",
    "1939-45": "nineteen thirty nine to forty five",
    "1,000-2,000": "one thousand to two thousand",
    "1.5-2.5": "one point five to two point five",
    "$3-$5": "three dollars to five dollars",
    "1st-3rd": "first to third",
    "1990s-2000s": "nineteen nineties to two thousands",
    "1/4-1/2": "one quarter to one half",
    "pages 9-10,": "pages nine to ten,",
}
DIALLED = {
    "555-1234": "five five five one two three four",
    "555-867-5309": "five five five eight six seven five three zero nine",
    "01-02": "zero one zero two",
    "21-14": "two one one four",
    "0800": "zero eight zero zero",
    "2005-01-02": "two zero zero five zero one zero two",
    "49151234567": "four nine one five one two three four five six seven",
    "00": "zero zero",
    "1-800-555": "one eight zero zero five five five",
    "3-3": "three three",
}
MIXED = {
    "mp3": "mp three",
    "covid-19": "covid nineteen",
    "20-year-old": "twenty year old",
    "3d": "three d",
    "4x4": "four x four",
    "b-52s": "b fifty twos",
    "v1.2": "v one point two",
    "r2-d2": "r two d two",
    "h.323": "h point three two three",
    "1080p": "one thousand eighty p",
}
TABLES = [
    PLAIN, YEARS, DECADES, DECIMALS, SIGNED, POWERS_OF_TEN, MONEY, ORDINALS, TIMES, FRACTIONS,
    RANGES, DIALLED, MIXED
]  # fmt: skip


@pytest.mark.parametrize("text, expected", [row for table in TABLES for row in table.items()])
def test_a_form_of_numbers_is_read(text, expected):
    assert numbers_as_words(text) == expected


@pytest.mark.parametrize(
    "text",
    ["9,9", "1,2,3", "$1,23", "10:99:00", "5*3", "10^5", "~5#6", "5'10", "٣5", "1.2,3", "1" * 99 + ":x",
     "1e-4-2e-3", "$1e-4"],
)  # fmt: skip
def test_a_form_without_a_reading_is_named(text):
    with pytest.raises(
        ValueError, match="^text: '.*' has no reading as a number; write it in words$"
    ) as caught:
        numbers_as_words(f"there are {text}.")
    assert text[:20].strip("~") in str(caught.value)


def test_numbers_read_back_from_their_words_are_the_same():
    draw = random.Random(0)
    for size in range(1, 37):
        for _ in range(5):
            number = draw.randint(10 ** (size - 1), 10**size - 1)
            assert read_back(numbers_as_words(f"{number:,}.").removesuffix(".")) == number


SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
POWERS = (
    "thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion "
    "decillion"
).split()


def read_back(words):
    total = below = 0
    for word in words.split():
        if word in POWERS:
            total, below = total + below * 1000 ** (POWERS.index(word) + 1), 0
        elif word == "hundred":
            below *= 100
        else:
            below += SMALL.index(word) if word in SMALL else 10 * TENS.index(word) + 20
    return total + below


def test_a_number_of_any_length_has_words_at_once():
    assert numbers_as_words("1" * 50_000) == " ".join(["one"] * 50_000)
    assert numbers_as_words("1" + ",000" * 20) == " ".join(["one"] + ["zero"] * 60)


def test_without_the_package_the_line_says_how_to_get_it(monkeypatch):
    from crossmedia.text import numbers

    numbers._inflect.cache_clear()
    monkeypatch.setitem(sys.modules, "inflect", None)
    with pytest.raises(
        SystemFault, match=r'^numbers as words need inflect: pip install "crossmedia\[speech\]"$'
    ):
        numbers_as_words("101")
