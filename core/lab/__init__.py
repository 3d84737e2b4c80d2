"""The lab: what breaks the servers on purpose, so that one can watch the cache hold."""
