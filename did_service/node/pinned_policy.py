"""The policy that a folder pins, read without anything that serves or keeps data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from did_service.core.anchor.bodies.policy import Policy, check_signed, parse_policy
from did_service.core.anchor.region import Region
from did_service.core.encoding import strict_json
from did_service.core.errors import UsageError, quote
from did_service.core.limits import MAX_JSON_BYTES
from did_service.node.configuration import FILE, Configuration, read_configuration
from did_service.node.named_files import naming, required
from did_service.node.setting_table import ServiceKind
from did_service.node.storage_setup import StorageSetup, storage_of
from did_service.program.files import whole


def read_policy(path: Path) -> Policy:
    """Read a policy file that its own governance has signed.

    Raises:
        NotFoundError: `policy_file_missing`.
        PolicyError, MalformedError: as the policy's parser; the message names the file.
    """
    data = required(path, MAX_JSON_BYTES, "policy_file_missing")
    with naming(path):
        policy = parse_policy(strict_json.load_object(data))
        check_signed(policy, policy)
        return policy


def data_of(
    folder: Path, policy_file: Path | None, environment: Mapping[str, str]
) -> tuple[StorageSetup, Policy]:
    """Return where the data of a region are, and its policy.

    Args:
        folder: Of a service, with its configuration; or of its data, if a policy is named.
        policy_file: The policy; None for the configured one.
        environment: Of the process.

    Raises:
        UsageError: `configuration_invalid`, `fsck_of_agency`.
        NotFoundError: `configuration_missing`, `policy_file_missing`.
        PolicyError, MalformedError: as `read_policy`.
    """
    if policy_file is not None and not (folder / FILE).exists():
        return StorageSetup(folder), read_policy(policy_file)
    configuration = read_configuration(folder / FILE, environment)
    if configuration.kind is ServiceKind.AGENCY:
        raise UsageError("fsck_of_agency", "an agency keeps no log: its database is looked at")
    policy = read_policy(policy_file or configuration.path("service.policy"))
    return storage_of(configuration), policy


def region_in(policy: Policy, configuration: Configuration) -> Region:
    """Return the region that a configuration is for.

    Raises:
        UsageError: `region_unknown`, or `host_unknown` for a host that the policy gives to
            another region or to none.
    """
    wanted = configuration.text("service.region")
    found = next((region for region in policy.regions if region.id == wanted), None)
    path = configuration.path("service.policy")
    if found is None:
        raise UsageError("region_unknown", f"{whole(path)}: no region {quote(wanted)}")
    for host in configuration.texts("service.hosts"):
        if host not in found.hosts:
            raise UsageError("host_unknown", f"{whole(path)}: {wanted} has no {quote(host)}")
    return found
