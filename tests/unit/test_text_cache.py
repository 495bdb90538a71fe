"""What the cache of texts keeps, and what it doesn't."""

from service.text_cache import text_cache


def test_short_texts_are_answered_once_and_long_ones_anew() -> None:
    asked: list[str] = []

    @text_cache(entries=2, longest=3)
    def length(text: str) -> int:
        """How long."""
        asked.append(text)
        return len(text)

    assert [length("abc"), length("abc"), length("abcd"), length("abcd")] == [3, 3, 4, 4]
    assert asked == ["abc", "abcd", "abcd"]
    assert [length("x"), length("y"), length("abc")] == [1, 1, 3]
    assert asked[3:] == ["x", "y", "abc"]
    assert length.__doc__ == "How long."
