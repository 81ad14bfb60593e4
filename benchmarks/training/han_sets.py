"""What the network for Chinese learns from beside labelled sets: drawn names, addresses and sentences. Says nothing of how it learns.

None of the sets is in this repository; `han_sources.yaml` names them, their licences and commits.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

from benchmarks.training.han_said import Said
from benchmarks.training.han_spelling import spelt
from gateway.detect.names import addresses
from gateway.detect.names.tagger import listed

SENTENCES = Path(__file__).parent / "han_sentences.txt"
_UYGHUR = "阿不都拉 买买提 艾合买提 吐尔逊 古丽 热合曼 库尔班 依明 玉素甫 阿依古丽 帕提古丽 木合塔尔 艾力 卡德尔 赛买提 阿布都热依木 努尔 夏提 迪丽热巴 古力娜扎 哈斯木 肉孜 吾买尔 艾山 祖农 塔依尔 阿迪力 伊力哈木 热依扎 沙吾提 买合木提".split()  # noqa: SIM905
_TIBETAN = "扎西 卓玛 次仁 多吉 格桑 尼玛 达瓦 平措 旺堆 央金 拉姆 顿珠 洛桑 丹增 白玛 仁青 边巴 米玛 普布 索朗 旺姆 曲珍 德吉 益西 罗布 土登 加央 坚赞 才让 桑吉 嘉措 拉巴".split()  # noqa: SIM905
_MONGOL = "巴特尔 乌云其其格 图雅 格日勒 苏和 布和 娜仁 托娅 朝鲁 那顺 阿古拉 萨仁 其木格 巴雅尔 呼和 额尔敦 宝音 敖登 哈斯 斯琴 高娃 乌兰 青格勒 孟和 白音 特木尔".split()  # noqa: SIM905
_COMPOUND = "欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 司徒 夏侯 南宫 端木 长孙 宇文 闻人 轩辕 钟离".split()  # noqa: SIM905
TITLES = "经理 总经理 主任 院长 校长 局长 书记 教授 医生 老师 律师 工程师 会计 总裁 董事 秘书长 处长 科长 部长 副部长 主席 副主席 总统 研究员 发言人 负责人 创始人 首席执行官 警官 护士 导演 秘书 监事 财务总监 副总裁 队长 店长 村主任".split()  # noqa: SIM905
_THINGS = "手机 电脑 合同 报告 项目 发票 空调 冰箱 订单 数据库 二叉树 快速排序 健康 环境保护 梦想 春天 机器学习 系统 软件 方案 红烧肉 旅行 人生 未来 预算 会议 贷款 保险 论文 课程 时间管理 区块链".split()  # noqa: SIM905
_COUNTRIES = "美国 英国 法国 德国 日本 韩国 俄罗斯 印度 巴西 埃及 加拿大 澳大利亚 意大利 西班牙 巴基斯坦 伊朗 泰国 越南 新加坡 纽约 伦敦 巴黎 东京 首尔 莫斯科 柏林 洛杉矶 悉尼 以色列 南非 墨西哥 阿根廷 土耳其 波兰 瑞典 芬兰 希腊 华盛顿 硅谷 欧洲 非洲".split()  # noqa: SIM905
_KINDS = "大学 集团 银行 医院 公司 股份有限公司 科技有限公司 法院 公安局 检察院 电视台 出版社 研究院 教育局 俱乐部 中学 证券 协会 委员会".split()  # noqa: SIM905
_ROADS = "中山 人民 解放 建设 和平 新华 文化 胜利 工业 学府 长江 黄河 朝阳 迎宾 府前 环城 滨河 天河 江南 东风 光明 团结 友谊 幸福 文昌 南湖 北苑 西湖 龙腾 凤凰 金桥 创业 科技 高新 银河 景秀 香山 石桥 柳林 双塔 三里 五一 八一 二七 望江 体育 市府 兴业 富强 民主 永安 振华 复兴 育才 东环 西环 南环 北环 经十 纬七".split()  # noqa: SIM905
_WAYS = ["路"] * 8 + "街 大道 大街 东路 西路 南路 北路 中路 一路 二路 巷 弄 胡同 支路 公路 横路".split()  # noqa: SIM905
_ESTATES = "小区 花园 公寓 大厦 广场 家园 新村 苑 府 城 花苑 名苑 嘉园 豪庭 国际 商务楼 写字楼 产业园 工业园 科技园 市场 商城 校区 宿舍 华府 御园 名邸 一品 里 庭 郡 湾 轩 阁 公馆 新城 雅苑 中心 创意园 物流园 学院".split()  # noqa: SIM905
_PRETTY = "阳光 锦绣 金色 翠湖 碧水 万科 绿地 保利 恒大 融创 中海 龙湖 世纪 东方 海天 星河 蓝天 香榭 丽景 天鹅 金地 华润 盛世 泰和 山水 江南 国贸 时代 帝景 水岸 枫林 紫荆 玫瑰 康乐 和谐 瑞景 祥和 文华 观澜 银泰 万达 宝龙 新天地 未来 莱茵 米兰 北岸 金都 云栖 梧桐 春江 白马 滨江 大华 嘉里 颐和".split()  # noqa: SIM905
_DOORS = [
    "门口",
    "前台",
    "南门",
    "北门",
    "东门",
    "西门",
    "对面",
    "旁边",
    "隔壁",
    "附近",
    "门卫",
    "传达室",
    "菜鸟驿站",
    "丰巢",
    "收发室",
    "物业",
    "大门口",
    "超市",
    "快递柜",
]
_SHOPS = "超市 便利店 服饰 药店 饭店 美容院 幼儿园 小学 中学 电脑店 五金店 水果店 理发店 网吧 宾馆 茶楼 专卖店 鞋厂 服装厂 电子厂 农贸市场 派出所 卫生院 营业厅".split()  # noqa: SIM905
_WORDS = "和有让好来用在上下中大小多少能会要可以到说见去得全不为之一二三五九生起才地所以然后前年日月天水火土木"  # signs that names end with and that are words
_DIVISIONS = re.compile(r"[\u4e00-\u9fff]{2,4}")


class Drawer:
    """Names, addresses and the other things of sentences, drawn by one source of chance."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.r = random.Random(seed)
        signs = [line for line in _lines("han.txt") if not line.startswith("#")]
        self.common, self.other, *self.given_signs, _ = signs
        self.weights = [1 / (at + 8) for at in range(len(self.common))]
        self.old = [name for name in (folder / "old_names.txt").read_text("utf-8").split() if 2 <= len(name) <= 3]
        self.japanese = (folder / "japanese_names.txt").read_text("utf-8").split()
        self.districts = (folder / "districts.txt").read_text("utf-8").split()
        self.met = (folder / "addresses.txt").read_text("utf-8").split("\n")
        self.heads = [one for one in addresses.HEADS.split("|") if _DIVISIONS.fullmatch(one)]
        self.latin = sorted(listed("given")), sorted(listed("family"))
        parts = re.split(r"\[\w+\]\n", SENTENCES.read_text("utf-8"))[1:]
        self.people, self.places, self.nobody = (part.strip("\n").split("\n") for part in parts)

    def surname(self) -> str:
        chance = self.r.random()
        if chance < 0.86:
            return self.r.choices(self.common, self.weights)[0]
        return self.r.choice(self.other) if chance < 0.97 else self.r.choice(_COMPOUND)

    def given(self) -> str:
        chance = self.r.random()
        if chance < 0.3:
            return self.r.choice(self.old)[1:]
        size = 1 if chance < 0.45 else 2
        if chance > 0.95:
            return self.r.choice(self.given_signs[0]) * 2  # 婷婷
        ranks = [*self.given_signs, _WORDS]
        return "".join(self.r.choice(self.r.choices(ranks, (74, 17, 5, 4))[0]) for _ in range(size))

    def whole(self) -> str:
        return self.r.choice(self.old) if self.r.random() < 0.12 else self.surname() + self.given()

    def nickname(self) -> str:
        one = self.r.choices(self.common, self.weights)[0]
        last = self.r.choice(self.given_signs[0])
        return self.r.choice(
            [f"小{one}", f"老{one}", f"小{last}", f"阿{last}", f"{one}哥", f"{one}姐", f"{last}{last}", f"大{one}"]
        )

    def foreign(self, *, whole: bool | None = None) -> str:
        parts = [spelt(self.r.choice(self.latin[0])), spelt(self.r.choice(self.latin[1]))]
        whole = self.r.random() < 0.5 if whole is None else whole
        if whole:
            middle = [spelt(self.r.choice(self.latin[0]))] if self.r.random() < 0.15 else []
            return self.r.choice(["·"] * 8 + ["・", "•"]).join([parts[0], *middle, parts[1]])
        return next((one for one in parts[::-1] if 2 <= len(one) <= 6), parts[1])

    def dotted(self) -> str:
        r = self.r
        chance = r.random()
        if chance < 0.4:
            return r.choice(_UYGHUR) + "·" + r.choice(_UYGHUR)
        if chance < 0.5:
            return r.choice(_UYGHUR)
        if chance < 0.85:
            return r.choice(_TIBETAN) + r.choice(["", *_TIBETAN])
        return r.choice(_MONGOL)

    def name_like(self, name: str) -> str:
        """Another of the same kind."""
        if "·" in name or "・" in name or len(name) > 4:
            return self.foreign(whole="·" in name or "・" in name)
        if name[:1] in "小老阿大" and len(name) == 2:
            return self.nickname()
        if len(name) in (2, 3) and (name[0] in self.common or name[0] in self.other):
            return self.whole()
        return self.given() if len(name) == 2 else self.foreign(whole=False)

    def place(self) -> str:
        r = self.r
        chance = r.random()
        if chance < 0.3:
            return r.choice(_COUNTRIES)
        return r.choice(self.heads) + r.choice(["", "", "市", "省"]) if chance < 0.8 else r.choice(self.districts)

    def organisation(self) -> str:
        r = self.r
        own = r.choice([self.place(), r.choice(_PRETTY), "".join(r.sample(self.given_signs[0], 2)), self.whole()[:2]])
        return own + r.choice(["", r.choice(_PRETTY)]) + r.choice(_KINDS)

    def number(self, most: int) -> str:
        return str(self.r.randint(1, most))

    def address(self) -> str:
        """As forms and couriers have it: whole, or with parts left out, with or without anything between."""
        r = self.r
        if r.random() < 0.15:
            return r.choice(self.met)
        city = r.choice(self.heads) + r.choice(["市", "市", "", "省"])
        district = r.choice(self.districts)
        town = r.choice(self.districts)[:2] + r.choice(["镇", "街道", "乡"])
        village = "".join(r.sample(self.given_signs[0], 2)) + r.choice(["村", "社区", "新村", "家村"])
        own = r.choice(_ROADS) if r.random() < 0.6 else "".join(r.sample(self.given_signs[0] + self.given_signs[1], 2))
        road = (
            own
            + r.choice(_WAYS)
            + (
                self.number(2000) + r.choice(["号", "号", "号", "弄", "-" + self.number(30) + "号"])
                if r.random() < 0.75
                else ""
            )
        )
        estate = (
            (r.choice(_PRETTY) if r.random() < 0.7 else own) + r.choice(["", r.choice(_PRETTY)]) + r.choice(_ESTATES)
        )
        parts = [
            (city, 0.6),
            (district, 0.55),
            (town, 0.2),
            (village, 0.15),
            (road, 0.6),
            (estate, 0.55),
            (self.room(), 0.65),
            (r.choice([self.surname() + self.given()[:1], r.choice(_PRETTY), ""]) + r.choice(_SHOPS), 0.12),
            (r.choice(_DOORS), 0.12),
        ]
        chosen = [part for part, chance in parts if r.random() < chance]
        if len(chosen) < 3:
            chosen = [city, district, road, estate, self.room()][: r.randint(3, 5)]
        between = r.choice([""] * 8 + [" "])
        said = between.join(chosen)
        return _wide(said) if r.random() < 0.03 else said

    def room(self) -> str:
        r, n = self.r, self.number
        return r.choice(
            [
                f"{n(40)}{r.choice(['栋', '幢', '号楼', '座', '#'])}{n(6)}单元{n(3300)}{r.choice(['室', '', '号'])}",
                f"{n(40)}{r.choice(['栋', '幢', '号楼', '座'])}{n(3300)}{r.choice(['室', '', '房'])}",
                f"{n(30)}-{n(6)}-{n(3300)}",
                f"{n(30)}-{n(3300)}",
                f"{r.choice('ABCDE')}{r.choice(['座', '栋', '幢', '区', '馆'])}{n(40)}{r.choice(['楼', '层', 'F'])}",
                f"{r.choice('ABCDE')}{r.choice(['座', '栋'])}{n(3300)}",
                f"{n(30)}{r.choice(['楼', '层'])}{n(3300)}{r.choice(['室', ''])}",
                f"{n(3300)}{r.choice(['室', '房', '号', '铺'])}",
                f"{n(20)}组{n(200)}号",
                f"{r.choice('一二三四五六七八九十')}{r.choice(['期', '区', '楼', '幢', '组'])}{n(60)}{r.choice(['号', '幢', '栋'])}{n(3300)}",
            ]
        )

    def filled(self, sentence: str) -> Said:
        """A sentence with its braces filled."""
        text, spans = "", []
        for part in re.split(r"(\{\w\})", sentence):
            sign = part[1] if re.fullmatch(r"\{\w\}", part) else ""
            value = self._thing(sign) if sign else part
            kind = {"c": "LOC", "o": "ORG", "a": "ADR"}.get(sign) or ("PER" if sign and sign in "ngksfjm" else "")
            if kind:
                spans.append((len(text), len(text) + len(value), kind))
            text += value
        return Said(text, spans)

    def _thing(self, sign: str) -> str:
        r = self.r
        drawn = {
            "n": self.whole,
            "g": self.given,
            "k": self.nickname,
            "s": self.surname,
            "f": self.foreign,
            "m": self.dotted,
            "c": self.place,
            "o": self.organisation,
            "a": self.address,
        }
        if sign in drawn:
            return drawn[sign]()
        if sign == "j":
            return r.choice(self.japanese)
        if sign == "d":
            return r.choice(
                [
                    f"{r.randint(1950, 2026)}年{r.randint(1, 12)}月{r.randint(1, 28)}日",
                    f"{r.randint(1, 12)}月{r.randint(1, 28)}日",
                    f"{r.randint(1980, 2026)}-0{r.randint(1, 9)}-1{r.randint(0, 9)}",
                    "昨天",
                    "上周五",
                ]
            )
        if sign == "u":
            return str(r.randint(1, 10 ** r.randint(1, 11)))
        return r.choice(TITLES if sign == "t" else _THINGS)

    def swapped(self, said: Said) -> tuple[Said, list[tuple[int, int]]]:
        """The same sentence about others, and for each part where it was: (how far into the old, how far into the new)."""
        out, spans, at, moved = "", [], 0, [(0, 0)]
        for low, high, kind in said.spans:
            name = said.text[low:high]
            out += said.text[at:low]
            if kind == "PER" and high - low > 1 and re.fullmatch(r"[\u4e00-\u9fff·・]+", name):
                name = self.name_like(name)
            moved.append((low, len(out)))
            spans.append((len(out), len(out) + len(name), kind))
            out, at = out + name, high
            moved.append((high, len(out)))
        return Said(out + said.text[at:], spans), moved


def _lines(name: str) -> list[str]:
    return (Path(addresses.__file__).parent / "data" / name).read_text("utf-8").splitlines()


def _wide(said: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "0" <= sign <= "9" or sign == "-" else sign for sign in said)
