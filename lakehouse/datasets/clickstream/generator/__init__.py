"""Samples of `clickstream`: files of three feeds with every defect known to happen, counted exactly."""

from lakehouse.datasets.clickstream.generator.arguments import Arguments
from lakehouse.datasets.clickstream.generator.run import DEMO_DAYS, generate, small_demo

__all__ = ["DEMO_DAYS", "Arguments", "generate", "small_demo"]
