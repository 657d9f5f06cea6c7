"""The names of the files that fetches read."""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse.landing.manifest import Manifest


def file_names(manifests: Iterable[Manifest]) -> dict[int, str]:
    """Number of a manifest -> the file that it read, or the files whose lines it mended; a fetch of something else is not in it."""
    found: dict[int, str] = {}
    by_part: dict[str, str] = {}
    for m in manifests:
        mended = {by_part[ref.part] for ref in m.supersedes if ref.part in by_part}
        name = m.file.name if m.file is not None else ", ".join(sorted(mended))
        if name:
            found[m.number] = name
            by_part.update((part.path, name) for part in m.parts)
    return found
