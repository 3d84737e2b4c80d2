"""Load: people who browse through the HTTP API, driven by Locust, under each strategy and over each store."""
