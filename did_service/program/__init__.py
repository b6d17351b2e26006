"""The frame of a process: streams, files, language, exits, words, folding.

What every program of the project has in common and no command decides: how it is started, how
it ends, and how it tells what was refused. Standard library and the core only.
"""
