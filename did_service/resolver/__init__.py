"""DID resolution over the logs of one region, its mirrors, and the web."""
