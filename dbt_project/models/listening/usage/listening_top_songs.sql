{{ listening_top('song', {'song': 'value', 'artist': 'artist'}) }}
