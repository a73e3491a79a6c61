"""All kinds of orders. One that is not named here is not understood, and set aside."""

from __future__ import annotations

from typing import Final, Union

import msgspec

from daemon.baseline_orders import Pin, Reset, Unpin
from daemon.incident_orders import Accept, Acknowledge, Resolve, Silence
from daemon.orders import Order
from daemon.recommendation_orders import Done, Reject, Take

KINDS: Final[tuple[type[Order], ...]] = (
    Acknowledge,
    Silence,
    Resolve,
    Accept,
    Pin,
    Unpin,
    Reset,
    Take,
    Done,
    Reject,
)

_DECODER: Final = msgspec.json.Decoder(Union[KINDS])  # noqa: UP007 (the members are in a tuple)


def decode_order(content: bytes) -> Order:
    """Raises msgspec.DecodeError, of which a message that does not fit is a kind."""
    try:
        order: Order = _DECODER.decode(content)
    except (UnicodeDecodeError, RecursionError) as error:  # both come through as they are
        raise msgspec.DecodeError(f"is not UTF-8, or nested too deeply ({error})") from error
    return order
