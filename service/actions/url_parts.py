"""A URL taken apart for templating: what of it may stay, what becomes `:id`, and what must be scanned first.

A path segment or a host label stays only if it is made of plain words; everything with a digit, a percent
sign, an `@`, a letter outside of ASCII or an odd shape is taken for an id. Of the words that are left, those
not on the list of path words (data/path_words.txt) may be somebody's name. One that is in no dictionary
(`jsmith`), or that is a name before it is a word (`grace`), is an id; the others are scanned, and a segment
that detection touches is an id as well. The segment after a collection word (data/path_collections.txt), as
in `/users/…` or `/u/…`, is an id unless it is on the list of path words; so is the first one behind a host
where everybody has a page (data/profile_hosts.txt).

The same holds for the labels of a host, but for the name registered under a public suffix (`example` of
`www.example.co.uk`): that one stays, for a domain says which site and not which person, unless it is one of
the event's own identity values or on the policy's deny list. A host outside of the public suffixes
(`ana-laptop.local`) has no such name.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import unquote

from tldextract import TLDExtract

from service.actions.action import Action
from service.actions.word_list import word_list
from service.detection.lexicon import Commonness, lexicon, word_key
from service.events.json_value import JsonValue
from service.text_cache import text_cache

ID: Final = ":id"
IP: Final = ":ip"

#: Characters. Longer ones are refused: browsers and servers stop at about as many.
_LONGEST_URL: Final = 8192
_LONGEST_CAMPAIGN_VALUE: Final = 256
#: A path of more segments is refused: each may be a text to scan.
_MOST_SEGMENTS: Final = 50
#: How often a value is percent-decoded until nothing changes any more.
_ENCODINGS: Final = 4
_CACHED_URLS: Final = 2048
_LONGEST_CACHED_URL: Final = 1024
_LONGEST_CACHED_SEGMENT: Final = 64

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY = re.compile(r"//([^/?#]*)")
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::([0-9]{0,5}))?")
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_GREATEST_PORT: Final = 65_535
_LONGEST_HOST: Final = 253  # RFC 1035, section 2.3.4, without the root
# A registered name may have digits (`7news`), but not as many as a phone number or a token has.
_TOKEN_LABEL = re.compile(r"(?:[0-9]-?){6}|^(?=.*[0-9]).{20}")

_WORDS = re.compile(
    r"([A-Za-z]+(?:[-_][A-Za-z]+)*)"
    r"(?:\.(?:aspx?|css|csv|gif|html?|jpe?g|js|json|jsp|md|pdf|php|png|rss|svg|txt|xml|zip))?"
)
_VERSION = re.compile(r"v[0-9]{1,2}(?:\.[0-9]{1,2})?(?:alpha|beta)?")
_SEPARATOR = re.compile(r"[-_]")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SHORT: Final = 2
#: Segments that say where to look, not what for: what stands before them still stands before the next one.
_STRUCTURE = frozenset({"", ".", ".."})
# What a word looks like: lower case, a capital first, or an abbreviation. Random letters don't.
_CASED = re.compile(r"[A-Z]?[a-z]{1,20}|[A-Z]{1,8}")
_UNPRONOUNCEABLE = re.compile(r"[bcdfghjklmnpqrstvwxz]{6}|\A[a-f]{8,}\Z", re.IGNORECASE)

#: The campaign parameters that analytics tools know; other names after `utm_` could be anything.
_CAMPAIGN_PARAMETERS = frozenset(
    {
        "utm_campaign",
        "utm_content",
        "utm_creative_format",
        "utm_id",
        "utm_marketing_tactic",
        "utm_medium",
        "utm_source",
        "utm_source_platform",
        "utm_term",
    }
)


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """A segment of a path or a label of a host.

    Attributes:
        shown: How it goes out if detection has nothing against it.
        scan: The text that must be scanned first; None where nothing personal can be in it.
        identity_only: Whether only the event's own identity values and denied words count against it.
    """

    shown: str
    scan: str | None = None
    identity_only: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class UrlParts:
    """A URL without user-info, fragment and query parameters other than campaign ones.

    Attributes:
        scheme: In lower case; empty for a path alone and for `//host/path`.
        host: Its labels, None for a path alone.
        port: Digits, or empty.
        path: Its segments between the slashes; `/a/b` has three, the first one empty.
        campaign: Names and decoded values of the campaign parameters, each name once.
    """

    scheme: str
    host: tuple[Part, ...] | None
    port: str
    path: tuple[Part, ...]
    campaign: tuple[tuple[str, str], ...]

    def texts(self) -> tuple[str, ...]:
        """Every text that must be scanned before the whole URL may go out."""
        return (
            *(part.scan for part in self.host or () if part.scan is not None),
            *self.path_texts(),
            *(value for _, value in self.campaign),
        )

    def path_texts(self) -> tuple[str, ...]:
        """Every text that must be scanned before the path may go out."""
        return tuple(part.scan for part in self.path if part.scan is not None)


def essence(url: str) -> str:
    """A URL that `take_apart` gives the same parts of, as short as can be: pages come again, ids don't.

    Without its fragment and all parameters but a campaign's, and with `:id` for whatever becomes that.
    """
    if len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
        return url  # refused as a whole, or in need of a closer look
    address, _, _ = url.partition("#")
    address, _, query = address.partition("?")
    if "utm_" in query:
        return address + "?" + "&".join(part for part in query.split("&") if part.startswith("utm_"))
    return _essence_of_address(address)


class UrlAction(Action):
    """An action on URLs: those with one essence become the same."""

    def essence(self, value: JsonValue) -> JsonValue:
        return essence(value) if isinstance(value, str) else value


@text_cache(entries=_CACHED_URLS, longest=_LONGEST_CACHED_URL)
def _essence_of_address(address: str) -> str:
    parts = _parts_of(address)
    if parts is None or any(part.shown in {ID, IP} for part in parts.host or ()):
        return address  # not of a host that says something: `:id` is no label
    scheme = f"{parts.scheme}:" if parts.scheme else ""
    port = f":{parts.port}" if parts.port else ""
    path = "/".join(part.shown for part in parts.path)
    if parts.host is None:
        return address if path.startswith("//") else path  # which would be a host
    return scheme + "//" + ".".join(part.shown for part in parts.host) + port + path


@text_cache(entries=_CACHED_URLS, longest=_LONGEST_CACHED_URL)
def take_apart(url: str) -> UrlParts | None:
    """The parts of an http(s) URL, of `//host/path` or of a path that begins with a slash; else None."""
    return _parts_of(url)


def _parts_of(url: str) -> UrlParts | None:
    url = url.strip(" ").replace("\\", "/")
    if not 0 < len(url) <= _LONGEST_URL or not url.isprintable():
        return None
    scheme, rest = "", url
    if match := _SCHEME.match(url):
        scheme, rest = match[1].lower(), url[match.end() :]
        if scheme not in {"http", "https"} or not rest.startswith("//"):
            return None
    host: tuple[Part, ...] | None = None
    port = ""
    if match := _AUTHORITY.match(rest):
        authority = _host_and_port(match[1].rpartition("@")[2])
        if authority is None:
            return None
        (host, port), rest = authority, rest[match.end() :]
    rest, _, _ = rest.partition("#")
    path, _, query = rest.partition("?")
    if (host is None and not path.startswith("/")) or path.count("/") > _MOST_SEGMENTS:
        return None
    return UrlParts(
        scheme, host, port, _path(path, first_is_one_of_many=_is_profile_host(host)), _campaign(query)
    )


@text_cache(entries=_CACHED_URLS, longest=_LONGEST_HOST)
def _host_and_port(authority: str) -> tuple[tuple[Part, ...], str] | None:
    match = _HOST_AND_PORT.fullmatch(unicodedata.normalize("NFKC", authority).casefold())
    if match is None or int(match[2] or 0) > _GREATEST_PORT:
        return None
    host, port = match[1].removesuffix("."), match[2] or ""
    if host.startswith("["):
        return (Part(IP),), port
    labels = host.split(".")
    if len(host) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        # WHATWG's URL standard takes every host that ends in a number for an IPv4 address.
        return (Part(IP),), port
    suffix = _public_suffixes()(host).suffix
    own = len(labels) - (suffix.count(".") + 1 if suffix else 0)
    parts = [_word_part(label) for label in labels[:own]]
    if suffix and own:
        parts[-1] = _registered_part(labels[own - 1])
    return (*parts, *(Part(label) for label in labels[own:])), port


@cache
def _public_suffixes() -> TLDExtract:
    """The public suffix list as it came with the package: never fetched, never cached on a disk.

    Without its private section, so that `github.io` is a name that somebody registered, and what its users
    put in front of it is theirs.
    """
    return TLDExtract(suffix_list_urls=(), cache_dir=None)


def _registered_part(label: str) -> Part:
    if _TOKEN_LABEL.search(label):
        return Part(ID)
    return Part(label, _spaced(_unicode_label(label)), identity_only=True)


def _unicode_label(label: str) -> str:
    """The letters behind `xn--` (RFC 3492), for the scan alone."""
    if not label.startswith("xn--"):
        return label
    try:
        letters = label.removeprefix("xn--").encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    return letters if letters.isprintable() else label


def _is_profile_host(host: tuple[Part, ...] | None) -> bool:
    return ".".join(part.shown for part in (host or ())[-2:]) in word_list("profile_hosts.txt")


def _path(path: str, *, first_is_one_of_many: bool) -> tuple[Part, ...]:
    parts: list[Part] = []
    after_collection = first_is_one_of_many
    for raw in path.split("/"):
        segment = raw.partition(";")[0]  # what follows are matrix parameters, such as ;jsessionid=
        if segment in _STRUCTURE:
            parts.append(Part(segment))
            continue
        one_of_many = after_collection and not _is_known(_pieces(segment))
        parts.append(Part(ID) if one_of_many else _word_part(segment))
        after_collection = _is_collection(segment)
    return tuple(parts)


def _is_collection(segment: str) -> bool:
    # A single letter always stands for a kind of thing: /u/, /p/, /r/.
    return len(segment) == 1 or segment.casefold() in _collections()


@text_cache(entries=_CACHED_URLS, longest=_LONGEST_CACHED_SEGMENT)
def _word_part(segment: str) -> Part:
    if _VERSION.fullmatch(segment):
        return Part(segment)
    pieces = _pieces(segment)
    if len(segment) == 1 or _is_known(pieces):
        return Part(segment if pieces else ID)
    if not _made_of_words(pieces):
        return Part(ID)
    return Part(segment, _spaced(" ".join(pieces)))


def _pieces(segment: str) -> list[str]:
    """The words a segment is made of; none where it is made of something else."""
    match = _WORDS.fullmatch(segment)
    if match is None:
        return []
    pieces: list[str] = []
    for part in _SEPARATOR.split(match[1]):
        humps = _HUMP.split(part)
        # In `resetPassword` one word may be short; many short ones are random letters.
        if len(humps) > 1 and sum(len(hump) <= _SHORT for hump in humps) > 1:
            return []
        pieces += humps
    return pieces


def _is_word(piece: str) -> bool:
    return _CASED.fullmatch(piece) is not None and _UNPRONOUNCEABLE.search(piece) is None


def _made_of_words(pieces: list[str]) -> bool:
    """Whether all pieces are words of some language, and not all of them words that are names as well."""
    if not pieces or not all(_is_word(piece) for piece in pieces):
        return False
    lists = lexicon()
    named = 0
    for key in map(word_key, pieces):
        commons = [names[key] for names in (lists.given, lists.surnames) if key in names]
        if key in _path_words():
            continue
        if commons:
            if max(commons) is not Commonness.EVERYDAY_WORD:
                return False
            named += 1
        elif len(key) > _SHORT and key not in lists.vocabulary and key not in lists.products:
            return False
    return named < len(pieces)


def _is_known(pieces: list[str]) -> bool:
    return bool(pieces) and all(piece.casefold() in _path_words() for piece in pieces)


@cache
def _path_words() -> frozenset[str]:
    return word_list("path_words.txt") | _collections()


def _collections() -> frozenset[str]:
    return word_list("path_collections.txt")


def _spaced(words: str) -> str:
    """Words as a person would write a name: models know `Ana Lima`, but hardly `ana-lima`."""
    return " ".join(word.capitalize() if word.islower() else word for word in re.split("[-_ ]+", words))


def _campaign(query: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for parameter in query.split("&"):
        name, _, encoded = parameter.partition("=")
        if name in _CAMPAIGN_PARAMETERS and name not in found:
            value = _decoded(encoded)
            if value:
                found[name] = value
    return tuple(found.items())


def _decoded(encoded: str) -> str | None:
    """The value behind all its percent-encodings; None where it has no end or is no ordinary text."""
    value = encoded.replace("+", " ")
    for _ in range(_ENCODINGS):
        try:
            decoded = unquote(value, errors="strict")
        except UnicodeDecodeError:
            return None
        if decoded == value:
            return value if len(value) <= _LONGEST_CAMPAIGN_VALUE and value.isprintable() else None
        value = decoded
    return None
