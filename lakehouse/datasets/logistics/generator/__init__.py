"""Sample data of `logistics` with controllable defects, and the exact truth about it."""

from lakehouse.datasets.logistics.generator.demo import DEMO_DAYS, small_demo
from lakehouse.datasets.logistics.generator.options import Arguments, Defects
from lakehouse.datasets.logistics.generator.run import generate

__all__ = ["DEMO_DAYS", "Arguments", "Defects", "generate", "small_demo"]
