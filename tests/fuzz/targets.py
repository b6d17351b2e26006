"""All that is fuzzed, by name."""

from tests.fuzz import bundles, did_logs, policies, presentations, schemas

_ALL = (
    presentations.TARGET,
    bundles.TARGET,
    policies.TARGET,
    schemas.TARGET,
    did_logs.TARGET,
)
TARGETS = {each.name: each for each in _ALL}
