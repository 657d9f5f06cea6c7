"""Samples of `listening`: daily logs as JSON Lines and CSV, late files, and song catalogues, with every defect counted exactly."""

from lakehouse.datasets.listening.generator.demo import DEMO_DAYS, small_demo
from lakehouse.datasets.listening.generator.options import Arguments, Defects
from lakehouse.datasets.listening.generator.run import generate

__all__ = ["DEMO_DAYS", "Arguments", "Defects", "generate", "small_demo"]
