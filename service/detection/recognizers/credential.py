"""Passwords after a label, and user names and passwords in connection strings and URLs."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.policy.entities import Entity

#: RFC 3986 userinfo; a password may hold an `@` itself, so the last one before the path counts.
_USERINFO: Final = re.compile(
    r"(?<=://)(?P<user>[^\s/?#:@\"'<>]{0,128})(?P<password>:[^\s/\"'<>]{0,128})?@(?=[\w\[<])"
)
_PASSWORD: Final = re.compile(
    r"(?:pass ?word|passwd|passphrase|\bpass|\bpwd|\bpw|\bpin(?:[ -]?code)?|passcode|db_pass|kennwort|passwort|mot de passe|\bmdp|contraseña|contrasena|palavra-passe|\bsenha|\bclave|wachtwoord|lösenord|adgangskode|passord|salasana|hasło|\bhaslo|heslo|jelszó|parol[aă]|şifre|пароль|кодовое слово|κωδικός|密码|密碼|パスワード|비밀번호|mật khẩu|سر|كلمة المرور|סיסמה|पासवर्ड)"
    r"[\"'\\]{0,3}(?:(?: (?:is|was|to|ist|war|est|es|era|é|è|wordt|är|er|on|to|jest|je|for [^\s:=]{1,30} is)\b|\s?[:=：]{1,2}|은|は)[\s\"'`\\]{0,4}|\s[\"'`“]| (?=\S*\d)(?=\S*[^\s\w.,]))"
    r"(?P<secret>[^\s\"'`<>;&,\\]{3,128})",
    re.IGNORECASE,
)
_KEY_VALUE_USER: Final = re.compile(
    r"(?:\b(?:user(?:[ _-]?(?:id|name))?|uid|usr|login|username|benutzer(?:name)?|utilisateur|usuario|utente|account|role)[\"'\\]{0,3} ?(?:=|: ?)[\"'\\]{0,3} ?|\bfor (?:user|role) [\"'\\]{0,2}|\buser [\"'\\]{1,2})"
    r"(?P<user>[\w][\w.@+-]{1,63})",
    re.IGNORECASE,
)
_NOT_A_PASSWORD: Final = frozenset(
    "is was reset resets required incorrect wrong invalid expired missing field page form change changed link not "
    "must cannot should has have does did and or the a to in for null none true false undefined string".split()
)
_NO_PERSONAL_USER: Final = frozenset(
    "root admin administrator postgres mysql sa system user users username id name role null none true false test guest "
    "ubuntu node undefined anonymous unknown required default owner member viewer".split()
)


class CredentialRecognizer(RuleRecognizer):
    """Finds passwords, and the user names that stand with them."""

    entities: ClassVar = (Entity.PASSWORD, Entity.USER_NAME)

    def find(self, text: str) -> Iterator[Found]:
        """The values alone; labels stay."""
        if "://" in text:
            for match in _USERINFO.finditer(text):
                if match["user"]:
                    yield Found(*match.span("user"), Entity.USER_NAME, 0.9)
                if match["password"]:
                    yield Found(match.start("password") + 1, match.end("password"), Entity.PASSWORD, 1.0)
        for match in _PASSWORD.finditer(text):
            secret = match["secret"].rstrip(".)!?]}") or match["secret"]
            end = match.start("secret") + (len(match["secret"]) if not secret[-1:].isalnum() else len(secret))
            if secret.casefold() not in _NOT_A_PASSWORD and _like_a_password(match, secret):
                # Punctuation at the end may belong to the password; it goes with it.
                yield Found(match.start("secret"), max(end, match.end("secret")), Entity.PASSWORD, 0.9)
        for match in _KEY_VALUE_USER.finditer(text):
            if match["user"].casefold() not in _NO_PERSONAL_USER:
                yield Found(*match.span("user"), Entity.USER_NAME, 0.6)


def _like_a_password(match: re.Match[str], secret: str) -> bool:
    between = match[0][: match.start("secret") - match.start()]
    if any(sign in between for sign in ":=：\"'`"):
        return True
    return any(not char.isalpha() for char in secret)
