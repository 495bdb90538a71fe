"""Raw records by seed: small events for the most part, a few with words or switched off, a few malformed."""

import json
from random import Random
from typing import Final

from service.demo.events import START
from service.events.timestamps import format_timestamp

USERS: Final = 50
#: In every record's key, user id or words; must be found in no log, dead letter, header or output key.
PLANTED: Final = "wendy.planted"

_WORDS: Final = (
    "Please call Wendy Planted at +44 20 7946 0958 about the invoice.",
    "Mail went to wendy.planted@example.org twice, the export is slow.",
    "The new dashboard is great, but search never finds anything.",
)
#: Of a hundred records, so many of a kind.
_WITH_WORDS: Final = 2
_SWITCHED_OFF: Final = 5
_MALFORMED: Final = 3


class SeededEvents:
    """An endless run of records; every one of a user has the same key, so that all share a partition."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._number = 0

    def take(self, count: int) -> list[tuple[bytes, bytes | None]]:
        """Keys and values of the next records."""
        return [self._next() for _ in range(count)]

    def _next(self) -> tuple[bytes, bytes | None]:
        number, self._number = self._number, self._number + 1
        user = f"{PLANTED}{self._random.randrange(USERS)}@example.org"
        body: dict[str, object] = {
            "type": "track",
            "event": "Logged In",
            "messageId": f"message-{number}",
            "userId": user,
            "timestamp": format_timestamp(START + number),
            "properties": {"method": "sso", "mfa": True},
        }
        draw = self._random.randrange(100)
        if draw < _WITH_WORDS:
            comment = self._random.choice(_WORDS)
            body |= {"event": "Feedback Submitted", "properties": {"rating": 4, "comment": comment}}
        elif draw < _WITH_WORDS + _SWITCHED_OFF:
            body["integrations"] = {"Mixpanel": False}
        value = json.dumps(body).encode()
        if draw >= 100 - _MALFORMED:
            return user.encode(), self._random.choice([value[:-1], b"[" + value + b"]", None])
        return user.encode(), value
