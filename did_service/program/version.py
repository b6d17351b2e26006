"""The number of the release, below every room that prints it.

`did_service` itself has it too, but leads to the front door, which stands above the rooms.
"""

__version__ = "0.3.0"
