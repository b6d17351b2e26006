"""From a configuration to what a service is given: policy, keys, peers; no store is opened.

    prepare(configuration, keyring, …) → Setup      may be called again, as a reload does

Nothing here changes a file, so `serve --check` and a reload try all of it before anything that
runs is touched.
"""

from __future__ import annotations

from collections.abc import Mapping

from did_service.client.transport import Transport
from did_service.core.anchor.region import Region
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.keyring import KeyRole
from did_service.core.log.cosignature import Cosigner
from did_service.core.log.note import NoteSigner
from did_service.node.agency_files import agency_of
from did_service.node.configuration import Configuration
from did_service.node.pinned_policy import read_policy, region_in
from did_service.node.reaching import routes_of
from did_service.node.region import RegionSetup
from did_service.node.services import AgencySetup, Setup
from did_service.node.setting_table import LOGGING, WITNESSING, ServiceKind
from did_service.node.storage_setup import storage_of
from did_service.program.clock import ClockAndRandom
from did_service.registry.region import PublishIntervals
from did_service.signer.keyring import Keyring

_PEERS_SECONDS = 30.0  # how often a registry alone looks at the other logs


def prepare(
    configuration: Configuration,
    keyring: Keyring,
    environment: Mapping[str, str],
    edge: ClockAndRandom,
    *,
    unreleased: bool = False,
) -> Setup:
    """Return what a service is given.

    Args:
        configuration: Of the service.
        keyring: Its keys.
        environment: Of the process.
        edge: Clock and randomness.
        unreleased: Whether keys out of a backup count; for `pull`, which signs nothing.

    Raises:
        DidServiceError: what is missing or off, with its file: policy, key, certificates, DID
            log, schema, officers.
    """
    transport = Transport(routes_of(configuration, environment))
    if configuration.kind is ServiceKind.AGENCY:
        return AgencySetup(
            agency=agency_of(configuration, keyring),
            storage=storage_of(configuration),
            transport=transport,
            edge=edge,
            tick_seconds=configuration.seconds("agency.tick"),
        )
    policy = read_policy(configuration.path("service.policy"))
    region = region_in(policy, configuration)
    kind = configuration.kind
    return RegionSetup(
        kind=kind,
        region=region.id,
        host=configuration.host,
        storage=storage_of(configuration),
        policy=policy,
        logs=_log_keys(region, keyring, unreleased=unreleased) if kind in LOGGING else {},
        cosigner=(
            _cosigner(region, keyring, unreleased=unreleased) if kind in WITNESSING else None
        ),
        native=_native(configuration, keyring) if kind in WITNESSING else None,
        transport=transport,
        edge=edge,
        pace=_pace(configuration) if kind in LOGGING else PublishIntervals(),
        refresh_seconds=_refresh(configuration) if kind in WITNESSING else _PEERS_SECONDS,
        judges=configuration.whole("publish.judges") if kind in LOGGING else 0,
    )


def _log_keys(
    region: Region, keyring: Keyring, *, unreleased: bool
) -> Mapping[str, NoteSigner]:
    """Return the key of each log: the one that the policy lists, where there are several."""
    signers = {}
    for origin, policy in region.logs.items():
        listed = {log.key.public for log in policy.logs}
        kept = [k.record.public for k in keyring.all(KeyRole.LOG, origin)]
        fitting = [public for public in kept if public in listed]
        public = fitting[-1] if fitting else None
        signers[origin] = keyring.log(origin, public, unreleased=unreleased)
    return signers


def _cosigner(region: Region, keyring: Keyring, *, unreleased: bool) -> Cosigner:
    kept = [k.record.public for k in keyring.all(KeyRole.COSIGNER, region.witness.name)]
    listed = region.witness.public
    public = listed if listed in kept else None
    return keyring.cosigner(region.witness.name, public, unreleased=unreleased)


def _native(configuration: Configuration, keyring: Keyring) -> SigningKey:
    return keyring.key(KeyRole.NATIVE, configuration.host)


def _pace(configuration: Configuration) -> PublishIntervals:
    return PublishIntervals(
        least=configuration.seconds("publish.least"),
        most=configuration.seconds("publish.most"),
        heads_least=configuration.whole("publish.heads_least"),
        heads_most=configuration.whole("publish.heads_most"),
    )


def _refresh(configuration: Configuration) -> float:
    return configuration.seconds("witness.refresh")
