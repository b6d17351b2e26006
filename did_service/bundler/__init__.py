"""Trust bundles made from what logs publish."""
