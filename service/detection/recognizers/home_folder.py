"""User names in paths of home folders: Unix, macOS, Windows, UNC profile shares."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.policy.entities import Entity

_HOME: Final = re.compile(
    r"(?:/(?:home|Users|export/home|usr/home|var/home|Benutzer|Utilisateurs|Usuarios)/|(?<![\w.])~"
    r"|[A-Za-z]:[\\/]{1,4}(?:Users|Documents and Settings|Benutzer|Utilisateurs|Usuarios|Utenti)[\\/]{1,4}"
    r"|\\{2,4}[\w.$-]{1,64}\\{1,2}(?:Users|home|homes|profiles|redirected|"
    r"userdata)\$?\\{1,2}|/(?:c|mnt/c)/Users/"
    r"|/var/(?:mail|spool/mail|spool/cron)/|/run/media/|/media/(?=[^/\s]+/))"
    r"(?P<user>[^\s\\/:*?\"'<>|()\[\],;]{1,64}(?: [^\s\\/:*?\"'<>|()\[\],;]{1,40}(?=[\\/]))?)",
    re.IGNORECASE,
)
#: Accounts of systems and images: they name nobody.
_SYSTEM: Final = frozenset(word_list("home_folder", "system"))


class HomeFolderRecognizer(RuleRecognizer):
    """Finds the names in home paths."""

    entities: ClassVar = (Entity.USER_NAME,)

    def may_find(self, scan: Scan) -> bool:
        """Paths have slashes, or start at a tilde."""
        return not scan.signs.isdisjoint("/\\~")

    def find(self, scan: Scan) -> Iterator[Found]:
        """The user's part of each path."""
        text = scan.text
        for match in _HOME.finditer(text):
            if match["user"].casefold().rstrip(".") not in _SYSTEM and match["user"].strip("."):
                yield Found(*match.span("user"), Entity.USER_NAME, 0.9)
