"""A worker process from start to exit code: 0 after a signal, 2 for wrong configuration, 3 for any failure.

`weir worker` and `faust -A service.app worker` both end up in `Worker.execute_from_commandline`.
"""

import asyncio
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, NoReturn

import faust
import structlog

from service.errors import BrokerError, WeirError
from service.observability.logs import FAUST_LOGGER, configure_logging
from service.settings import Settings
from service.streaming.application import Application
from service.streaming.preflight import check

log = structlog.get_logger(__name__)

#: Seconds that the last line may take to be written: a pipe that nobody reads would hold it for ever.
LAST_WORDS: Final = 5.0
WORKER: Final = "service.streaming.worker:Worker"


def run(settings: Settings) -> NoReturn:
    """Run a worker in this process until a signal or a failure ends it."""
    application = new_application(settings)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    Worker(application, loop=loop).execute_from_commandline()


def new_application(settings: Settings) -> Application:
    """The application, with logging set up as the settings say."""
    configure_logging(settings.log_level, settings.log_format)
    return Application(settings, worker=WORKER)


class Worker(faust.Worker):
    """Faust's worker with Weir's checks, logs and exit codes."""

    logger = FAUST_LOGGER
    app: Application

    def __init__(self, app: Application, *services: Any, **options: Any) -> None:
        options |= {"override_logging": False, "redirect_stdouts": False, "quiet": True}
        super().__init__(app, *services, **options)
        self.spinner = None
        app.fail = self._end

    def execute_from_commandline(self) -> NoReturn:
        """Check, run, exit."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # one would hold keys and events
        try:
            self.app.checked = check(self.app.settings)
        except WeirError as error:
            sys.stderr.write(f"weir: {error}\n")
            sys.exit(error.exit_code)
        try:
            super().execute_from_commandline()
        except SystemExit as stop:
            code = BrokerError.exit_code if stop.code else 0
            log.info("worker_stopped", exit_code=code)
            sys.exit(code)

    async def start(self) -> None:
        """Start; what keeps the worker from it ends the process, with the error's own exit code."""
        try:
            await super().start()
        except Exception as error:  # noqa: BLE001  (whatever it is, there is no worker without a start)
            self._end(error)

    def _on_sigusr1(self) -> None:
        """In place of Faust's dump of every thread's local variables, which are events for the most part."""
        log.info("signal_ignored", signal=signal.SIGUSR1.name)

    def _on_sigusr2(self) -> None:
        """In place of Faust's debugger, which would stop the worker and show the same."""
        log.info("signal_ignored", signal=signal.SIGUSR2.name)

    def _schedule_shutdown(self, signal: signal.Signals) -> None:
        """Stop in good order, and at the end of the grace in any: what is not committed is not lost."""
        if not self.app.health.stopping:
            self.app.health.stopping = True
            log.info("worker_stopping", signal=signal.name, grace=self.app.settings.shutdown_grace)
            _call_after(self.app.settings.shutdown_grace, self._end_grace)
        super()._schedule_shutdown(signal)

    def _end_grace(self) -> None:
        _call_after(LAST_WORDS, os._exit, 0)
        log.warning("worker_stopped", exit_code=0, unfinished=True)
        os._exit(0)

    def _crash(self, reason: BaseException) -> None:
        """Faust calls this when any of its services has failed."""
        self._end(reason)

    def _end(self, reason: BaseException) -> None:
        """End the process here and now: nothing is committed that is not done, and a new start is clean.

        On the way out after a signal nothing is worth a failure any more; the grace's end ends it.
        """
        if self.app.health.stopping:
            log.warning("failed_while_stopping", exc_info=reason)
            return
        if not isinstance(reason, WeirError):
            reason = self.app.refusal(reason) or reason
        code = reason.exit_code if isinstance(reason, WeirError) else BrokerError.exit_code
        _call_after(LAST_WORDS, os._exit, code)
        log.critical("worker_failed", exit_code=code, exc_info=reason)
        os._exit(code)


def _call_after(seconds: float, function: Callable[..., object], *arguments: object) -> None:
    """Call a function from another thread, whatever this one does until then."""
    timer = threading.Timer(seconds, function, arguments)
    timer.daemon = True
    timer.start()
