"""url_template: scheme, host and path with ids, e-mails and tokens as `:id`; of the query scrubbed utm_*."""

from collections.abc import Iterable
from urllib.parse import quote

from service.actions.action import REFUSED, ActionContext, RefusedType
from service.actions.redaction import count, redacted
from service.actions.url_parts import ID, Part, UrlAction, UrlParts, take_apart
from service.detection.spans import DENY_LIST
from service.events.json_value import JsonValue
from service.policy.entities import Entity


class UrlTemplateAction(UrlAction):
    """`https://ana@example.org/users/42/keys?q=x#top` to `https://example.org/users/:id/keys`.

    Takes http(s) URLs, `//host/path` and paths that begin with a slash; url_parts.py says what stays.
    """

    def texts(self, value: JsonValue) -> tuple[str, ...]:
        parts = take_apart(value) if isinstance(value, str) else None
        return () if parts is None else parts.texts()

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:
        parts = take_apart(value) if isinstance(value, str) else None
        if parts is None or any(text not in context.findings for text in parts.texts()):
            return REFUSED
        scheme = f"{parts.scheme}:" if parts.scheme else ""
        return scheme + _authority(parts, context) + templated_path(parts, context) + _query(parts, context)


def templated_path(parts: UrlParts, context: ActionContext) -> str:
    """The path; the findings of its texts must be in the context."""
    return "/".join(_shown(parts.path, context))


def _authority(parts: UrlParts, context: ActionContext) -> str:
    if parts.host is None:
        return ""
    port = f":{parts.port}" if parts.port else ""
    return "//" + ".".join(_shown(parts.host, context)) + port


def _query(parts: UrlParts, context: ActionContext) -> str:
    pairs = []
    for name, value in parts.campaign:
        scrubbed = redacted(value, context.findings[value], context)
        # The signs of a replacement stay readable; nothing but people and tools for reports read this.
        pairs.append(f"{name}={quote(scrubbed, safe='<>')}")
    return "?" + "&".join(pairs) if pairs else ""


def _shown(parts: Iterable[Part], context: ActionContext) -> Iterable[str]:
    for part in parts:
        spans = () if part.scan is None else context.findings[part.scan]
        if part.identity_only:
            spans = tuple(
                span for span in spans if span.entity is Entity.IDENTITY or span.recognizer == DENY_LIST
            )
        count((span.entity for span in spans), context)
        yield ID if spans else part.shown
