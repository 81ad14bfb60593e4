"""Does it carry personal data? The stage and the rewriter of that name. Finding is `gateway.detect`'s; what is done, policy's."""

from gateway.detect.detectors import Detectors, detectors
from gateway.stages.pii.redaction import Redaction
from gateway.stages.pii.shared_vault import SharedVault
from gateway.stages.pii.vault import MemoryVault, Vault

__all__ = ["Detectors", "MemoryVault", "Redaction", "SharedVault", "Vault", "detectors"]
