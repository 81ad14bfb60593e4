"""Do answers still work? 500 code, JSON, tool-call, YAML, CSV, SQL, HTML and shell answers, fenced and bare, are
marked with the densest profile in fragments of a token's size; each must parse to the same value as before, and no
mark may stand inside. Writes results/watermark_answers.json.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import platform
import re
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import watermark_corpus as corpus
import yaml

from watermark import Embedder, Keys

RESULT = Path(__file__).parent / "results" / "watermark_answers.json"
KEYS = Keys.from_master(b"a master secret for the benchmark")
FENCE = "```"


def python_code(chance: Random) -> str:
    words = [
        corpus.sentence(chance.choice(("en", "zh")), chance).replace('"', "'").replace("\\", "/") for _ in range(3)
    ]
    return (
        f'"""{words[0]}"""\n\nimport json\n\nTITLE = "{words[1]}"\n\n\nclass Report(dict):\n    """{words[2]}"""\n\n'
        f'    def total(self, first, second=("a, b", "c. D")):\n        # {words[0]}\n        return json.dumps([first, second])\n\n\n'
        f'print(Report(name="{words[2]}").total(1, 2))\n'
    )


def value(chance: Random, depth: int = 0) -> object:
    if depth > 2 or chance.random() < 0.4:
        return chance.choice(
            [corpus.sentence("en", chance), corpus.sentence("zh", chance), chance.random(), None, True, 12]
        )
    if chance.random() < 0.5:
        return [value(chance, depth + 1) for _ in range(chance.randint(1, 4))]
    return {f"Key {n}, part": value(chance, depth + 1) for n in range(chance.randint(1, 4))}


def table(chance: Random) -> list[list[str]]:
    return [["Name", "Age", "City"]] + [[f"Person {n}", str(chance.randint(20, 60)), "Paris"] for n in range(12)]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


def html(text: str) -> object:
    parser = Tags()
    parser.feed(text)
    return parser.seen


def machine_text(kind: str, chance: Random) -> str:
    if kind == "python":
        return python_code(chance)
    if kind == "json":
        return json.dumps(
            value(chance) if chance.random() < 0.3 else {"answer": value(chance)},
            ensure_ascii=False,
            indent=chance.choice((None, 2)),
        )
    if kind == "tool":
        call = {"name": "send", "arguments": json.dumps({"to": "a@b.example", "text": corpus.sentence("en", chance)})}
        return f"<tool_call>\n{json.dumps(call)}\n</tool_call>"
    if kind == "yaml":
        return yaml.safe_dump(
            {"title": corpus.sentence("en", chance), "items": [corpus.sentence("zh", chance)]},
            allow_unicode=True,
            width=10_000,
        )
    if kind == "csv":
        buffer = io.StringIO()
        csv.writer(buffer).writerows(table(chance))
        return buffer.getvalue().replace(",", ", ")
    if kind == "html":
        return f"<!DOCTYPE html>\n<html>\n<body>\n<p title='{chance.random()}'>{corpus.sentence('en', chance)}</p>\n\n<p>{corpus.sentence('zh', chance)}</p>\n</body>\n</html>"
    if kind == "sql":
        return (
            "SELECT name, age, city FROM people, places WHERE people.home = places.id AND note = 'Well, then. So be it';\n"
            * 3
        )
    return 'echo "Hello, dear world. How are you, all of you" && ls -la, | grep x\nfor f in a b; do echo "One, two. $f"; done\n'


PARSERS = {
    "python": lambda text: ast.dump(ast.parse(text)),
    "json": json.loads,
    "tool": lambda text: json.loads(json.loads(re.sub("</?tool_call>", "", text))["arguments"]),
    "yaml": yaml.safe_load,
    "csv": lambda text: list(csv.reader(io.StringIO(text), skipinitialspace=True)),
    "html": html,
    "sql": lambda text: text,
    "shell": lambda text: text,
}


def prose(language: str, chance: Random) -> str:
    return " ".join(corpus.sentence(language, chance) for _ in range(5))


def marked(text: str, chance: Random) -> str:
    embedder, at, sent = Embedder(KEYS, chance.getrandbits(34), "dense"), 0, []
    while at < len(text):
        size = chance.randint(1, 6)
        sent.append(embedder.feed(text[at : at + size]))
        at += size
    return "".join(sent) + embedder.finish()


def main() -> None:
    chance, rows = Random(20261126), {}
    for kind, parse in PARSERS.items():
        counts = {"bare": 0, "fenced": 0, "marks_inside": 0, "changed": 0, "prose_around_marked": 0}
        for number in range(63):
            body, fenced = machine_text(kind, chance), number % 2
            before, after = (prose("en", chance), prose("zh", chance)) if fenced else ("", "")
            text = f"{before}\n\n{FENCE}{kind}\n{body}\n{FENCE}\n\n{after}" if fenced else body
            out = marked(text, chance)
            inside = out.split(FENCE)[1].removeprefix(f"{kind}\n").removesuffix("\n") if fenced else out
            counts["fenced" if fenced else "bare"] += 1
            counts["marks_inside"] += len(corpus.MARKS.findall(inside)) // 12
            counts["changed"] += parse(inside) != parse(body)
            counts["prose_around_marked"] += bool(fenced and corpus.MARKS.search(out))
        rows[kind] = counts
        print(f"{kind:8} {counts}")
    total = sum(row["bare"] + row["fenced"] for row in rows.values())
    facts = {
        "command": "benchmarks/watermark_answers.py",
        "machine": platform.machine(),
        "answers": total,
        "profile": "dense",
        "rows": rows,
    }
    RESULT.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
