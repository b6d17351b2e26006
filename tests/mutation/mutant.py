"""One defence, and the program without it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A defence that is taken out.

    Attributes:
        name: What is missing then.
        file: From the checkout.
        edits: The text that defends, exactly as it stands there once, and what replaces it.
        tests: Those that name the attack, as `file::test`; one of them must fail.
    """

    name: str
    file: str
    edits: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """Return the file without the defence.

        Raises:
            ValueError: it has changed, and this row with it is out of date.
        """
        for defence, replacement in self.edits:
            if text.count(defence) != 1:
                raise ValueError(f"{self.name}: {self.file} has no longer, once: {defence}")
            text = text.replace(defence, replacement)
        return text
