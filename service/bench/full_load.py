"""As many events as the worker takes: the raw topic always holds some more.

Run as a process of its own, with Weir's settings: `python -m service.bench.full_load MIX`. Every piece is of
other people than the one before, so that their words and ids are new.
"""

import sys
import time
from typing import Final

from service.demo.events import Mix, generate
from service.demo.pipeline import Pipeline
from service.policy import load
from service.settings import Settings, load_settings

#: Raw records that wait for the worker, at least.
_BACKLOG: Final = 10_000
#: Events made up at once.
_PIECE: Final = 2000
_LOOK_SECONDS: Final = 0.2


def fill(settings: Settings, mix: Mix) -> None:
    """Keep the backlog up until the process is ended."""
    pipeline = Pipeline(settings, load(settings.config_dir))
    sent = seed = 0
    with pipeline.admin() as admin:
        while True:
            while sent - pipeline.committed(admin) < _BACKLOG:
                seed += 1
                sent += len(pipeline.produce((e.key, e.raw) for e in generate(_PIECE, seed=seed, mix=mix)))
            time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    fill(load_settings(), Mix(sys.argv[1]))
