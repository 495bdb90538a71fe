"""API keys, tokens, private keys: known forms, what a label calls a secret, and what only chance could write."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.policy.entities import Entity

#: Prefixes that the issuers document (GitHub, GitLab, Slack, AWS, Google, Stripe, OpenAI, Anthropic, Hugging
#: Face, npm, PyPI, SendGrid, Twilio, Shopify, DigitalOcean, Databricks, Square, Telegram, Vault, Doppler, ...).
_ISSUED: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|pk|rk)[-_](?:[A-Za-z0-9]{2,12}[-_]){0,3}[A-Za-z0-9_-]{12,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|gl(?:pat|rt|dt|ptt|oas|cbt|imt|agent|soat|ft)-[\w-]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{8,}|xapp-\d-[A-Za-z0-9-]{8,}|hooks\.slack\.com/services/[\w/]{20,}"
    r"|(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{12,}"
    r"|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"
    r"|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|(?:AC|SK)[0-9a-f]{32}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{16,}|do[opr]_v1_[0-9a-f]{32,}|dapi[0-9a-f]{32}"
    r"|sq0(?:atp|csp|idp)-[\w-]{20,}|EAAA[\w-]{20,}|\d{8,10}:AA[\w-]{32,}|hv[sbr]\.[\w-]{20,}|dp\.(?:pt|st|ct)\.[\w-]{16,}"
    r"|whsec_[\w+/=-]{16,}|rubygems_[0-9a-f]{32,}|lin_api_\w{20,}|figd_[\w-]{20,}|ntn_\w{20,}|secret_\w{24,}|phc_\w{20,}|phx_\w{20,}"
    r"|age-secret-key-1[a-z0-9]{20,}|key-[0-9a-f]{32}|[a-z]{2,6}[-_](?:live|test|prod|proj|sandbox)[-_][\w-]{8,}"
    r")",
    re.IGNORECASE,
)
#: A JSON web token (RFC 7519) or a part of one: base64url of `{"` to begin with.
_JWT: Final = re.compile(r"(?<![\w-])eyJ[\w-]{8,}(?:\.[\w-]*){0,4}")
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}(?:PRIVATE KEY|CERTIFICATE|PGP MESSAGE)[A-Z ]{0,10}-----"
    r"(?:(?!-----END)[\s\S])*(?:-----END [A-Z0-9 ]{0,40}-----)?"
)
_AUTHORIZATION: Final = re.compile(
    r"\b(?:bearer|basic|token|authorization|x-api-key|api-key|apikey)[ :=\"']{1,4}(?:(?:bearer|basic|token) )?(?P<secret>[\w.~+/-]{8,}=*)",
    re.IGNORECASE,
)
#: Labels in several languages, then `:` or `=` or "is", then the secret.
_LABELLED: Final = re.compile(
    r"(?:api[ _-]?key|access[ _-]?key|secret[ _-]?key|private[ _-]?key|auth[ _-]?key|account[ _-]?key|signing[ _-]?key|encryption[ _-]?key|license[ _-]?key"
    r"|client[ _-]?secret|app[ _-]?secret|webhook[ _-]?secret|shared[ _-]?secret|secret|(?:access|refresh|auth|id|api|session|csrf|bot|personal|bearer|reset|invite|sas)[ _-]?token|token"
    r"|session(?:[ _-]?id)?|sid|sig|signature|cookie|otp|mfa[ _-]?code|credential|clave(?: de)?(?: api)?|schlüssel|api-schlüssel|clé(?: api| d'api)?|chave|chiave|sleutel|nyckel|klucz|密钥|鍵|ключ|токен)"
    r"[\"'\\]{0,3}(?: ?(?:is|ist|est|es|é|è|:|=|=>|：)[ \"'\\]{0,4}| [\"'`])(?P<secret>[\w.~+/$!@#%^&*-]{6,}=*)",
    re.IGNORECASE,
)
_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX_RUN: Final = re.compile(r"(?<![A-Za-z0-9])[0-9a-fA-F]{24,}(?![A-Za-z0-9])")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class SecretTokenRecognizer(RuleRecognizer):
    """Finds keys and tokens of machines."""

    entities: ClassVar = (Entity.SECRET,)

    def find(self, text: str) -> Iterator[Found]:
        """Secrets; of a labelled one the value alone."""
        for pattern in (_ISSUED, _JWT, _PRIVATE_KEY, _HEX_RUN):
            for match in pattern.finditer(text):
                yield Found(*match.span(), Entity.SECRET, 1.0)
        for match in _AUTHORIZATION.finditer(text):
            if _mixed(match["secret"]):
                yield Found(*match.span("secret"), Entity.SECRET, 0.9)
        for match in _LABELLED.finditer(text):
            if _mixed(match["secret"]):
                yield Found(*match.span("secret"), Entity.SECRET, 0.8)
        for match in _RUN.finditer(text):
            if _by_chance(match[0]):
                yield Found(*match.span(), Entity.SECRET, 0.7)


def _mixed(value: str) -> bool:
    """Whether a value is no plain word or number: letters with digits, or signs within."""
    letters = any(char.isalpha() for char in value)
    digits = sum(char.isdigit() for char in value)
    return (letters and digits >= 1 and not value.startswith(("v", "http"))) or digits >= 6


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
    changes = sum(_kind(a) != _kind(b) for a, b in zip(best, best[1:], strict=False))
    return entropy >= 3.3 and changes >= len(best) // 4


def _kind(char: str) -> int:
    return 0 if char.islower() else 1 if char.isupper() else 2
