"""The commands that answer a script or a person at a shell: one file for each."""
