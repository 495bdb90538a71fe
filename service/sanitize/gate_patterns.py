"""The gate's own patterns: what must never leave, whatever the policy and Presidio said.

Few and hard: each has a form or a check digit of its own, so that they keep quiet on clean payloads.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Final

from service.detection.encoded import decoded_runs
from service.detection.reading import fold, unescape
from service.detection.spans import Span
from service.policy.entities import Entity
from service.text_cache import text_cache

_RECOGNIZER: Final = "gate"

#: A text without any of these has no hit: most strings are done with after this one scan. The start of every
#: pattern below, whatever fold or unescape would change, and base64 of some length in upper and lower case.
_SUSPICIOUS: Final = re.compile(
    r"@|\+\d|\(\d{3}\)|(?<![^\W_])00[1-9]|(?:\d[ -]?){13}|(?i:(?<![A-Z0-9])[A-Z]{2}\d{2} ?[A-Z0-9]{4})|"
    r"\d\.\d{1,3}\.\d{1,3}\.\d|::|:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:"
    r"|%[0-9A-Fa-f]{2}|&[#A-Za-z]|\\[uxnrt\"/]|(?<![A-Za-z0-9+_-])"
    r"(?=[a-z0-9+_-]*[A-Z])[A-Za-z0-9+_-]{16}|[0-9a-f]{16}|-----BEGIN|[^ -~\n\r\t]"
    r"|gh[pousr]_|github_pat_|glpat-|[srp]k[-_]|xox[a-z]-|AIza|hf_|npm_|SG\.|eyJ"
)
_EMAIL: Final = re.compile(
    r"(?<![^\s<>()\[\]{}\"',;:|/=&?])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?=[^\s@]*[^\W\d_])"
    r"(?:[\w-]{1,63}\.){1,8}[\w-]{2,63}"
)
_PHONE: Final = re.compile(
    r"(?<![^\W_])(?<!\+)(?:\+[1-9]|00[1-9])(?:[ .\-/()]{0,2}\d){7,14}(?!\d)|(?<!\w)"
    r"(?:1[ -.])?\([2-9]\d{2}\) ?[2-9]\d{2}[-. ]\d{4}(?!\d)"
)
_CARD: Final = re.compile(r"(?<![\d.])(?:[3-6]\d{3}|2[2-7]\d{2})(?:[ -]?\d){9,15}(?![\d.]\d)")
_IBAN: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])", re.IGNORECASE
)
_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d|-[A-Za-z])")
_IPV6: Final = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_SECRET: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])|"
    r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{22,}|glpat-[\w-]{20,}"
    r"|(?<![A-Za-z0-9])(?:sk|rk|pk)[-_](?:live|test|proj|ant|or)[-_][\w-]{8,}|"
    r"(?<![A-Za-z0-9])sk-[A-Za-z0-9]{20,}|xox[abeoprs]-[\w-]{10,}|AIza[\w-]{35}|"
    r"hf_[A-Za-z0-9]{30,}"
    r"|npm_[A-Za-z0-9]{36}|SG\.[\w-]{20,}\.[\w-]{20,}|eyJ[\w-]{10,}\.(?:eyJ)?[\w-]{8,}(?:\.[\w-]*)?"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
)
_CONNECTION: Final = re.compile(r"(?<=://)[^\s/?#:@\"'<>]{0,64}:[^\s/@\"'<>]{1,128}@(?=[\w\[])")

_SHORTEST_IPV6_DIGITS: Final = 6
_IPV6_HOST_PART: Final = 80


# Most strings of payloads are templates and versions that come again with every event.
@text_cache(entries=4_096, longest=256)
def suspicious(text: str) -> bool:
    """Whether a text needs to be searched at all."""
    return _SUSPICIOUS.search(text) is not None


def find(text: str) -> list[Span]:
    """Hits in a text, also under percent-encoding, entities and base64; may overlap."""
    return search(text) if suspicious(text) else []


def search(text: str) -> list[Span]:
    """The same without the quick look."""
    folded = fold(text)
    unescaped = unescape(folded)
    hits = []
    for reading in (folded,) if unescaped is None else (folded, unescaped):
        hits += [
            span._replace(start=start, end=end)
            for span in _plain(reading.text)
            for start, end in (reading.origin(span.start, span.end),)
        ]
        for decoded in decoded_runs(reading.text):
            if any(_plain(decoded.text)):
                start, end = reading.origin(decoded.start, decoded.end)
                hits.append(Span(start, end, Entity.ENCODED, 1.0, _RECOGNIZER))
    return hits


def _plain(text: str) -> Iterator[Span]:
    for entity, pattern, proven in _FAMILIES:
        for match in pattern.finditer(text):
            if proven(match[0]):
                yield Span(*match.span(), entity, 1.0, _RECOGNIZER)


def _card(written: str) -> bool:
    """ISO/IEC 7812-1, annex B (Luhn)."""
    digits = [int(char) for char in written if char.isdigit()]
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _iban(written: str) -> bool:
    """ISO 13616: the rearranged number leaves 1 modulo 97."""
    plain = written.replace(" ", "").upper()
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _ipv4(written: str) -> bool:
    """An address of a host; a network's own (`192.0.2.0`) is what a generalized one looks like."""
    try:
        address = ipaddress.IPv4Address(written)
    except ValueError:
        return False
    return int(address) & 0xFF != 0


def _ipv6(written: str) -> bool:
    if sum(char != ":" for char in written) < _SHORTEST_IPV6_DIGITS:
        return False
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        return False
    return int(address) & ((1 << _IPV6_HOST_PART) - 1) != 0


def _always(_: str) -> bool:
    return True


_FAMILIES: Final[tuple[tuple[Entity, re.Pattern[str], Callable[[str], bool]], ...]] = (
    (Entity.EMAIL_ADDRESS, _EMAIL, _always),
    (Entity.PHONE_NUMBER, _PHONE, _always),
    (Entity.CREDIT_CARD, _CARD, _card),
    (Entity.BANK_ACCOUNT, _IBAN, _iban),
    (Entity.IP_ADDRESS, _IPV4, _ipv4),
    (Entity.IP_ADDRESS, _IPV6, _ipv6),
    (Entity.SECRET, _SECRET, _always),
    (Entity.PASSWORD, _CONNECTION, _always),
)
