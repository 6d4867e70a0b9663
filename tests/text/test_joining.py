import pytest

from crossmedia.text.joining import in_a_row, joined


@pytest.mark.parametrize(
    "texts, whole",
    [
        (["a red ball lies on", "ball lies on the floor"], "a red ball lies on the floor"),
        (["a red ball lies o", "all lies on the floor"], "a red ball lies on the floor"),  # cut at both seams
        (["a red ball", "all"], "a red ball"),
        (["a red b", "ball"], "a red ball"),
        (["a red ball", "a blue star"], "a red ball a blue star"),  # one word in common is no overlap
        (["there is a cat on the mat", "the dog runs"], "there is a cat on the mat the dog runs"),
        (["one two three four", "two tree four five"], "one two three four five"),  # one misheard
        (["one two three four", "two and three four five"], "one two three four five"),  # one too many
        (["a b a b", "a b a b c"], "a b a b c"),
        (["one two", "three four"], "one two three four"),
        (["one two", "two three", "three four"], "one two three four"),
        (["one two", ""], "one two"),
        (["", "one"], "one"),
        (["one two three"], "one two three"),
        (["赤い丸が右に", "丸が右にある"], "赤い丸が右にある"),
        (["日本", "です"], "日本です"),
        (["iphone を買った", "を買ったので a ball"], "iphone を買ったので a ball"),
        (["สีแดง กลม", "กลม ใหญ่"], "สีแดง กลม ใหญ่"),
        ([], ""),
    ],
)
def test_texts_are_joined_where_they_say_the_same(texts, whole):
    assert joined(texts) == whole


@pytest.mark.parametrize(
    "texts, whole",
    [
        (["a red", "", "red ball"], "a red red ball"),
        (["日本", "です", "iphone"], "日本です iphone"),
        (["", ""], ""),
    ],
)
def test_texts_in_a_row_have_a_blank_between_them_where_their_script_has(texts, whole):
    assert in_a_row(texts) == whole
