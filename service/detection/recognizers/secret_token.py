"""API keys, tokens, private keys: known forms, labelled secrets, and what only chance could write."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar, Final

from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.policy.entities import Entity

#: Where a token may be: a long stretch without white space. Everything else looks into these only.
_STRETCH: Final = re.compile(r"[\w.~+/=:$-]{12,}")
#: Prefixes that the issuers document (GitHub, GitLab, Slack, AWS, Google, Stripe, OpenAI, Anthropic, Hugging
#: Face, npm, PyPI, SendGrid, Twilio, Shopify, DigitalOcean, Databricks, Square, Vault, ...).
_ISSUED: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|pk|rk)[-_](?:[A-Za-z0-9]{2,12}[-_]){0,3}[A-Za-z0-9_-]{12,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|gl(?:pat|rt|dt|ptt|oas|cbt|imt|agent|soat|ft)-[\w-]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{8,}|xapp-\d-[A-Za-z0-9-]{8,}|hooks\.slack\.com/services/[\w/]{20,}"
    r"|(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{12,}"
    r"|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"
    r"|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|(?:AC|SK)[0-9a-f]{32}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{16,}|do[opr]_v1_[0-9a-f]{32,}|dapi[0-9a-f]{32}"
    r"|sq0(?:atp|csp|idp)-[\w-]{20,}|EAAA[\w-]{20,}|\d{8,10}:AA[\w-]{32,}|hv[sbr]\.[\w-]{20,}"
    r"|dp\.(?:pt|st|ct)\.[\w-]{16,}|whsec_[\w+/=-]{16,}|rubygems_[0-9a-f]{32,}|"
    r"lin_api_\w{20,}|figd_[\w-]{20,}"
    r"|ntn_\w{20,}|secret_\w{24,}|ph[cx]_\w{20,}|age-secret-key-1[a-z0-9]{20,}|key-[0-9a-f]{32}"
    r"|[a-z]{2,6}[-_](?:live|test|prod|proj|sandbox)[-_](?=[\w-]*\d)[\w-]{8,}"
    r")",
    re.IGNORECASE,
)
#: A JSON web token (RFC 7519) or a part of one: base64url of `{"` to begin with.
_JWT: Final = re.compile(r"(?<![\w-])eyJ[\w-]{8,}(?:\.[\w-]*){0,4}")
_HEX_RUN: Final = re.compile(r"(?<![A-Za-z0-9])[0-9a-fA-F]{24,}(?![A-Za-z0-9])")
_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}(?:PRIVATE KEY|CERTIFICATE|PGP MESSAGE)[A-Z ]{0,10}-----"
    r"(?:[^-]|-(?!----END))*(?:-----END [A-Z0-9 ]{0,40}-----)?"
)
_LABELS: Final = Phrases(word_list("secret_token", "labels"))
_LABELLED: Final = re.compile(
    r"[\"'\\]{0,3}(?:\s?(?:is|was|ist|est|es|é|è|=>|[:=：])[ \"'`\\]{0,4}|[ \"'`]{1,2})(?:"
    r"(?:bearer|basic|token) )?"
    r"(?P<secret>[\w.~+/$!@#%^&*-]{6,}=*)",
    re.IGNORECASE,
)


class SecretTokenRecognizer(RuleRecognizer):
    """Finds keys and tokens of machines."""

    entities: ClassVar = (Entity.SECRET,)

    def find(self, scan: Scan) -> Iterator[Found]:
        """Secrets; of a labelled one the value alone."""
        text, words = scan.text, scan.words
        if "-----BEGIN" in text:
            for match in _PRIVATE_KEY.finditer(text):
                yield Found(*match.span(), Entity.SECRET, 1.0)
        for stretch in _STRETCH.finditer(text):
            for pattern in (_ISSUED, _JWT, _HEX_RUN):
                for match in pattern.finditer(text, *stretch.span()):
                    if pattern is not _HEX_RUN or any(char.isdigit() for char in match[0]):
                        yield Found(*match.span(), Entity.SECRET, 1.0)
            for match in _RUN.finditer(text, *stretch.span()):
                if _by_chance(match[0]):
                    yield Found(*match.span(), Entity.SECRET, 0.7)
        for _, last in _LABELS.find(scan):
            labelled = _LABELLED.match(text, words[last].end)
            if labelled and _mixed(labelled["secret"]):
                yield Found(*labelled.span("secret"), Entity.SECRET, 0.8)


def _mixed(value: str) -> bool:
    """Whether a value is no plain word, number or version: letters and digits through each other."""
    if _UUID.fullmatch(value):
        return True
    letters = sum(char.isalpha() for char in value)
    digits = sum(char.isdigit() for char in value)
    changes = sum(left.isdigit() != right.isdigit() for left, right in pairwise(value))
    return (letters >= 3 and digits >= 2 and changes >= 3) or (
        digits >= 6 and letters == 0 and value.isdigit()
    )


def _by_chance(run: str) -> bool:
    """Whether a long run looks drawn at random: upper, lower and digits mixed, nearly all different."""
    if _UUID.fullmatch(run):
        return False
    best = max(re.split(r"[/_-]", run), key=len)
    if len(best) < 16:
        best = run
        if run.count("/") + run.count("-") + run.count("_") > len(run) // 8:
            return False
    kinds = (
        any(char.islower() for char in best),
        any(char.isupper() for char in best),
        sum(char.isdigit() for char in best) >= 2,
    )
    if sum(kinds) < 3 and not (kinds[2] and len(best) >= 24):
        return False
    counts = Counter(best)
    entropy = -sum(count / len(best) * math.log2(count / len(best)) for count in counts.values())
    changes = sum(_kind(left) != _kind(right) for left, right in pairwise(best))
    return entropy >= 3.3 and changes >= len(best) // 4


def _kind(char: str) -> int:
    return 0 if char.islower() else 1 if char.isupper() else 2
