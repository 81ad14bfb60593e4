"""How well Chinese addresses are found: drawn afresh, and from a labelled set that is not part of this repository.

    python -m benchmarks.pii_addresses [--each 300] [--parsed dev.txt]

Drawn: provinces, cities and districts as they are, with roads, estates and houses as people write them, in sentences.
`--parsed` takes addresses with a sign and its tag a line (the corpus of "Neural Chinese Address Parsing", delivery
addresses as typed), put into the same sentences. Written: pii_addresses_written.txt, of which every second line was read
while the rules were made and the others (written, unseen) were not. Share of signs covered by an ADDRESS or by any find; precision is of
ADDRESS finds that touch one, with harmless sentences among them. results/pii_addresses.json.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the workers; before numpy is loaded

from benchmarks.pii_report import machine, save, table
from gateway.detect.clauses import Clauses, Finder, Named
from gateway.detect.names import rules
from gateway.detect.names.worker import Models
from gateway.detect.patterns import Patterns

WRITTEN = Path(__file__).parent / "pii_addresses_written.txt"
Case = tuple[str, int, int]  # text, and where the address stands; 0, 0 for none
_IN = [
    "收货地址：{}，电话稍后发。",
    "请寄到{}，谢谢。",
    "我家住{}。",
    "他住在{}，今年四十岁。",
    "公司位于{}，欢迎来访。",
    "{}",
    "客户昨天说已经搬到{}了。",
    "快递员问我是不是{}，我说是的。",
    "嫌疑人在{}被抓获。",
    "户籍地：{}。",
    "我们约在{}见面吧。",
    "事故发生在{}附近。",
]
_DIVISIONS = [
    "北京市海淀区",
    "北京市朝阳区",
    "上海市浦东新区",
    "上海市徐汇区",
    "天津市南开区",
    "重庆市渝北区",
    "广东省深圳市南山区",
    "广东省广州市天河区",
    "浙江省杭州市西湖区",
    "江苏省南京市鼓楼区",
    "江苏省苏州市吴中区",
    "四川省成都市武侯区",
    "湖北省武汉市洪山区",
    "陕西省西安市雁塔区",
    "山东省青岛市市南区",
    "河南省郑州市金水区",
    "湖南省长沙市岳麓区",
    "福建省厦门市思明区",
    "辽宁省大连市甘井子区",
    "黑龙江省哈尔滨市南岗区",
    "云南省昆明市五华区",
    "广西壮族自治区南宁市青秀区",
    "新疆维吾尔自治区乌鲁木齐市天山区",
    "内蒙古自治区呼和浩特市赛罕区",
    "安徽省合肥市蜀山区",
    "江西省南昌市红谷滩区",
    "贵州省贵阳市观山湖区",
    "海口市龙华区",
    "河北省石家庄市长安区",
    "山西省太原市小店区",
    "吉林省长春市朝阳区",
    "甘肃省兰州市城关区",
    "宁夏银川市兴庆区",
    "西藏拉萨市城关区",
    "无锡滨湖区",
    "东莞市长安镇",
]
_ROADS = [
    "中山北路",
    "人民东路",
    "科技园南路",
    "学院路",
    "文三路",
    "天府大道北段",
    "解放大街",
    "建设二路",
    "望京街",
    "石榴巷",
    "青年胡同",
    "滨江道",
    "桃花源里",
    "振兴西街",
    "龙阳大道",
]
_ESTATES = [
    "阳光花园",
    "锦绣家园",
    "万科城市花园",
    "碧桂园",
    "保利香槟国际",
    "绿地中心",
    "金茂大厦",
    "软件园二期",
    "和平小区",
    "翠湖天地",
    "融创御园",
    "望江名邸",
    "师范大学家属院",
]
_VILLAGES = ["河西镇李家村", "青山乡石桥村", "柳林街道东风社区", "王店镇前进村三组"]
_HARMLESS = [
    "北京是中国的首都。",
    "上海和深圳的房价都涨了。",
    "中山路上的鲁迅公园很美。",
    "我们去了杭州西湖。",
    "广东省的经济总量居全国第一。",
    "这条路很长，走了三公里。",
    "第三层是缓存，第二层是数据库。",
    "请打开一号窗口。",
    "北京大学和清华大学都在海淀区。",
    "会议在三号楼举行。",
    "江苏队以三比一战胜了山东队。",
    "他从四川来。",
    "南京市长江大桥建成通车。",
    "项目地址是",
    "https://example.com/a，请查看。",
    "内存地址是0x7f3a，越界了。",
    "首页的地址栏里输入关键词。",
    "把路由指向新的网关。",
]


def drawn(r: random.Random, each: int) -> list[Case]:
    cases = []
    for _ in range(each):
        house = r.choice(
            [
                f"{r.randint(1, 999)}号",
                f"{r.randint(1, 99)}弄{r.randint(1, 60)}号{r.randint(101, 2505)}室",
                f"{r.randint(1, 299)}号{r.choice(_ESTATES)}{r.randint(1, 30)}栋{r.randint(1, 4)}单元{r.randint(101, 3204)}",
                f"{r.choice(_ESTATES)}{r.randint(1, 30)}号楼{r.randint(101, 3204)}室",
                f"{r.randint(1, 299)}号{r.choice(_ESTATES)}{r.choice('ABC')}座{r.randint(2, 30)}层",
                f"{r.choice(_ESTATES)}{r.randint(1, 20)}-{r.randint(1, 4)}-{r.randint(101, 1803)}",
            ]
        )
        way = r.choice(_VILLAGES) + f"{r.randint(1, 99)}号" if r.random() < 0.15 else r.choice(_ROADS) + house
        cases.append(_said(r, (r.choice(_DIVISIONS) if r.random() < 0.8 else "") + way))
    return cases + [(said, 0, 0) for said in _HARMLESS for _ in range(max(1, each // 30))]


def parsed(path: Path, r: random.Random, each: int) -> list[Case]:
    rows = path.read_text("utf-8").strip().split("\n\n")
    written = ["".join(" " if line[0] == "_" else line[0] for line in row.split("\n")).strip() for row in rows]
    return [_said(r, one) for one in r.sample(written, min(each, len(written)))]


def written(unseen: bool) -> list[Case]:
    """Every second line of the invented ones."""
    lines = [line for line in WRITTEN.read_text("utf-8").splitlines() if not line.startswith("#")]
    parts = [re.split("[⟦⟧]", line) for line in lines[unseen::2]]
    return [(before + said + behind, len(before), len(before) + len(said)) for before, said, behind in parts]


def _said(r: random.Random, address: str) -> Case:
    sentence = r.choice(_IN)
    at = sentence.index("{}")
    return sentence.format(address), at, at + len(address)


def measure(name: str, cases: Sequence[Case], source: Clauses) -> dict[str, object]:
    began = time.process_time()
    found = [[one for one in source.read(text, 0, ended=True).spans if one.score >= 0.5] for text, _, _ in cases]
    seconds = time.process_time() - began
    signs = named = hidden = touched = finds = right = count = 0
    for (text, low, high), spans in zip(cases, found, strict=True):
        addresses = [one for one in spans if one.entity == "ADDRESS"]
        finds += len(addresses)
        right += sum(one.start < high and low < one.end for one in addresses)
        places = [at for at in range(low, high) if text[at].isalnum()]
        signs, count = signs + len(places), count + (high > low)
        covered = sum(any(one.start <= at < one.end for one in addresses) for at in places)
        named, touched = named + covered, touched + (covered > 0)
        hidden += sum(any(one.start <= at < one.end for one in spans) for at in places)
    kilobytes = sum(len(text.encode()) for text, _, _ in cases) / 1000
    return {
        "set": name,
        "addresses": count,
        "touched": round(touched / count, 3),
        "signs in an ADDRESS": round(named / signs, 3),
        "signs in any find": round(hidden / signs, 3),
        "precision": round(right / max(1, finds), 3),
        "ms/KB": round(seconds * 1e3 / kilobytes, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=300)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--parsed", type=Path)
    args = parser.parse_args()
    models = Models()
    models.find(["张三在北京"])
    both: Finder = lambda said: Named(  # noqa: E731
        [[*some, *more] for some, more in zip(models.find(said), rules.find_each(said), strict=True)]
    )
    rows = []
    for how, finder in (("models", both), ("rules", lambda said: Named(rules.find_each(said)))):
        source, r = Clauses(Patterns(), finder), random.Random(args.seed)
        sets = {"drawn": drawn(r, args.each), "written": written(False), "written, unseen": written(True)}
        sets |= {"delivery addresses": parsed(args.parsed, r, args.each)} if args.parsed else {}
        rows += [{"how": how, **measure(name, cases, source)} for name, cases in sets.items()]
    print(table(rows))
    save("pii_addresses", {"seed": args.seed, "rows": rows, "machine": machine()})


if __name__ == "__main__":
    main()
