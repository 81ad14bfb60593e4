"""A page to test a channel by hand: copy the marked sample, send it through Word, WeChat, a screen reader's notes,
paste it back, and the page says what came through. One static file, no network, no key inside.

Not here: the decoder; the page counts invisible characters by kind and compares the words.
"""

from __future__ import annotations

import html
import json

from watermark.embed import embed
from watermark.keys import Keys

_SAMPLES = {
    "English": "A mark that nobody sees must survive what people do with a text every day: copy it, quote it, send it on, and "
    "paste it somewhere else. This paragraph carries such a mark several times, after commas and full stops only. Nothing "
    "about its words has been changed. If the count below is the same after a round trip, the channel keeps the mark.",
    "中文": "一个看不见的标记，必须经得起人们每天对文字所做的事：复制、引用、转发、再粘贴到别处。这一段话里就带着这样的标记，"
    "只出现在标点之后，文字本身没有任何改动。如果往返一次之后，下面的计数没有变化，说明这个渠道保留了标记。请把结果记到表格里，再试下一个渠道。",
}
_KINDS = {
    "VS17–256 (marks)": "[\\u{E0100}-\\u{E01EF}]",
    "VS1–16": "[\\uFE00-\\uFE0F]",
    "ZWSP, ZWNJ, ZWJ, WJ (zw profile)": "[\\u200B-\\u200D\\u2060]",
    "tags": "[\\u{E0020}-\\u{E007F}]",
    "NBSP, thin and hair spaces": "[\\u00A0\\u2009\\u200A]",
    "full-width punctuation": "[，。：；！？]",
}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>What survives this channel? · 这个渠道会保留什么？</title>
<style>body{{font:16px/1.6 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}}textarea{{width:100%;height:9rem;font:inherit}}
td,th{{padding:.2rem .8rem .2rem 0;text-align:left}}p.sample{{background:#8881;padding:.8rem}}</style>
<h1>What survives this channel? · 这个渠道会保留什么？</h1>
<p>Copy a sample, send it through the channel, paste it below. · 复制样本，经由渠道发送，再粘贴到下面。</p>
{samples}
<textarea id="back" aria-label="paste here · 粘贴到这里"></textarea>
<table id="result"></table>
<script>
const kinds = {kinds}, samples = {texts};
const count = (text, kind) => (text.match(new RegExp(kind, "gu")) || []).length;
const bare = text => text.replace(/[\\p{{P}}\\p{{Z}}\\p{{C}}\\p{{M}}\\s]/gu, "");
const far = (one, other) => Object.values(kinds).reduce((sum, kind) => sum + Math.abs(count(one, kind) - count(other, kind)), 0);
let copied = null;
document.oncopy = () => {{
  const parts = [...document.querySelectorAll("p.sample")];
  copied = samples[parts.findIndex(part => getSelection().containsNode(part, true))] ?? copied;
}};
document.getElementById("back").oninput = event => {{
  const text = event.target.value;
  const alike = samples.filter(sample => bare(sample) === bare(text)).sort((one, other) => far(one, text) - far(other, text));
  const sent = !alike.length || far(alike[0], text) ? copied || alike[0] || samples[0] : alike[0];
  const table = document.getElementById("result");
  table.replaceChildren();
  const row = cells => {{ const line = table.insertRow(); for (const cell of cells) line.insertCell().textContent = cell; }};
  row(["", "sent · 发出", "came back · 收回"]);
  for (const [name, kind] of Object.entries(kinds)) row([name, count(sent, kind), count(text, kind)]);
  row(["whole bursts · 完整标记", count(sent, "[\\u{{E0100}}-\\u{{E017F}}]{{12}}"), count(text, "[\\u{{E0100}}-\\u{{E017F}}]{{12}}")]);
  row(["words unchanged · 文字未变", "", bare(sent) === bare(text) ? "yes · 是" : "no · 否"]);
}};
</script></html>
"""


def page(keys: Keys, mark_id: int) -> str:
    """The page, its samples marked with `mark_id` in the dense profile and, a second time, in the zw profile."""
    marked = {
        f"{name}, {profile}": embed(text, keys, mark_id, profile)
        for name, text in _SAMPLES.items()
        for profile in ("dense", "zw")
    }
    samples = "\n".join(
        f"<h2>{html.escape(name)}</h2><p class=sample>{html.escape(text)}</p>" for name, text in marked.items()
    )
    texts = json.dumps(list(marked.values())).replace("<", "\\u003c")
    return _PAGE.format(samples=samples, kinds=json.dumps(_KINDS).replace("\\\\u", "\\u"), texts=texts)
