"""`Secret`: a reference to a value that is never stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spine.errors import InvalidParams

_TAGGED = b'{"$secret":'  # a quote within a text is written with a backslash before it


def require_no_secret(texts: Mapping[str, bytes], what: str, *, but_whole: bool) -> None:
    """Raise `InvalidParams` for an encoded value that holds a secret: no step would be told it.

    With `but_whole` one that is a secret itself may stay, for it will be looked up.
    """
    for name, text in texts.items():
        if _TAGGED in text and not (but_whole and text.startswith(_TAGGED)):
            raise InvalidParams(
                f"{what}.{name} holds a secret, which no step would be told; make it a param of its own"
            )


@dataclass(frozen=True, slots=True)
class Secret:
    """The name of a secret, given in place of a param: `params={"password": Secret("WAREHOUSE_PASSWORD")}`.

    Only the name is stored, logged and shown. A step reads the value in `ctx.params`: from the environment, or from
    the resolver that the runner was given. A params model declares the field as `Secret`.
    """

    name: str

    def __post_init__(self) -> None:
        if type(self.name) is not str or not self.name.isprintable() or not self.name.strip():
            raise InvalidParams("a secret needs a printable name, such as that of an environment variable")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415  # only params models pay for pydantic

        return core_schema.is_instance_schema(cls, cls_repr="Secret: Secret('VARIABLE'), or --secret NAME=VARIABLE")
