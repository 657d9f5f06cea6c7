{{ listening_top('artist', {'artist': 'value'}) }}
