"""Operations on every worker of a gateway, as one worker asks for them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aimux.config.load import Loaded
from aimux.gateway.serving import Serving


@dataclass(frozen=True, slots=True)
class Everywhere:
    """`measure` gives the page of metrics, `serving` what each worker serves by; they raise Failure where they cannot.

    `take_over` puts a configuration in force on all of them; it gives the problems where that is not possible.
    """

    measure: Callable[[], Awaitable[bytes]]
    serving: Callable[[], Awaitable[Sequence[Serving]]]
    take_over: Callable[[Loaded], Awaitable[tuple[str, ...]]]
