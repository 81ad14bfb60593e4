"""False finds in texts that hold nobody's data: `python -m benchmarks.pii_harmless [--megabytes N] [--show N]`.

Texts that lie on a usual machine and that nobody drew for this (manual pages in several languages, licences, documentation, the
standard library, installed packages, C headers), and drawn logs of a dozen kinds with fresh figures. Addresses of machines
and e-mail addresses that stand in them are there to be found, and counted apart. results/pii_harmless.json.
"""

from __future__ import annotations

import argparse
import gzip
import random
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.pii_report import machine, save, table
from gateway.detect.patterns import Patterns
from gateway.detect.span import Span

THRESHOLD = 0.5
REAL = {
    "EMAIL_ADDRESS",
    "IP_ADDRESS",
    "MAC_ADDRESS",
    "URL_CREDENTIALS",
}  # these are what they look like, wherever they stand
MOST = 600_000  # bytes of one file
LIBRARY = Path(sysconfig.get_paths()["stdlib"])
PACKAGES = Path(sysconfig.get_paths()["purelib"])
FILES: dict[str, tuple[str, Path, str]] = {
    "manual pages, English": ("prose", Path("/usr/share/man"), "man[1-8]/*.gz"),
    "manual pages, Chinese": ("prose", Path("/usr/share/man"), "zh*/**/*.gz"),
    "manual pages, other languages": ("prose", Path("/usr/share/man"), "[a-y][a-z]/**/*.gz"),
    "licences": ("prose", Path("/usr/share/common-licenses"), "*"),
    "copyright files": ("prose", Path("/usr/share/doc"), "*/copyright"),
    "changelogs": ("prose", Path("/usr/share/doc"), "*/changelog*"),
    "standard library": ("code", LIBRARY, "[!st]*/**/*.py"),
    "installed packages": ("code", PACKAGES, "**/*.py"),
    "C headers": ("code", Path("/usr/include"), "**/*.h"),
    "Perl": ("code", Path("/usr/share/perl"), "**/*.p[ml]"),
    "JavaScript": ("code", Path("/usr/lib/node_modules"), "**/*.js"),
}


def _text(file: Path) -> str:
    try:
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        return data.decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError):
        return ""


def texts(root: Path, pattern: str, most: int, rng: random.Random) -> Iterator[str]:
    """Some of the files under `root`, at most so many bytes of them."""
    files = sorted(file for file in root.glob(pattern) if file.is_file() and file.stat().st_size < MOST)
    rng.shuffle(files)
    read = 0
    for file in files:
        text = _text(file)
        read += len(text.encode())
        if text:
            yield text
        if read > most:
            return


def _hex(rng: random.Random, size: int) -> str:
    return f"{rng.getrandbits(size * 4):0{size}x}"


def _at(rng: random.Random) -> str:
    return f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}.{rng.randint(0, 999):03}"


