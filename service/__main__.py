"""`weir`, the command."""

import sys

from service.early_exit import end_when_told_as_first_process, exit_at_once_when_told


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:2] == ["worker"]:
        exit_at_once_when_told()
    else:
        end_when_told_as_first_process()
    from service.cli.app import run  # noqa: PLC0415  (takes a second, and the signals must be heeded before)

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
