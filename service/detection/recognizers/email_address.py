"""E-mail addresses, also those no public mail server knows, and those written to fool a harvester.

Presidio's own recognizer asks the public suffix list and lets `a@host.internal`, reserved and non-Latin
domains pass.
"""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.policy.entities import Entity

#: RFC 5321 and 6531, generously: quoted local parts, any script, address literals, single-label hosts.
_LOCAL: Final = r"""(?:"[^"\r\n]{1,64}"|[\w.!#$&'*+/=?^`{|}~%-]{1,64})"""
_DOMAIN: Final = r"(?:\[[0-9A-Fa-f:.]{3,60}\]|[^\W_](?:[\w-]{0,62}\w)?(?:\.[^\W_](?:[\w-]{0,62}\w)?){0,8})"
#: White space around the `@` only where the domain has a dot: `wren@ works` is none.
_ADDRESS: Final = re.compile(rf"{_LOCAL}@{_DOMAIN}|{_LOCAL}\s?@\s?(?=[\w-]{{1,63}}\.\w){_DOMAIN}")
_AT: Final = (
    r"(?:\s?[\[({<|*_-]{1,2}\s?(?:at|@|ät|arroba|arobase|chez|chiocciola|bei|klammeraffe|"
    r"malpa|apenstaartje|snabela)"
    r"\s?[\])}>|*_-]{1,2}\s?"
    r"|\s(?:at|ät|arroba|arobase|chiocciola|klammeraffe|@)\s|\s?@\s?)"
)
_SAID_AT: Final = re.compile(
    r"[\s\[({<|*_-](?:at|ät|arroba|arobase|chez|chiocciola|bei|klammeraffe|malpa|apenstaartje|snabela)"
    r"[\s\])}>|*_-]",
    re.IGNORECASE,
)
_DOT: Final = (
    r"(?:\s?[\[({<|*_-]{1,2}\s?(?:dot|\.|punkt|punto|point|ponto|kropka)\s?[\])}>|*_-]{1,2}\s?"
    r"|\s(?:dot|punkt|punto|point|ponto|kropka)\s|\.)"
)
_WORD: Final = r"[^\W_][\w+-]{0,63}"
_OBFUSCATED: Final = re.compile(
    rf"(?<![\w.])(?P<local>{_WORD}(?:{_DOT}{_WORD}){{0,3}})(?P<at>{_AT})(?P<domain>{_WORD}(?:"
    rf"(?P<dot>{_DOT}){_WORD}){{1,4}})(?![\w-]|\s?@)",
    re.IGNORECASE,
)


#: What a query, a path or a mark puts before an address; all of it may be in a local part, by the RFC.
_KEY: Final = re.compile(r"[.'/=|{&?-]+|(?:[?&]?[A-Za-z_]{1,16}=)")
#: `react@19.1.0` is a package; four numbers would be a host's address.
_PACKAGE_VERSION: Final = re.compile(r"@[v^~]?\d{1,4}(?:\.\d{1,6}){0,2}(?:-[\w.]+)?\Z")
_PLAIN_AT: Final = re.compile(r"\s[^\W\d_]+\s")
_TOP_DOMAINS: Final = frozenset(
    {
        "com",
        "org",
        "net",
        "edu",
        "gov",
        "mil",
        "int",
        "info",
        "biz",
        "dev",
        "app",
        "example",
        "test",
        "email",
        "cloud",
    }
)
#: Of files with code.
_SUFFIXES: Final = frozenset({"js", "py", "ts", "go", "rs", "rb", "cs", "md", "sh", "kt", "vb", "cc"})


class EmailAddressRecognizer(RuleRecognizer):
    """Finds addresses, plain and obfuscated."""

    entities: ClassVar = (Entity.EMAIL_ADDRESS,)

    def may_find(self, scan: Scan) -> bool:
        """An `@`, or a word for it on its own."""
        return "@" in scan.signs or _SAID_AT.search(scan.text) is not None

    def find(self, scan: Scan) -> Iterator[Found]:
        """Addresses without what stands before them in a query: `to=`."""
        text = scan.text
        for match in _ADDRESS.finditer(text):
            if _PACKAGE_VERSION.search(match[0]):
                continue
            key = _KEY.match(match[0])
            yield Found(match.start() + (key.end() if key else 0), match.end(), Entity.EMAIL_ADDRESS, 1.0)
        for match in _OBFUSCATED.finditer(text):
            if (
                match["at"].strip()
                and not _PACKAGE_VERSION.search(match[0])
                and (not _PLAIN_AT.fullmatch(match["at"]) or _like_a_host(match["domain"]))
            ):
                yield Found(match.start(), match.end(), Entity.EMAIL_ADDRESS, 0.9)


def _like_a_host(domain: str) -> bool:
    """Whether what follows a plain `at` is a host's name, no function's or file's: `at Chart.load`."""
    if not domain.count("."):
        return True
    last = domain.rpartition(".")[2].casefold()
    return last in _TOP_DOMAINS or (len(last) == 2 and last not in _SUFFIXES)
