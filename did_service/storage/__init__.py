"""Where services keep things: databases and files. Nothing above knows an engine."""
