"""Boards: what is made of sorted sets and hashes in Redis: rankings, views, and totals of all running copies."""
