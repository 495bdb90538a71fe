"""`python -m service.broker`: a Kafka to try things with, until Ctrl-C."""

import signal
import sys

from service.broker.local import BOOTSTRAP_VARIABLE, LocalBroker
from service.errors import WeirError


def main() -> int:
    """Run it, and say how to reach it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with LocalBroker() as broker:
            sys.stdout.write(f"export {BOOTSTRAP_VARIABLE}={broker.bootstrap}\n")
            sys.stdout.flush()
            while True:
                signal.pause()
    except WeirError as error:
        sys.stderr.write(f"weir: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
