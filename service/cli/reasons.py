"""Dead letters' reasons on the command line."""

from difflib import get_close_matches
from typing import Final, get_args

import typer

from service.sanitize.outcomes import DeadLetterReason

_REASONS: Final[dict[str, DeadLetterReason]] = {
    reason.value: reason for reasons in get_args(DeadLetterReason) for reason in reasons
}


def dead_letter_reason(text: str) -> DeadLetterReason:
    """The reason with this code.

    Raises:
        typer.BadParameter: there is none.
    """
    if text not in _REASONS:
        near = get_close_matches(text, _REASONS, n=1)
        raise typer.BadParameter("--reason: no such reason" + (f"; did you mean {near[0]}?" if near else ""))
    return _REASONS[text]
