"""Blocking calls to Kafka beside the event loop, on threads that never keep the process from ending."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

Answer = TypeVar("Answer")


#: Seconds that a call gets to end where nobody waits for it any more.
GRACE: Final = 10.0


async def in_thread(call: Callable[..., Answer], *arguments: Any, seconds: float | None) -> Answer:
    """The call's answer. A cancellation comes through when the call has ended, or after GRACE.

    Unlike the threads of `asyncio.to_thread`, this one is no reason for the process to stay: kafka-python may
    wait for a broker without a bound.

    Raises:
        TimeoutError: there is no answer after so many seconds, and GRACE. The thread is left alone then.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Answer] = loop.create_future()

    def tell(outcome: Callable[[Any], None], value: object) -> None:
        if not answer.done():
            outcome(value)

    def run() -> None:
        try:
            result = call(*arguments)
        except BaseException as error:  # noqa: BLE001  (it is raised where the answer is waited for)
            _on(loop, tell, answer.set_exception, error)
        else:
            _on(loop, tell, answer.set_result, result)

    threading.Thread(target=run, daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.shield(answer)
    except asyncio.CancelledError:
        # A client must not be closed while it is used, nor a transaction left open that is about to end.
        await asyncio.wait([answer], timeout=GRACE)
        raise


def _on(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *arguments: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, *arguments)
