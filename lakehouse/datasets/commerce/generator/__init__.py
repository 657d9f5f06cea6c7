"""Sample data of `commerce` with controllable defects, and the exact truth about it."""

from lakehouse.datasets.commerce.generator.demo import DEMO_DAYS, small_demo
from lakehouse.datasets.commerce.generator.options import Arguments
from lakehouse.datasets.commerce.generator.run import generate

__all__ = ["DEMO_DAYS", "Arguments", "generate", "small_demo"]
