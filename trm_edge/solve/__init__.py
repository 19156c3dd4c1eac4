"""Solving with a session: halting policies, a loop that keeps the batch dense, votes of several starts. Numpy only."""

from trm_edge.solve.policies import (
    Act,
    AllOf,
    AnyOf,
    Fixed,
    Policy,
    Stable,
    StepState,
    Verified,
    parse_policy,
)
from trm_edge.solve.rows import Solution, Trace
from trm_edge.solve.solver import Solver, StepSession, default_policy

__all__ = [
    "Act",
    "AllOf",
    "AnyOf",
    "Fixed",
    "Policy",
    "Solution",
    "Solver",
    "Stable",
    "StepSession",
    "StepState",
    "Trace",
    "Verified",
    "default_policy",
    "parse_policy",
]
