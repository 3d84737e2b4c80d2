"""Catalogue: the one object that a screen, a script or a test talks to."""
