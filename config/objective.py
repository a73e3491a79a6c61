"""What the operator has promised: a service level objective."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Days = Annotated[float, Field(ge=0.25, le=366)]


class Objective(BaseModel):
    """One objective, of each subject that `match` names. Exactly one of latency_ms, error_rate, availability
    and throughput says what is promised."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    match: Annotated[str, Field(min_length=1)]
    latency_ms: Positive | None = None
    """The part `target` of the executions takes no longer."""
    error_rate: Share | None = None
    """No larger part of them fails."""
    availability: Share | None = None
    """At least this part of them succeeds."""
    throughput: Positive | None = None
    """At least so many executions a minute, in the part `target` of the time."""
    target: Share = 0.99
    window_d: Days = 30

    @model_validator(mode="after")
    def _require_one_promise(self) -> Self:
        names = ("latency_ms", "error_rate", "availability", "throughput")
        if sum(getattr(self, name) is not None for name in names) != 1:
            raise ValueError(f"must have exactly one of {', '.join(names)}")
        if "target" in self.model_fields_set and self.latency_ms is None and self.throughput is None:
            raise ValueError("target belongs to latency_ms and throughput; the figure says it all here")
        return self

    @property
    def allowed(self) -> float:
        """The part of the events that may be bad: the error budget."""
        if self.error_rate is not None:
            return self.error_rate
        return 1 - (self.target if self.availability is None else self.availability)
