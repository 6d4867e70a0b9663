"""English as it is read aloud: units, signs and abbreviations, and numbers beside them."""

import pytest

from crossmedia.text.frontend import SpeechText

UNITS = {
    "5 km": "five kilometres",
    "1 km": "one kilometre",
    "11km": "eleven kilometres",
    "60 mph": "sixty miles per hour",
    "90 km/h": "ninety kilometres per hour",
    "5 kwh": "five kilowatt hours",
    "1 kwh": "one kilowatt hour",
    "20 °c": "twenty degrees celsius",
    "20°C": "twenty degrees celsius",
    "6 ft": "six feet",
    "5'10\" or 6' by 4\"": "five feet ten inches or six feet by four inches",
    "\"room 5\" and 'room 6'": "room five and room six",
    "440 Hz": "four hundred forty hertz",
    "1.5 kg, 2-3 lbs": "one point five kilograms, two to three pounds",
}
AMOUNTS = {
    "$5 million": "five million dollars",
    "$2.5bn": "two point five billion dollars",
    "£10k": "ten thousand pounds",
    "-$1 trillion": "minus one trillion dollars",
    "5%": "five percent",
    "0.5 %": "zero point five percent",
    "50–60%": "fifty to sixty percent",
    "10%-15%": "ten percent to fifteen percent",
    "1 1/2 cups": "one and one half cups",
    "2½ cups, ¾ full": "two and one half cups, three quarters full",
    "add ½ cup": "add one half cup",
    "⅞": "seven eighths",
}
TIMES = {
    "10am": "ten a m",
    "5 p.m.": "five p m",
    "10:05 PM": "ten oh five p m",
    "12:30pm on": "twelve thirty p m on",
    "Jan. 5": "january five",
    "Sept. 11, 2001": "september eleven, two thousand one",
    "1939–45": "nineteen thirty nine to forty five",
    "4th of July": "fourth of july",
    "at 7 a.m. sharp": "at seven a m sharp",
    "24/7": "twenty four slash seven",
}
TELEPHONE = {
    "(555) 867-5309": "five five five eight six seven five three zero nine",
    "+1 555 867 5309": "plus one five five five eight six seven five three zero nine",
    "+15558675309": "plus one five five five eight six seven five three zero nine",
    "0800 123 456": "zero eight zero zero one two three four five six",
    "call 555-1234.": "call five five five one two three four.",
    "press # or *": "press pound or star",
    "press *.": "press star.",
    "dial 911": "dial nine hundred eleven",
    "#5": "number five",
    "No. 5": "number five",
}
SIGNS = {
    "a + b = c": "a plus b equals c",
    "5+3=8": "five plus three equals eight",
    "3 × 4 ÷ 2": "three times four divided by two",
    "+7": "plus seven",
    "±2": "plus or minus two",
    "Smith & Sons": "smith and sons",
    "AT&T": "at and t",
    "me@home": "me at home",
    "and/or": "and slash or",
    "a $ sign, a #tag, 45°": "a dollar sign, a hash tag, forty five degrees",
}
TITLES = {
    "Mr. Smith": "mister smith",
    "Mrs Jones": "missus jones",
    "Ms. Lee": "miz lee",
    "Dr. Who": "doctor who",
    "Oak Dr.": "oak drive.",
    "St. Paul": "saint paul",
    "5 Main St., here": "five main street, here",
    "Prof. X and Gen. Y": "professor x and general y",
    "Sammy Davis Jr.": "sammy davis junior.",
    "Warner Bros. Inc. vs. Co.": "warner brothers incorporated versus company.",
}
SHORT = {
    "cats, dogs etc.": "cats, dogs et cetera.",
    "dogs, etc., and": "dogs, et cetera, and",
    "e.g. this": "for example this",
    "That is, i.e., this": "that is, that is, this",
    "in the U.S.A. now": "in the u s a now",
    "J.R.R. Tolkien": "j r r tolkien",
    "the U.S.": "the u s.",
    "a.k.a.": "a k a.",
    "Vol. 2, p. 7, pp. 8-9": "volume two, page seven, pages eight to nine",
    "no. I said no.": "no. i said no.",
}
TABLES = [UNITS, AMOUNTS, TIMES, TELEPHONE, SIGNS, TITLES, SHORT]


@pytest.mark.parametrize("text, expected", [row for table in TABLES for row in table.items()])
def test_what_is_short_is_read_aloud(text, expected):
    front = SpeechText()
    assert front(text) == expected
    assert front(expected) == expected


@pytest.mark.parametrize("text", ["a.b.cc", "co.uk", "example.com", "mr-x", "etc-x", "drs", "list. then"])
def test_what_only_looks_like_an_abbreviation_stays(text):
    assert SpeechText()(text) == text
