"""As that of `plays`."""

from __future__ import annotations

from lakehouse.datasets.plays.generator import DEMO_DAYS, Arguments, generate, small_demo

__all__ = ["DEMO_DAYS", "Arguments", "generate", "small_demo"]
