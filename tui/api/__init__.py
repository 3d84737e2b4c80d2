"""The catalogue over HTTP: movies by query and by id, edits under their version, where each answer came from."""
