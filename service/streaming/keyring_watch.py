"""A running worker takes a changed key ring up, and keeps the one it has where the file is wrong."""

import asyncio
import time
from hashlib import sha256
from pathlib import Path
from typing import Final

import structlog

from service.errors import KeyRingError
from service.observability import metrics
from service.processes.pool import SanitizerPool
from service.pseudonyms.key_storage import storage_of
from service.pseudonyms.keyring import KeyRing
from service.pseudonyms.keyring_file import parse, read

log = structlog.get_logger(__name__)

#: Seconds between looks. The content is looked at: Kubernetes swaps links, and people copy over files.
LOOK: Final = 2.0
#: Seconds that a new version may have begun before it is taken up: after that it is a mistake, as it would be
#: for events that have long gone out under another.
LATEST: Final = 86_400


class KeyRingWatch:
    """Follows one key ring file."""

    def __init__(self, keyring_file: Path, kek_file: Path | None, pool: SanitizerPool) -> None:
        """Take the files, and the pool, which has started with what they held."""
        self._keyring_file = keyring_file
        self._kek_file = kek_file
        self._pool = pool
        self._seen: object = None
        self._stale = False
        for result in ("loaded", "refused"):
            metrics.KEYRING_RELOADS.labels(result)

    async def follow(self) -> None:
        """Look every few seconds, without end."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK)

    def look(self) -> None:
        """Take the file's keys up if it has changed and they may be."""
        try:
            content = read(self._keyring_file)
            kek = b"" if self._kek_file is None else read(self._kek_file)
        except KeyRingError as error:
            if self._is_new(str(error)):
                self._refuse("unreadable", str(error))
            return
        if not self._is_new((sha256(content).digest(), sha256(kek).digest())):
            return
        try:
            keyring = KeyRing(parse(self._keyring_file, content, storage_of(self._kek_file)))
        except KeyRingError as error:
            self._refuse("invalid", "; ".join(str(error).splitlines()))
            return
        broken = keyring.broken_promises(self._pool.keyring, int(time.time()) - LATEST)
        if broken:
            self._refuse("changed", "; ".join(broken))
        else:
            self._take(keyring)

    def _is_new(self, seen: object) -> bool:
        if seen == self._seen:
            return False
        self._seen = seen
        return True

    def _refuse(self, reason: str, detail: str) -> None:
        self._stale = True
        metrics.KEYRING_STALE.set(1)
        metrics.KEYRING_RELOADS.labels("refused").inc()
        log.error("keyring_refused", reason=reason, detail=detail)

    def _take(self, keyring: KeyRing) -> None:
        changed = keyring.checks != self._pool.keyring.checks
        if changed:
            self._pool.take_keys(keyring)
        if changed or self._stale:
            self._stale = False
            metrics.KEYRING_STALE.set(0)
            metrics.KEYRING_RELOADS.labels("loaded").inc()
            log.info("keyring_loaded", versions=[version.id for version in keyring.versions])
