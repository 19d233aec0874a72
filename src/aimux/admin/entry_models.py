"""The API's models of a request, built from the table of fields."""

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field as About
from pydantic import WithJsonSchema, create_model

from aimux.admin.models import Answer
from aimux.audit.entry import SHOWN
from aimux.audit.format import nested
from aimux.audit.format.field import Field, FieldType

Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Digest = Annotated[str, About(pattern="^[0-9a-f]{64}$")]
Milliseconds = Annotated[float, About(ge=0)]

_TYPES: Final[dict[FieldType, Any]] = {
    FieldType.TEXT: str,
    FieldType.MOMENT: Moment,
    FieldType.DIGEST: Digest,
    FieldType.INTEGER: int,
    FieldType.NUMBER: float,
    FieldType.MILLISECONDS: Milliseconds,
    FieldType.FLAG: bool,
}


def model_of(name: str, doc: str, fields: tuple[Field, ...]) -> type[Answer]:
    """The model of an object that has these fields, each with its description."""
    # BaseModel has methods of these names, so that the field goes by its alias.
    members: Any = {f"{field.name}_" if hasattr(Answer, field.name) else field.name: _member(field) for field in fields}
    return create_model(name, __base__=Answer, __doc__=doc, **members)


def _member(field: Field) -> tuple[Any, Any]:
    kind = _type_of(field)
    alias = field.name if hasattr(Answer, field.name) else None
    return kind | None if field.is_nullable else kind, About(description=field.doc, alias=alias)


def _type_of(field: Field) -> Any:
    if field.type is FieldType.WORD:
        return Literal[tuple(map(str, field.words))]
    if field.nested is None:
        return _TYPES[field.type]
    model = _MODELS[field.nested.name]
    return model if field.type is FieldType.OBJECT else list[model]  # type: ignore[valid-type]


_MODELS: Final = {
    each.name: model_of(each.name, each.doc, each.fields)
    for each in (nested.POSITION, nested.CONFLICT, nested.SCORE, nested.PART)
}

if TYPE_CHECKING:

    class RouteScore(Answer):
        """Its fields are those of `nested.SCORE`."""

    class DecidingPart(Answer):
        """Its fields are those of `nested.PART`."""

    class AuditEntry(Answer):
        """Its fields are those of the table that are shown."""

else:
    RouteScore = _MODELS[nested.SCORE.name]
    DecidingPart = _MODELS[nested.PART.name]
    AuditEntry = model_of("AuditEntry", "One request: what was decided, why, and what became of it.", SHOWN)
