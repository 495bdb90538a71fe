"""Blocking calls to Kafka beside the event loop, on threads that never keep the process from ending."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")


async def in_thread(call: Callable[..., Answer], *arguments: Any) -> Answer:
    """The call's answer. Where nobody waits for it any more, the call goes on and its answer is dropped.

    Unlike the threads of `asyncio.to_thread`, this one is no reason for the process to stay: kafka-python may
    wait for a broker without a bound.
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
    return await answer


def _on(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *arguments: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, *arguments)