LOGS: dict[str, Callable[[random.Random], str]] = {
    "nginx": lambda r: (
        f'127.0.0.1 - - [{r.randint(1, 28):02}/Nov/2026:10:{r.randint(10, 59)}:{r.randint(10, 59)} +0800] "GET /api/v{r.randint(1, 3)}/items/{r.randint(1, 10**9)}?page={r.randint(1, 99)} HTTP/1.1" {r.choice([200, 304, 404])} {r.randint(100, 10**7)} "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{r.randint(90, 140)}.0.{r.randint(1000, 7000)}.{r.randint(10, 200)} Safari/537.36" rt={r.random():.3f}'
    ),
    "kubernetes": lambda r: (
        f'I11{r.randint(10, 28)} 10:{r.randint(10, 59)}:{r.randint(10, 59)}.{r.randint(0, 999999):06} {r.randint(1, 99999):7} controller.go:{r.randint(10, 999)}] "Reconciling" pod="default/web-{_hex(r, 10)}-{_hex(r, 5)}" uid="{_hex(r, 8)}-{_hex(r, 4)}-{_hex(r, 4)}-{_hex(r, 4)}-{_hex(r, 12)}" resourceVersion="{r.randint(10**6, 10**10)}" generation={r.randint(1, 99)}'
    ),
    "java": lambda r: (
        f"{_at(r)} ERROR [http-nio-8080-exec-{r.randint(1, 200)}] c.a.o.OrderService - orderId={r.randint(10**17, 10**18)} failed after {r.randint(1, 99999)}ms\n\tat com.acme.order.OrderService.place(OrderService.java:{r.randint(10, 999)}) ~[order-{r.randint(1, 9)}.{r.randint(0, 20)}.{r.randint(0, 9)}.jar:?]\n\tat jdk.internal.reflect.GeneratedMethodAccessor{r.randint(1, 9999)}.invoke(Unknown Source)"
    ),
    "journald": lambda r: (
        f"Nov {r.randint(1, 28):2} 10:{r.randint(10, 59)}:{r.randint(10, 59)} node{r.randint(1, 40)} kernel: [{r.randint(1, 10**6)}.{r.randint(0, 999999):06}] nvme{r.randint(0, 3)}n1: I/O {r.randint(1, 999)} QID {r.randint(1, 64)} timeout, sector {r.randint(10**8, 10**11)} op 0x{_hex(r, 1)}:(READ) flags 0x{_hex(r, 5)}"
    ),
    "slow queries": lambda r: (
        f"# Query_time: {r.random() * 10:.6f}  Lock_time: {r.random() / 100:.6f} Rows_sent: {r.randint(0, 10**6)}  Rows_examined: {r.randint(0, 10**9)}\nSET timestamp={r.randint(17 * 10**8, 18 * 10**8)};\nSELECT * FROM orders WHERE id > {r.randint(10**9, 10**12)} AND amount < {r.randint(1, 10**6)}.{r.randint(10, 99)} LIMIT {r.randint(1, 10**5)};"
    ),
    "git": lambda r: (
        f"commit {_hex(r, 40)}\nMerge: {_hex(r, 7)} {_hex(r, 7)}\nDate:   Mon Nov {r.randint(1, 28)} 10:{r.randint(10, 59)}:{r.randint(10, 59)} 2026 +0800\n\n    fix: bump to {r.randint(0, 9)}.{r.randint(0, 30)}.{r.randint(0, 9)}.{r.randint(0, 9)} (#{r.randint(1, 99999)})\n src/a.py | {r.randint(1, 999)} ++--\n index {_hex(r, 10)}..{_hex(r, 10)} 100644"
    ),
    "pip": lambda r: (
        f"Downloading numpy-{r.randint(1, 2)}.{r.randint(0, 30)}.{r.randint(0, 9)}-cp311-cp311-manylinux_2_17_x86_64.whl ({r.randint(1, 99)}.{r.randint(0, 9)} MB)\n  Using cached --hash=sha256:{_hex(r, 64)}\n     ━━━━━━ {r.randint(1, 99)}.{r.randint(0, 9)}/{r.randint(1, 99)}.{r.randint(0, 9)} MB {r.randint(1, 99)}.{r.randint(0, 9)} MB/s eta 0:00:{r.randint(10, 59)}"
    ),
    "sensors": lambda r: ",".join(
        [
            _at(r),
            f"S{r.randint(1, 999):03}",
            *(f"{r.uniform(-1000, 10 ** r.randint(1, 6)):.{r.randint(0, 8)}f}" for _ in range(8)),
            str(r.randint(0, 10 ** r.randint(3, 18))),
        ]
    ),
    "training": lambda r: (
        f"step {r.randint(1, 10**6)}/{10**6} loss={r.random() * 5:.10f} lr={r.random() / 1000:.3e} grad_norm={r.random() * 9:.6f} tokens={r.randint(10**9, 10**13)} mem={r.randint(10**9, 8 * 10**10)} tok/s={r.randint(10**3, 10**6)}"
    ),
    "prometheus": lambda r: (
        f'http_request_duration_seconds_bucket{{le="{r.random() * 10:.2f}",handler="/api"}} {r.randint(1, 10**12)} {r.randint(17 * 10**11, 18 * 10**11)}'
    ),
    "JSON lines": lambda r: (
        f'{{"ts":{r.randint(17 * 10**11, 18 * 10**11)},"trace_id":"{_hex(r, 32)}","span_id":"{_hex(r, 16)}","seq":{r.randint(1, 10**15)},"offset":{r.randint(10**9, 10**12)},"partition":{r.randint(0, 63)},"latency_us":{r.randint(1, 10**7)}}}'
    ),
    "Chinese": lambda r: (
        f"{_at(r).replace('T', ' ')} [信息] 任务编号{r.randint(10**15, 10**16)}：第{r.randint(1, 99)}批共处理{r.randint(10**6, 10**9)}条，耗时{r.random() * 99:.3f}秒，流水号{r.randint(10**16, 10**17)}，库存剩余{r.randint(1, 10**8)}，金额{r.randint(1, 99)},{r.randint(100, 999)},{r.randint(100, 999)}.{r.randint(10, 99)}元，校验值{_hex(r, 8)}"
    ),
    "hex dumps": lambda r: f"{r.randint(0, 10**6):08x}: {' '.join(_hex(r, 4) for _ in range(8))}  ................",
    "tables of figures": lambda r: "  ".join(f"{r.randint(0, 10 ** r.randint(2, 9)):>10}" for _ in range(7)),
}


def judged(patterns: Patterns, group: str, name: str, pieces: Iterator[str], show: int) -> dict[str, object]:
    """Finds in some texts, those apart that are what they look like."""
    size, false, real, shown = 0, 0, 0, show
    for text in pieces:
        size += len(text.encode())
        for span in patterns.find(text):
            if span.score < THRESHOLD:
                continue
            real += span.entity in REAL
            false += span.entity not in REAL
            if span.entity not in REAL and shown:
                shown -= 1
                _print(name, text, span)
    per = round(false / max(size, 1) * 102_400, 2)
    return {
        "kind": group,
        "text": name,
        "kilobytes": size // 1024,
        "false": false,
        "per 100 KB": per,
        "addresses found": real,
    }


def _print(name: str, text: str, span: Span) -> None:
    around = f"{text[max(0, span.start - 24) : span.start]}⟦{text[span.start : span.end][:48]}⟧{text[span.end : span.end + 10]}"
    print(f"  {name}: {span.entity} {span.rule} {around!r}")


def _lines(rng: random.Random, line: Callable[[random.Random], str], size: int) -> Iterator[str]:
    text = "\n".join(line(rng) for _ in range(size // 120))
    yield text


def main() -> None:
    """Read, look, count, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=3.0, help="of each kind of file")
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--show", type=int, default=0, help="print so many of each")
    asked = parser.parse_args()
    patterns, rng = Patterns(), random.Random(asked.seed)
    most = int(asked.megabytes * 1_000_000)
    rows = [
        judged(patterns, group, name, texts(root, glob, most, rng), asked.show)
        for name, (group, root, glob) in FILES.items()
    ]
    rows += [judged(patterns, "log", name, _lines(rng, line, 400_000), asked.show) for name, line in LOGS.items()]
    rows = [row for row in rows if row["kilobytes"]]
    print(table(rows))
    save("pii_harmless", {"seed": asked.seed, "rows": rows, "machine": machine()})


if __name__ == "__main__":
    main()
