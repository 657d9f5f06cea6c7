"""Stretches of time in words; imports nothing, because the help of the command does not wait for libraries."""

from __future__ import annotations


def span(seconds: int) -> str:
    """Seconds for people: 45s, 12m, 3h 20m, 2d 4h."""
    if seconds < 60:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minutes}m" if minutes else f"{hours}h"
    days, hours = divmod(hours, 24)
    return f"{days}d {hours}h" if hours else f"{days}d"
