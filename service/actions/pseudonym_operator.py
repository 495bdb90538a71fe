"""Our own operator for Presidio's anonymizer: `<ENTITY:pseudonym>`, so that one text stays readable."""

from typing import Any, ClassVar

from presidio_anonymizer.operators import Operator, OperatorType

from service.pseudonyms.encodings import text_tag


class PseudonymOperator(Operator):
    """Replaces a stretch of text by its entity and a keyed pseudonym.

    Case and spacing don't count: `Ana Lima` and `ana  lima` are one person. The entity takes part in the
    pseudonym as its class, so a name and an e-mail address never agree.
    """

    NAME: ClassVar[str] = "pseudonym"
    PSEUDONYMIZER: ClassVar[str] = "pseudonymizer"
    PURPOSE: ClassVar[str] = "purpose"
    GENERATED: ClassVar[str] = "generated"

    def operate(self, text: str, params: dict[str, Any] | None = None) -> str:
        """The replacement; notes the pseudonym among the generated strings."""
        assert params is not None
        entity = params["entity_type"]
        pseudonym: str = params[self.PSEUDONYMIZER].pseudonym(
            " ".join(text.casefold().split()),
            purpose=params[self.PURPOSE],
            data_class=f"entity.{entity}",
            encoding=text_tag,
        )
        params[self.GENERATED].add(pseudonym)
        return f"<{entity}:{pseudonym}>"

    def validate(self, params: dict[str, Any] | None = None) -> None:
        """Nothing is left to check: the parameters come from ScrubAction, built by the registry."""

    def operator_name(self) -> str:
        """The name it goes by in an OperatorConfig."""
        return self.NAME

    def operator_type(self) -> OperatorType:
        """It anonymizes."""
        return OperatorType.Anonymize
