"""A region's registry as one thing with a lifetime: sequencer, publishers, rounds."""

from __future__ import annotations

from collections.abc import Mapping

from did_service.core.anchor.rules_number import are_known
from did_service.registry.cosigners import WitnessPool
from did_service.registry.key_holder import KeyHolder
from did_service.registry.publisher import LogPublisher
from did_service.registry.region import RegionStores, RegistrySettings
from did_service.registry.rounds import PublishLoop
from did_service.registry.sequencer import Sequencer
from did_service.registry.store import CheckpointStore
from did_service.replica.check import policy_in_force
from did_service.replica.evidence import EvidenceService
from did_service.replica.last_signed import LastSigned


class Registry:
    """The running registry of one region; `start` it, and `close` it when done.

    Attributes:
        region: Stores and files of its logs.
        sequencer: Takes entries.
        rounds: Publishes; `publish_now` does so at once.
        logs: The publisher of each log, by origin.
        evidence: Gives evidence about each log's entries, by origin.

    Raises:
        UsageError: `region_unknown`, `log_key_missing` or `log_key_wrong`.
    """

    def __init__(self, settings: RegistrySettings) -> None:
        self.region = RegionStores(settings)
        self.transport = settings.transport
        checkpoints = CheckpointStore(self.region.engine)
        guard = LastSigned(settings.folder / "last-signed")
        self._cosigners = {o: WitnessPool(settings.transport) for o in self.region.stores}
        self.logs = {
            origin: LogPublisher(
                self.region,
                origin,
                checkpoints,
                KeyHolder(settings.signers[origin], guard),
                cosigners,
            )
            for origin, cosigners in self._cosigners.items()
        }
        for log in self.logs.values():
            log.recover()
        control = self.region.replicas[self.region.control]
        self.evidence = {
            o: EvidenceService(log, control) for o, log in self.region.replicas.items()
        }
        self.sequencer = Sequencer(self.region, self._wake)
        self.rounds = PublishLoop(self.region, self.logs, self.sequencer, settings.pace)

    def start(self) -> None:
        """Publish in the background from now on."""
        self.rounds.start()

    def publish_now(self) -> None:
        """Publish everything that has been sequenced; see `PublishLoop.publish_now`."""
        self.rounds.publish_now()

    def ready(self) -> Mapping[str, bool]:
        """Say for `/ready` which logs have a published checkpoint, or nothing to publish.

        `disk` is missing where the publisher has ended for it, `rules` where the policy in
        force asks for those of a later release.
        """
        logs = {
            origin: log.published() is not None or log.signed() is None
            for origin, log in self.logs.items()
        }
        region = self.region
        rules = are_known(policy_in_force(region.pinned, region.stores[region.control]))
        return {**logs, "disk": not self.rounds.has_ended, "rules": rules}

    def gauges(self) -> Mapping[str, int]:
        """Return numbers for `/metrics`."""
        stores = self.region.stores
        return {
            "log_entries": sum(store.size() for store in stores.values()),
            "log_published": sum(log.published_size() for log in self.logs.values()),
            "fork_alarms": sum(len(each.alarms) for each in self._cosigners.values()),
        }

    def close(self) -> None:
        """Finish what is under way, and stop."""
        self.rounds.close()
        self.sequencer.close()
        for cosigners in self._cosigners.values():
            cosigners.close()
        self.region.close()

    def _wake(self) -> None:
        self.rounds.wake()
