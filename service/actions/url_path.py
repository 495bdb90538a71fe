"""url_path: the path of a URL, templated as url_template does it."""

from service.actions.action import REFUSED, ActionContext, RefusedType
from service.actions.url_parts import UrlAction, take_apart
from service.actions.url_template import templated_path
from service.events.json_value import JsonValue


class UrlPathAction(UrlAction):
    """`https://example.org/users/42/keys?q=x` and `/users/42/keys` to `/users/:id/keys`."""

    def texts(self, value: JsonValue) -> tuple[str, ...]:
        parts = take_apart(value) if isinstance(value, str) else None
        return () if parts is None else parts.path_texts()

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:
        parts = take_apart(value) if isinstance(value, str) else None
        if parts is None or any(text not in context.findings for text in parts.path_texts()):
            return REFUSED
        return templated_path(parts, context) or "/"
