"""The Faust application for Faust's own command: `faust -A service.app worker`, equal to `weir worker`."""

import sys

from service.errors import ConfigurationError
from service.settings import load_settings
from service.streaming.worker import new_application

try:
    app = new_application(load_settings())
except ConfigurationError as error:
    sys.stderr.write(f"weir: {error}\n")
    sys.exit(error.exit_code)
