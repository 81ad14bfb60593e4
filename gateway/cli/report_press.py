"""From what was measured to files: one report, or a month's pack of all frameworks. Arguments and words are `report`'s."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from compliance_reports import signature
from compliance_reports.model import Framework, Verdict
from compliance_reports.render import html, oscal, pdf, table
from compliance_reports.reporting import Measured, Report, compared, report
from gateway.audit.seal import Signer
from gateway.core.errors import GatewayError

RENDERERS: dict[str, Callable[[Report, str, str], bytes]] = {
    ".html": html.render,
    ".pdf": pdf.render,
    ".json": oscal.render,
    ".csv": table.render,
}
PACK = (".html", ".json", ".csv")  # PDF needs fonts that a server may not have


@dataclass(frozen=True, slots=True)
class Target:
    """A report to write, and the earlier one (OSCAL) that it is compared with."""

    framework: Framework
    out: Path
    before: Path | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """What all reports of one run share. Without a signer, as on an auditor's machine, nothing is signed."""

    language: str
    generator: str
    signer: Signer | None

    def check(self, target: Target) -> None:
        """Raise before the long work for what cannot be written anyway."""
        if target.out.suffix not in RENDERERS:
            what = f"a report is not written as {target.out.suffix!r}"
            raise GatewayError(what, str(target.out), f"one of {', '.join(RENDERERS)}")

    def write(self, target: Target, found: Measured, proofs: Mapping[str, str]) -> Report:
        """Signed inside, for `report verify`, and beside, for anybody's openssl."""
        made = report(target.framework, found, self.generator, proofs)
        if target.before is not None:
            made = compared(made, _verdicts(target.before))
        signer = self.signer
        data = RENDERERS[target.out.suffix](made, self.language, signature.blank(signer.public) if signer else "")
        if signer is not None:
            data = signature.signed(data, signer.sign)
            target.out.with_name(f"{target.out.name}.sig").write_bytes(signer.sign(data))
        target.out.write_bytes(data)
        return made


def pack(args: argparse.Namespace, frameworks: list[Framework]) -> list[Target]:
    """Every framework in a folder; a scheduled pack gets one named after its month, and is compared with the last."""
    folder: Path = args.out / _month(args.since) if args.schedule else args.out
    folder.mkdir(parents=True, exist_ok=True)
    last = args.out / _month(args.since - 1) if args.schedule else args.since_report
    return [Target(one, folder / f"{one.id}{suffix}", _earlier(last, one)) for one in frameworks for suffix in PACK]


def last_month(now: datetime) -> tuple[float, float]:
    """The calendar month before this one, in UTC: its first second, and the first after it."""
    end = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    begin = end.replace(year=end.year - 1, month=12) if end.month == 1 else end.replace(month=end.month - 1)
    return begin.timestamp(), end.timestamp()


def _month(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m")


def _earlier(folder: Path | None, framework: Framework) -> Path | None:
    file = folder / f"{framework.id}.json" if folder is not None else None
    return file if file is not None and file.exists() else None


def _verdicts(file: Path) -> dict[str, Verdict]:
    try:
        return oscal.verdicts(file.read_bytes())
    except ValueError as error:
        raise GatewayError(f"cannot be compared with: {error}", str(file), "name an earlier .json report") from error
