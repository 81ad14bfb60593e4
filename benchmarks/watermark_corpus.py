"""Fresh texts for the watermark benchmarks, made on the spot: nothing is shipped, nothing is downloaded.

English: paragraphs of prose out of the docstrings of this machine's Python standard library, re-flowed and shuffled.
Chinese: sentences of a small grammar written for this purpose. Both are assembled to answers of some 900 characters
with paragraphs, lists and now and then code. Both repeat themselves more than real answers do, so that telling stored
answers apart is harder here than in use. Also here: the attacks. Not here: any measurement.
"""

from __future__ import annotations

import ast
import re
import sysconfig
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

MARKS = re.compile("[\U000e0100-\U000e017f]")


@cache
def english_sentences() -> list[str]:
    """Sentences of 40 to 300 characters, in a fixed order."""
    found: dict[str, None] = {}
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if "site-packages" in path.parts or "test" in path.parts or path.stat().st_size > 1_000_000:
            continue
        try:
            tree = ast.parse(path.read_text("utf-8"))
        except (SyntaxError, UnicodeDecodeError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                found.update(dict.fromkeys(_sentences(ast.get_docstring(node) or "")))
    return list(found)


def _sentences(docstring: str) -> list[str]:
    prose = []
    for paragraph in re.split(r"\n\s*\n", docstring):
        flowed = " ".join(paragraph.split())
        if re.search(r"[=<>{}|\[\]\\`_]|::|\w\(|--|\.\.\.|>>>|\*", flowed):
            continue
        prose += [s for s in re.split(r"(?<=[.!?]) +", flowed) if re.fullmatch(r"[A-Z][^\n]{39,299}[.!?]", s)]
    return prose


_ZH = {
    "谁": [
        "财务部门",
        "运维团队",
        "采购小组",
        "法务同事",
        "项目经理",
        "值班工程师",
        "外部审计",
        "数据分析师",
        "产品负责人",
        "客户代表",
        "安全专家",
        "培训讲师",
        "仓库主管",
        "质检人员",
        "区域经理",
        "研发中心",
        "人力资源",
        "合作伙伴",
        "系统管理员",
        "前台客服",
        "总部领导",
        "实习生",
        "设计师",
        "调度中心",
        "监管机构",
        "供应商",
        "分公司",
        "测试小组",
        "档案室",
        "董事会",
    ],
    "物": [
        "合同条款",
        "季度预算",
        "服务器日志",
        "访问权限",
        "备份方案",
        "客户名单",
        "交货日期",
        "测试报告",
        "培训计划",
        "库存数据",
        "付款流程",
        "安全策略",
        "会议纪要",
        "风险清单",
        "维护窗口",
        "加密密钥",
        "用户反馈",
        "市场预测",
        "招聘需求",
        "产品路线",
        "运输路线",
        "质量标准",
        "考勤记录",
        "接口文档",
        "监控告警",
        "机房温度",
        "税务申报",
        "保险理赔",
        "发票信息",
        "数据字典",
        "应急预案",
        "演示环境",
    ],
    "做": [
        "重新核对",
        "逐项确认",
        "提前通知",
        "统一归档",
        "暂时冻结",
        "分批迁移",
        "交叉检查",
        "公开说明",
        "详细记录",
        "定期清理",
        "重点标注",
        "自动同步",
        "人工复核",
        "及时更新",
        "彻底排查",
        "妥善保管",
        "尽快提交",
        "按月汇总",
        "严格限制",
        "反复验证",
        "适当放宽",
        "全面梳理",
        "集中讨论",
        "单独评估",
        "随机抽查",
        "书面批准",
        "远程调试",
        "优先处理",
        "持续跟踪",
        "临时调整",
    ],
    "时": [
        "周一上午",
        "月底之前",
        "下个季度",
        "节假日期间",
        "系统升级后",
        "合同到期前",
        "每天凌晨",
        "第二阶段",
        "试运行期间",
        "年度总结时",
        "交接完成后",
        "投产之前",
        "高峰时段",
        "断电恢复后",
        "收到通知后",
        "审批通过后",
        "出差期间",
        "盘点结束后",
        "版本发布前",
        "发生故障时",
    ],
    "果": [
        "误差明显缩小",
        "进度基本正常",
        "成本略有上升",
        "投诉逐渐减少",
        "响应速度加快",
        "责任更加清楚",
        "返工次数下降",
        "信息不再遗漏",
        "双方达成一致",
        "问题没有复现",
        "效率超出预期",
        "隐患全部消除",
        "反馈比较积极",
        "数据保持完整",
        "流程更为顺畅",
        "结论仍待验证",
        "供货趋于稳定",
        "权限收回及时",
        "记录可以追溯",
        "影响范围有限",
    ],
    "因": [
        "人手不足",
        "网络波动",
        "需求变更",
        "天气影响",
        "配置错误",
        "沟通延迟",
        "价格上涨",
        "设备老化",
        "政策调整",
        "文档缺失",
        "时差问题",
        "接口不兼容",
        "重复录入",
        "审批过慢",
        "样本太少",
        "口径不同",
        "预算削减",
        "测试覆盖不够",
        "供应中断",
        "经验欠缺",
    ],
}
_ZH_FRAMES = (
    "{时}，{谁}应当把{物}{做}一遍，这样{果}。", "由于{因}，{谁}只好在{时}{做}{物}。", "如果{物}没有{做}，{谁}很难保证{果}。",
    "我们建议{谁}先{做}{物}，再由{谁}{做}{物}。", "从目前情况看，{果}，但是{因}仍然存在；{谁}需要继续{做}{物}。",
    "{谁}提到，{时}曾经因为{因}而推迟了{物}的安排。", "为了避免{因}，请{谁}与{谁}一起{做}{物}，并在{时}给出书面答复。",
    "{物}和{物}都要{做}，否则{时}容易出现{因}。", "经过比较，{谁}认为{做}{物}比{做}{物}更稳妥，原因是{因}。", "{时}之后{果}，{谁}对此表示满意。",
    "需要注意的是，{物}涉及多个部门，{谁}不能单独决定；{时}应由{谁}牵头。", "虽然{因}，{谁}还是在{时}完成了{物}，而且{果}。",
    "简单来说：先{做}{物}，然后{做}{物}，最后看是否{果}。", "请把{物}交给{谁}，由其{做}；遇到{因}，可以联系{谁}。",
    "过去一年里，{因}出现过几次，每次都是{谁}通过{做}{物}解决的。", "只要{谁}愿意{做}{物}，{果}并不困难！", "{谁}为什么要{做}{物}？主要是担心{因}。",
)  # fmt: skip


def chinese_sentence(chance: Random) -> str:
    return re.sub(r"\{(.)\}", lambda match: chance.choice(_ZH[match[1]]), chance.choice(_ZH_FRAMES))


def sentence(language: str, chance: Random) -> str:
    return chance.choice(english_sentences()) if language == "en" else chinese_sentence(chance)


_CODE = "\n```python\nfor name, size in items:\n    print(name, size)\n```\n"


def answer(language: str, chance: Random, size: int = 900) -> str:
    """One answer: paragraphs of 2 to 5 sentences; every fourth answer has a list, every tenth a code block."""
    space, parts, length = (" " if language == "en" else ""), [], 0
    while length < size:
        paragraph = space.join(sentence(language, chance) for _ in range(chance.randint(2, 5)))
        parts.append(paragraph)
        length += len(paragraph)
    if chance.random() < 0.25:
        parts.insert(1, "\n".join(f"- {sentence(language, chance)}" for _ in range(3)))
    if chance.random() < 0.1:
        parts.insert(len(parts) // 2, _CODE)
    return "\n\n".join(parts)


def excerpt(marked: str, size: int, chance: Random) -> str:
    """A random passage of `size` visible characters, marks included."""
    places = [at for at, char in enumerate(marked) if not MARKS.match(char)]
    first = chance.randrange(max(1, len(places) - size))
    return marked[places[first] : places[min(first + size, len(places) - 1)]]


def strip_format(text: str, chance: Random) -> str:
    return "".join(char for char in text if unicodedata.category(char) != "Cf")


def nfkc(text: str, chance: Random) -> str:
    return unicodedata.normalize("NFKC", text)


def collapse(text: str, chance: Random) -> str:
    return re.sub(r"\s+", " ", text)


def strip_marks(text: str, chance: Random) -> str:
    return MARKS.sub("", text)


def gbk(text: str, chance: Random) -> str:
    return text.encode("gbk", "ignore").decode("gbk")


def gb18030(text: str, chance: Random) -> str:
    return text.encode("gb18030").decode("gb18030")


def trim(text: str, chance: Random) -> str:
    return text[len(text) // 20 : len(text) - len(text) // 20]


def delete(share: float) -> Callable[[str, Random], str]:
    return lambda text, chance: "".join(char for char in text if chance.random() >= share)


def reword(share: float) -> Callable[[str, Random], str]:
    """Share of the words (Chinese: pairs of characters) replaced (half), deleted (three tenths) or added to."""

    def attack(text: str, chance: Random) -> str:
        filler = re.findall(r"[A-Za-z]{3,}", " ".join(english_sentences()[:400]))
        han = "".join("".join(words) for words in _ZH.values())

        def change(match: re.Match[str]) -> str:
            if chance.random() >= share:
                return match[0]
            at, latin = chance.randrange(len(han) - 2), match[0].isascii()
            other, draw = (chance.choice(filler) if latin else han[at : at + 2]), chance.random()
            return other if draw < 0.5 else "" if draw < 0.8 else match[0] + (" " if latin else "") + other

        return re.sub(r"[A-Za-z]+|[\u4e00-\u9fff]{2}", change, text)

    return attack


def misread(share: float) -> Callable[[str, Random], str]:
    """As a scanner would: marks gone, some letters another."""

    def attack(text: str, chance: Random) -> str:
        bare = MARKS.sub("", text)
        letters = [char for char in bare if char.isalnum()]
        return "".join(chance.choice(letters) if char.isalnum() and chance.random() < share else char for char in bare)

    return attack


def both(*attacks: Callable[[str, Random], str]) -> Callable[[str, Random], str]:
    def attack(text: str, chance: Random) -> str:
        for step in attacks:
            text = step(text, chance)
        return text

    return attack
