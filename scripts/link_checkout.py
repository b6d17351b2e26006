"""Make this checkout importable and its commands runnable in the environment that runs this.

Does what an editable install would do, without a build: a `.pth` line with the checkout's
folder, and one launcher beside the interpreter for each entry of `[project.scripts]`. Running
it again is harmless. Needs nothing but the standard library and no network.
"""

import stat
import sys
import sysconfig
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

LAUNCHER = """\
#!{python}
import sys

from {module} import {function}

sys.exit({function}())
"""


def main() -> None:
    """Write the `.pth` file and the launchers."""
    site_packages = Path(sysconfig.get_path("purelib"))
    (site_packages / "did-service-checkout.pth").write_text(f"{CHECKOUT}\n", encoding="utf-8")

    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    interpreter = Path(sys.executable)
    # The environment may be reached over a link that does not last; what it links to is not
    # followed, as that is another environment's interpreter.
    python = interpreter.parent.resolve() / interpreter.name
    for name, entry_point in project["scripts"].items():
        module, _, function = entry_point.partition(":")
        launcher = Path(sysconfig.get_path("scripts")) / name
        text = LAUNCHER.format(python=python, module=module, function=function)
        launcher.write_text(text, encoding="utf-8")
        launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


if __name__ == "__main__":
    main()
