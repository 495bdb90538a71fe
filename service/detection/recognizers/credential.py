"""Passwords after a label, and user names and passwords in connection strings and URLs."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.detection.words import split_words
from service.policy.entities import Entity

#: RFC 3986 userinfo; a password may hold an `@` itself, so the last one before the path counts.
_USERINFO: Final = re.compile(
    r"(?<=://)(?P<user>[^\s/?#:@\"'<>]{0,128})(?P<password>:[^\s/\"'<>]{0,128})?@(?=[\w\[<])"
)
_PASSWORD_LABELS: Final = Phrases(word_list("credential", "password_labels"))
_UNSPACED_PASSWORD: Final = re.compile("密码|密碼|口令|パスワード|暗証番号|비밀번호|암호|รหัสผ่าน")
#: From the label to the password: a mark, a verb, or only a space before something no word looks like.
_PASSWORD: Final = re.compile(
    r"[\"'\\)]{0,3}(?P<link>\s?(?:[:=：]{1,2}>?|(?:for [^\s:=]{1,40} )?\b(?:is|was|to|ist|"
    r"war|lautet|est|es|era|é|è|wordt|är|er|on|jest|je|это|है)\b:?|は|是|为|は|은|는)"
    r"[\s\"'`\\]{0,4}|\s[\"'`]|\s)(?P<secret>[^\s\"'`<>;&,\\]{3,128})",
    re.IGNORECASE,
)
_USER_LABELS: Final = Phrases(word_list("credential", "user_labels"))
_USER: Final = re.compile(
    r"[\"'\\]{0,3} ?(?:=|:)[\"'\\]{0,3} ?[\"']?(?P<user>\w[\w.@+-]{1,63})| [\"'`\\]{1,2}"
    r"(?P<quoted>\w[\w.@+-]{1,63})[\"'`\\]"
    r"| (?P<bare>[^\W\d_][\w.-]{3,40}\w)(?![\w(])"
)
_NOT_A_PASSWORD: Final = frozenset(word_list("credential", "not_a_password"))
_NO_PERSONAL_USER: Final = frozenset(word_list("credential", "no_personal_user"))


class CredentialRecognizer(RuleRecognizer):
    """Finds passwords, and the user names that stand with them."""

    entities: ClassVar = (Entity.PASSWORD, Entity.USER_NAME)

    def find(self, scan: Scan) -> Iterator[Found]:
        """The values alone; labels stay."""
        text, words = scan.text, scan.words
        if "://" in text:
            for match in _USERINFO.finditer(text):
                if match["user"]:
                    yield Found(*match.span("user"), Entity.USER_NAME, 0.9)
                if match["password"]:
                    yield Found(match.start("password") + 1, match.end("password"), Entity.PASSWORD, 1.0)
        labels = [words[last].end for _, last in _PASSWORD_LABELS.find(scan)]
        if not scan.ascii:
            labels += [match.end() for match in _UNSPACED_PASSWORD.finditer(text)]
        for end in labels:
            labelled = _PASSWORD.match(text, end)
            if labelled and _like_a_password(labelled["link"], labelled["secret"]):
                # Punctuation at the end may belong to the password; it goes with it.
                yield Found(*labelled.span("secret"), Entity.PASSWORD, 0.9)
        for _, last in _USER_LABELS.find(scan):
            user = _USER.match(text, words[last].end)
            if user and user["bare"] and not _like_an_account(user["bare"]):
                continue
            if user and user[user.lastgroup or 0].casefold() not in _NO_PERSONAL_USER:
                yield Found(*user.span(user.lastgroup or 0), Entity.USER_NAME, 0.6)


def _like_an_account(word: str) -> bool:
    """Whether what follows a label with no mark between is an account: no word, or one with a number."""
    return word[-1].isdigit() or ("_" not in word and any(part.unknown for part in split_words(word)))


def _like_a_password(link: str, secret: str) -> bool:
    bare = secret.rstrip(".)!?]}:")
    if bare.casefold() in _NOT_A_PASSWORD:
        return False
    if any(sign in link for sign in ":=："):
        return True
    letters = any(char.isalpha() for char in bare)
    digits = any(char.isdigit() for char in bare)
    if link.strip() and not link.isspace():
        return digits or any(not char.isalnum() for char in bare)
    return (
        (letters and digits)
        or (digits and len(bare) >= 4 and not letters)
        or any(char in "!@#$%^&*" for char in bare)
    )
