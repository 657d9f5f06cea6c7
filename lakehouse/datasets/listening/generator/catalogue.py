"""The song catalogue of a sample: one file at first, additions and corrections later, some rows in no state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lakehouse.datasets.listening.generator.world import World

_LATER = 0.1  # of the catalogue, in the second file


def write_catalogue(folder: Path, world: World, share: float, seed: int) -> dict[str, int]:
    """Write `first/song_data/songs.json` and `late/song_data/additions.json`, one song per line; returns what a reader of both must count."""
    rng = np.random.default_rng([seed, 3])
    known = np.flatnonzero(rng.random(world.songs.height) < share)
    lines = [_song(int(place), world, rng) for place in known]
    split = len(lines) - max(1, int(len(lines) * _LATER))
    first, late = lines[:split], lines[split:]
    repeated, refused = first[: max(1, len(first) // 50)], [_refused(line) for line in first[-3:]]
    for place, part in (("first", [*first, *repeated, *refused]), ("late", late)):
        path = folder / place / "song_data" / ("songs.json" if place == "first" else "additions.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(json.dumps(song) for song in part), encoding="utf-8")
    read = len(lines) + len(repeated) + len(refused)
    return {"read": read, "kept": len(lines), "duplicate": len(repeated), "refused": len(refused), "first_kept": len(first)}


def _song(place: int, world: World, rng: np.random.Generator) -> dict[str, Any]:
    song = world.songs.row(place, named=True)
    here = bool(rng.random() < 0.5)
    return {
        "num_songs": 1,
        "artist_id": f"AR{sum(song['artist'].encode()) % 100_000:05d}{place % 7}",
        "artist_latitude": round(float(rng.uniform(-60, 60)), 5) if here else None,
        "artist_longitude": round(float(rng.uniform(-180, 180)), 5) if here else None,
        "artist_location": "Somewhere" if here else "",
        "artist_name": song["artist_name"],
        "song_id": f"SO{place:08d}",
        "title": song["title"],
        "duration": song["length"],
        "year": int(rng.integers(1950, 2018)) if rng.random() < 0.6 else 0,
    }


def _refused(song: dict[str, Any]) -> dict[str, Any]:
    return {**song, "song_id": None} if song["num_songs"] else song
