"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path | None, typer.Option(help="Folder of the policy files. [default: WEIR_CONFIG_DIR]")]
KeyRingFile = Annotated[Path | None, typer.Option(help="Key ring file. [default: WEIR_KEYRING_FILE]")]
