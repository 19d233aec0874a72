"""An agent of a configuration: its name alone, or its name with more, mixed as the operator likes."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_serializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from aimux.config.fields import Name
from aimux.config.section import Section


class AgentConfig(Section):
    """A registered agent."""

    short_form: ClassVar[bool] = True

    name: Name
    """The agent's name, unique, in kebab-case or snake_case. A group has not the same."""
    groups: tuple[Name, ...] = ()
    """Names of groups that it is in, besides those that list it under the top-level key of this name."""

    @model_serializer(mode="wrap")
    def _shortest(self, serialize: SerializerFunctionWrapHandler) -> object:
        """The name alone where nothing else is said, so that both forms of it are one configuration."""
        return self.name if self == AgentConfig.model_construct(name=self.name) else serialize(self)


class _EitherForm:
    """The JSON Schema of both forms."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [_NAME.json_schema(), handler(schema)]}


_NAME: Final[TypeAdapter[str]] = TypeAdapter(Name)


def _read(value: object, read: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, Mapping | AgentConfig):
        return read(value)
    return AgentConfig.model_construct(name=_NAME.validate_python(value))


AgentItem = Annotated[AgentConfig, WrapValidator(_read), _EitherForm()]
