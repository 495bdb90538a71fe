"""The two consoles: results on stdout, the rest on stderr. NO_COLOR and non-terminals are respected."""

from rich.console import Console

stdout = Console()
stderr = Console(stderr=True)
