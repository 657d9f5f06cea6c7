"""The kernel on single lines."""

from __future__ import annotations

import pytest
from kernel_lines import Kernel


@pytest.fixture
def kernel() -> Kernel:
    """The kernel with the contract of `workspace_audit`."""
    return Kernel()
