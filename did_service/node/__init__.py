"""Configuration to running services: the one place that puts services together."""
