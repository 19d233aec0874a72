"""How the values of a single request are declared: a dozen are made for each, and making them must cost little."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """A dataclass whose instances nobody changes: the type checker sees to it.

    Refusing assignments at run time as well, as `frozen=True` does, makes an instance three times as costly to make.
    What lives longer than a request, or is worth forging, is frozen in earnest.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
