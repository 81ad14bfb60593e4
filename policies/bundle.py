"""One directory of policy files as one frozen value, with its digest. Finds every problem; decides nothing.

Which section reads which file is each section's own `FILES`; a file that no section reads is a problem, since somebody
believes it to be in force.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TypeVar

from policies import access, cases, limits, marks, originals, output, pii, routing, waf
from policies.access import AccessPolicy
from policies.cases import Cases
from policies.limits import LimitsPolicy
from policies.marks import MarksPolicy
from policies.originals import OriginalsPolicy
from policies.output import OutputPolicy
from policies.pii import PiiPolicy
from policies.problem import PolicyInvalid, Problem
from policies.routing import RoutingPolicy
from policies.waf import WafPolicy

MAX_FILES = 1000  # files: a policy directory that holds more is a wrong directory
MAX_FILE_BYTES = 64 << 20  # bytes: a role list of a million users
NOT_POLICY = ("*.md", "LICENSE*")  # kept beside policies for people

Policy = TypeVar("Policy")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything the policy says. `digest` is the SHA-256, in hex, of every path and its bytes, sorted by path."""

    access: AccessPolicy
    limits: LimitsPolicy
    routing: RoutingPolicy
    waf: WafPolicy
    pii: PiiPolicy
    output: OutputPolicy
    marks: MarksPolicy
    originals: OriginalsPolicy
    cases: Cases
    digest: str
    files: Mapping[str, bytes]


SECTIONS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "access": access.FILES,
        "limits": limits.FILES,
        "routing": routing.FILES,
        "waf": waf.FILES,
        "pii": pii.FILES,
        "output": output.FILES,
        "marks": marks.FILES,
        "originals": originals.FILES,
        "cases": cases.FILES,
    }
)


def load(directory: Path) -> Bundle:
    """The directory as a bundle, or `PolicyInvalid` with every problem of every section."""
    return assemble(gather(directory))


def assemble(files: Mapping[str, bytes]) -> Bundle:
    """Files already read (path relative to the policies directory → bytes) as a bundle."""
    problems = _Problems(_unread(files))
    parts = {
        "access": problems.of(access.parse, _claimed(files, access.FILES)),
        "limits": problems.of(limits.parse, _claimed(files, limits.FILES)),
        "routing": problems.of(routing.parse, _claimed(files, routing.FILES)),
        "waf": problems.of(waf.parse, _claimed(files, waf.FILES)),
        "pii": problems.of(pii.parse, _claimed(files, pii.FILES)),
        "output": problems.of(output.parse, _claimed(files, output.FILES)),
        "marks": problems.of(marks.parse, _claimed(files, marks.FILES)),
        "originals": problems.of(originals.parse, _claimed(files, originals.FILES)),
        "cases": problems.of(cases.parse, _claimed(files, cases.FILES)),
    }
    if problems.found:
        raise PolicyInvalid(problems.found)
    return Bundle(**parts, digest=digest(files), files=MappingProxyType(dict(files)))  # type: ignore[arg-type]


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over each sorted path and its bytes. Lengths come first, so that no two bundles read alike."""
    hashed = hashlib.sha256()
    for path in sorted(files):
        for part in (path.encode(), files[path]):
            hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.hexdigest()


def gather(directory: Path) -> dict[str, bytes]:
    """Every policy file below a directory, or `PolicyInvalid`. Names that begin with a dot are not policies."""
    if not directory.is_dir():
        raise PolicyInvalid(
            [Problem(str(directory), "", "is not a directory", "name the directory that holds limits.yaml")]
        )
    found: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path in _walk(directory):
        name = path.relative_to(directory).as_posix()
        try:
            found[name] = _bounded(path)
        except OSError as error:
            problems.append(Problem(name, "", f"cannot be read: {error.strerror}", "check its owner and mode"))
        if len(found) > MAX_FILES:
            raise PolicyInvalid(
                [Problem(str(directory), "", f"holds more than {MAX_FILES} files", "name the right one")]
            )
    if problems:
        raise PolicyInvalid(problems)
    return found


def _walk(directory: Path) -> Iterable[Path]:
    """Links are followed, since mounted configuration is made of them; each real directory once, so that none loops."""
    seen: set[Path] = set()
    for root, folders, names in os.walk(directory, followlinks=True):
        real = Path(root).resolve()
        folders[:] = sorted(folder for folder in folders if not folder.startswith(".") and real not in seen)
        if real not in seen:
            yield from (Path(root, name) for name in sorted(names) if _is_policy(name))
        seen.add(real)


def _is_policy(name: str) -> bool:
    return not name.startswith(".") and not any(fnmatch.fnmatchcase(name, pattern) for pattern in NOT_POLICY)


def _bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise OSError(0, f"over the limit of {MAX_FILE_BYTES} bytes")
    return data


class _Problems:
    """Collects what each section finds, so that one bad file does not hide the next."""

    def __init__(self, found: Iterable[Problem]) -> None:
        self.found = list(found)

    def of(self, parse: Callable[[Mapping[str, bytes]], Policy], files: Mapping[str, bytes]) -> Policy | None:
        try:
            return parse(files)
        except PolicyInvalid as invalid:
            self.found += invalid.problems
            return None


def _claimed(files: Mapping[str, bytes], patterns: Sequence[str]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if _matches(path, patterns)}


def _unread(files: Mapping[str, bytes]) -> list[Problem]:
    every = [pattern for patterns in SECTIONS.values() for pattern in patterns]
    hint = f"policies are read from {', '.join(sorted(every))}"
    return [Problem(path, "", "no section reads this file", hint) for path in files if not _matches(path, every)]


def _matches(path: str, patterns: Iterable[str]) -> bool:
    parts = PurePosixPath(path).parts
    return any(_fits(parts, PurePosixPath(pattern).parts) for pattern in patterns)


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """`*` stands for letters of one name, `**` for any folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])
