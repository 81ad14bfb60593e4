"""Proofs that others can check: this exchange's records are in the signed tree, and one checkpoint continues another.

A proof is JSON: the records' heads, their places, the paths and the signed checkpoint. Checking one needs RFC 6962 and
the public key, nothing of ours (docs/reference/audit-format.md shows how).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.audit import canonical
from gateway.audit.checkpoint import Checkpoint, Publics, each_of, is_signed, parse, split, verifier_key
from gateway.audit.hashes import Hashes
from gateway.audit.merkle import consistency, continues, inclusion, leaf_hash, root_from_inclusion
from gateway.core.errors import AuditError

Place = tuple[str, int, bytes]  # origin, number and head of a record


def prove(directory: Path, places: Sequence[Place], public: Publics) -> dict[str, Any]:
    """Inclusion of these records in their origins' newest checkpoints. Raises AuditError when one is not sealed yet."""
    return {"format": "hangu-proof", "v": 1, "records": [_prove(directory, place, public) for place in places]}


def prove_record(store: Hashes, checkpoint: Checkpoint, seq: int) -> list[bytes]:
    """The path of one record to a checkpoint's root."""
    if seq >= checkpoint.size:
        raise AuditError(f"record {seq} is not sealed yet", checkpoint.name, "a checkpoint is made within a second")
    return inclusion(store.subtree, seq, checkpoint.size)


def check(proof: dict[str, Any], public: Publics) -> list[str]:
    """What is wrong with a proof, in words; nothing when it holds. One that proves no record at all holds nothing."""
    if (
        not isinstance(proof, dict)
        or proof.get("format") != "hangu-proof"
        or not isinstance(proof.get("records"), list)
    ):
        return ["this is no proof"]
    return [problem for told in proof["records"] if (problem := _checked(told, public))] or _nothing(proof["records"])


def _nothing(records: list[Any]) -> list[str]:
    return [] if records else ["it proves no record"]


def prove_continuation(directory: Path, old: Checkpoint, new: Checkpoint) -> list[bytes]:
    """The path which shows that the newer tree begins with the older. Raises AuditError when it does not."""
    with_hashes = Hashes(directory, new.origin)
    try:
        path = consistency(with_hashes.subtree, old.size, new.size)
    except (ValueError, IndexError) as error:
        raise AuditError(f"no path leads from {old.size} to {new.size}: {error}", new.name) from error
    finally:
        with_hashes.close()
    if not continues((old.size, old.root), (new.size, new.root), path):
        raise AuditError(f"the tree of {new.size} does not continue the tree of {old.size}", new.name)
    return path


def newest(directory: Path, origin: str) -> Checkpoint:
    """An origin's newest checkpoint."""
    path = directory / f"checkpoint-{origin}"
    notes = list(split(path.read_bytes())) if path.exists() else []
    if not notes:
        raise AuditError("nothing is sealed yet", origin, "a checkpoint is made within a second")
    return parse(notes[-1])


def _prove(directory: Path, place: Place, public: Publics) -> dict[str, Any]:
    origin, seq, head = place
    checkpoint = newest(directory, origin)
    store = Hashes(directory, origin)
    try:
        path = prove_record(store, checkpoint, seq)
    finally:
        store.close()
    return {
        "origin": origin,
        "seq": seq,
        "head": head.decode(),
        "path": [b64encode(node).decode() for node in path],
        "checkpoint": checkpoint.note.decode(),
        "key": verifier_key(checkpoint.name, _key_of(checkpoint, public)),
    }


def _key_of(checkpoint: Checkpoint, public: Publics) -> bytes:
    """Which of the keys signed it; the one in use where none did, and checking will say so."""
    keys = each_of(public)
    return next((key for key in keys if is_signed(checkpoint, key)), keys[0])


def _checked(told: Any, public: Publics) -> str:
    """As `_check`, of anything that somebody may hand in as a proof."""
    try:
        return _check(told, public)
    except (AuditError, LookupError, TypeError, ValueError, AttributeError):
        return "a record's proof cannot be read"


def _check(told: dict[str, Any], public: Publics) -> str:
    checkpoint = parse(told["checkpoint"].encode())
    where = f"{told['origin']} record {told['seq']}"
    if not is_signed(checkpoint, public):
        return f"{where}: the checkpoint is not signed by this key"
    if checkpoint.origin != told["origin"]:
        return f"{where}: the checkpoint is another log's"
    hashed = leaf_hash(canonical.leaf(told["head"].encode()))
    path = [b64decode(node, validate=True) for node in told["path"]]
    if root_from_inclusion(hashed, told["seq"], checkpoint.size, path) != checkpoint.root:
        return f"{where}: the path does not lead to the signed root"
    return ""
