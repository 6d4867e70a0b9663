import pytest

from crossmedia.text.joining import joined


@pytest.mark.parametrize(
    "texts, whole",
    [
        (["a red ball lies on", "ball lies on the floor"], "a red ball lies on the floor"),
        (
            ["a red ball lies o", "all lies on the floor"],
            "a red ball lies on the floor",
        ),  # cut words at both seams
        (["one two", "three four"], "one two three four"),
        (["one two", ""], "one two"),
        (["", "one"], "one"),
        (["one two three"], "one two three"),
        ([], ""),
    ],
)
def test_texts_are_joined_where_they_say_the_same(texts, whole):
    assert joined(texts) == whole
