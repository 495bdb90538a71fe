"""A guess at a text's language from its function words: enough to choose a model, never to skip a search."""

from typing import Final

from service.detection.words import Word

_FUNCTION_WORDS: Final = {
    "fr": frozenset(
        "le la les des du un une est et pas ne je j'ai nous vous ils elle elles que qui dans sur pour avec mais mon ma mes votre notre "
        "depuis cette c'est n'est plus aux au ce se son sa ses d'un d'une bonjour merci qu'il m'a l'a il on etre fait".split()
    ),
    "de": frozenset(
        "der die das den dem des ein eine einen einem ist und nicht ich wir sie er es mit auf fur von zu bei nach seit wenn dass aber auch "
        "mein meine unser ihre kein keine im am zum zur wird werden hat haben kann bitte noch nur wie als".split()
    ),
    "en": frozenset(
        "the a an is are was and or not i we you he she it of to in on for with from by my our your this that when does can cannot "
        "can't please has have had be been but at as no".split()
    ),
    "other": frozenset(
        "el los las una uno y no que de en con por para mi se del al como pero cuando desde o os as um uma e nao com meu minha quando desde "
        "il lo gli di che non per con mio mia quando da het een en niet van ik we met voor op dat maar mijn nie na sie jest nicht och "
        "att det som pa inte jag vi med har kan ile ve bir bu icin".split()
    ),
}


def guess_language(words: list[Word]) -> str | None:
    """`fr`, `de`, `en`, `other` for some other language in Latin letters; None where nothing tells."""
    counts = {
        language: sum(word.key in function_words for word in words)
        for language, function_words in _FUNCTION_WORDS.items()
    }
    best = max(counts, key=lambda language: (counts[language], language))
    return best if counts[best] else None
