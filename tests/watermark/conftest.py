"""Texts and keys that the room's tests share."""

from __future__ import annotations

import random

import pytest

from watermark import Index, Issued, Keys, SqliteRegistry, embed, fingerprint

WORDS = [
    "gateway",
    "reader",
    "auditor",
    "model",
    "colleague",
    "archive",
    "policy",
    "answer",
    "report",
    "ticket",
    "record",
    "index",
    "invoice",
    "letter",
    "lunch",
    "release",
    "floor",
    "night",
    "week",
    "keeps",
    "reviews",
    "forwards",
    "compares",
    "questions",
    "measures",
    "describes",
    "collects",
    "refuses",
    "long",
    "careful",
    "second",
    "new",
    "sealed",
    "shared",
    "old",
    "draft",
    "plain",
    "morning",
    "open",
    "every",
    "before",
    "after",
    "without",
    "during",
    "again",
    "under",
    "near",
    "because",
    "while",
    "window",
    "harbour",
    "pencil",
    "mountain",
    "kettle",
    "violin",
    "ladder",
    "garden",
    "thunder",
    "copper",
    "basket",
    "lantern",
    "orchard",
    "saddle",
    "whistle",
    "anchor",
    "velvet",
    "marble",
    "needle",
    "feather",
    "tunnel",
    "cabin",
    "meadow",
    "glacier",
    "pepper",
    "bridge",
    "engine",
    "cradle",
    "willow",
    "canyon",
    "button",
]
ZH_WORDS = [
    "网关",
    "审计",
    "同事",
    "编辑",
    "档案",
    "小组",
    "经理",
    "数据",
    "保存",
    "复核",
    "转发",
    "比较",
    "质疑",
    "放行",
    "测量",
    "描述",
    "收集",
    "拒绝",
    "回答",
    "报告",
    "工单",
    "记录",
    "索引",
    "发票",
    "信件",
    "午饭",
    "发布",
    "延误",
    "简单",
    "二楼",
    "夜里",
    "每周",
    "港口",
    "铅笔",
    "山脉",
    "水壶",
    "提琴",
    "梯子",
    "花园",
    "雷声",
    "黄铜",
    "篮子",
    "灯笼",
    "果园",
    "马鞍",
    "口哨",
    "船锚",
    "丝绒",
    "石英",
    "针线",
    "羽毛",
    "隧道",
    "木屋",
    "草地",
    "冰川",
    "胡椒",
    "桥梁",
    "引擎",
    "摇篮",
    "柳树",
    "峡谷",
    "纽扣",
    "清晨",
    "傍晚",
    "河流",
    "森林",
    "图书",
    "车站",
    "市场",
    "学校",
    "医院",
    "工厂",
    "农场",
    "邮局",
    "银行",
]


def prose(language: str, seed: int, sentences: int = 12) -> str:
    """Prose, or what passes for it, that is another for every seed."""
    chance = random.Random(f"{language}{seed}")
    if language == "zh":
        return "".join(
            "".join(chance.choices(ZH_WORDS, k=6)) + "，" + "".join(chance.choices(ZH_WORDS, k=5)) + "。"
            for _ in range(sentences)
        )
    halves = [(" ".join(chance.choices(WORDS, k=8)), " ".join(chance.choices(WORDS, k=7))) for _ in range(sentences)]
    return " ".join(f"{first.capitalize()}, {second}." for first, second in halves)


class Site:
    """A little gateway: marks answers, remembers them."""

    def __init__(self, keys: Keys) -> None:
        self.keys, self.registry, self.index = keys, SqliteRegistry(), Index()

    def answer(self, text: str, mark_id: int, user: str, keep_text: bool = True, profile: str = "normal") -> str:
        hashes = tuple(fingerprint(text, self.keys.fingerprint))
        exchange = f"x-{mark_id}"
        kept = text if keep_text else None
        self.registry.add(
            Issued(exchange, "acme", user, "2026-11-24T08:00:00Z", mark_id, self.keys.current.epoch, kept, hashes)
        )
        self.index.add(exchange, hashes)
        return embed(text, self.keys, mark_id, profile)


@pytest.fixture
def keys() -> Keys:
    return Keys.from_master(bytes(range(32)))


@pytest.fixture
def site(keys: Keys) -> Site:
    return Site(keys)
