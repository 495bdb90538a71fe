"""The Faust application for Faust's own command: `faust -A service.app worker`, equal to `weir worker`."""

import sys

from service.early_exit import exit_at_once_when_told

exit_at_once_when_told()  # before the imports that take seconds

from service.errors import ConfigurationError  # noqa: E402
from service.settings import load_settings  # noqa: E402
from service.streaming.worker import new_application  # noqa: E402

try:
    app = new_application(load_settings())
except ConfigurationError as error:
    sys.stderr.write(f"weir: {error}\n")
    sys.exit(error.exit_code)
