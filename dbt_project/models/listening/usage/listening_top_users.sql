{{ listening_top('user', {'user_id': 'value'}) }}
