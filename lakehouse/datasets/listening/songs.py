"""The song catalogue. It knows few of the songs that are played, and writes what it does not know as 0 or an empty text."""

from __future__ import annotations

from lakehouse.contracts.model import Column
from lakehouse.datasets.model import Dimension, JsonLines

SONGS = Dimension(
    name="songs",
    description="The song catalogue: one row per song.",
    patterns=("**/song_data/**/*.json", "**/song_data/**/*.jsonl"),
    format=JsonLines(),
    columns=(
        Column("song_id", "string", "Id of the song.", "song_id", nullable=False),
        Column("title", "string", "Title.", "title", nullable=False),
        Column("duration", "float64", "Length.", "duration", minimum=0, unit="seconds"),
        Column("year", "int64", "Year of publication; 0 is unknown.", "year", minimum=0),
        Column("artist_id", "string", "Id of the artist.", "artist_id"),
        Column("artist_name", "string", "Artist.", "artist_name"),
        Column("artist_location", "string", "Where the artist is from.", "artist_location"),
        Column("artist_latitude", "float64", "Latitude of that place.", "artist_latitude", minimum=-90, maximum=90, unit="degrees"),
        Column("artist_longitude", "float64", "Longitude of that place.", "artist_longitude", minimum=-180, maximum=180, unit="degrees"),
        Column("num_songs", "int64", "Songs that the record tells of.", "num_songs", minimum=0),
    ),
    key=("song_id",),
)
