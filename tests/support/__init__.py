"""What tests share: import it as `from tests.support import …`."""
