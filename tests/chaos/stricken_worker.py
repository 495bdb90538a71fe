"""A worker that sends itself a signal at a chosen step of its n-th transaction; all else is the real one.

    python -m tests.chaos.stricken_worker SIGKILL before commit_transaction 3

The step is a method of aiokafka's transactional producer: `start` (the lane is being opened),
`begin_transaction`, `send_offsets_to_transaction` (the batch's records are on their way) or
`commit_transaction` (all is written).
"""

import os
import signal
import sys
from itertools import count
from typing import Any

from aiokafka import AIOKafkaProducer

from service.__main__ import main


def strike(number: signal.Signals, moment: str, step: str, turn: int) -> None:
    """Have the process send itself the signal before or after the step, the turn-th time it is taken."""
    original = getattr(AIOKafkaProducer, step)
    turns = count(1)

    async def stricken(producer: AIOKafkaProducer, *arguments: Any) -> Any:
        due = next(turns) == turn
        if due and moment == "before":
            os.kill(os.getpid(), number)
        result = await original(producer, *arguments)
        if due and moment == "after":
            os.kill(os.getpid(), number)
        return result

    setattr(AIOKafkaProducer, step, stricken)


if __name__ == "__main__":
    name, moment, step, turn = sys.argv[1:]
    strike(signal.Signals[name], moment, step, int(turn))
    sys.argv[1:] = ["worker"]
    main()
