"""What a Chinese address looks like. Shapes and the names of provinces and cities; no model.

Divisions as in GB/T 2260 (provinces and cities at the prefecture level, short names).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.detect.names.tails import (
    ADMINISTRATIVE,
    COUNT,
    HAN,
    HOUSE,
    NUMBER,
    PLACES,
    WAYS,
    built,
    house_number,
    rest,
    room,
)
from gateway.detect.span import Span

_PROVINCES = (
    "北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 台湾 "
    "内蒙古 广西 西藏 宁夏 新疆 香港 澳门"
)
_CITIES = (
    "石家庄 唐山 秦皇岛 邯郸 邢台 保定 张家口 承德 沧州 廊坊 衡水 太原 大同 阳泉 长治 晋城 朔州 晋中 运城 忻州 临汾 吕梁 呼和浩特 包头 乌海 "
    "赤峰 通辽 鄂尔多斯 呼伦贝尔 巴彦淖尔 乌兰察布 沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 葫芦岛 长春 四平 辽源 通化 "
    "白山 松原 白城 延边 哈尔滨 齐齐哈尔 鸡西 鹤岗 双鸭山 大庆 伊春 佳木斯 七台河 牡丹江 黑河 绥化 南京 无锡 徐州 常州 苏州 南通 连云港 淮安 "
    "盐城 扬州 镇江 泰州 宿迁 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 舟山 台州 丽水 合肥 芜湖 蚌埠 淮南 马鞍山 淮北 铜陵 安庆 黄山 滁州 阜阳 "
    "宿州 六安 亳州 池州 宣城 福州 厦门 莆田 三明 泉州 漳州 南平 龙岩 宁德 南昌 景德镇 萍乡 九江 新余 鹰潭 赣州 吉安 宜春 抚州 上饶 济南 青岛 "
    "淄博 枣庄 东营 烟台 潍坊 济宁 泰安 威海 日照 临沂 德州 聊城 滨州 菏泽 郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳 许昌 漯河 三门峡 南阳 "
    "商丘 信阳 周口 驻马店 武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 荆州 黄冈 咸宁 随州 恩施 长沙 株洲 湘潭 衡阳 邵阳 岳阳 常德 张家界 益阳 郴州 "
    "永州 怀化 娄底 湘西 广州 韶关 深圳 珠海 汕头 佛山 江门 湛江 茂名 肇庆 惠州 梅州 汕尾 河源 阳江 清远 东莞 中山 潮州 揭阳 云浮 南宁 柳州 桂林 "
    "梧州 北海 防城港 钦州 贵港 玉林 百色 贺州 河池 来宾 崇左 海口 三亚 成都 自贡 攀枝花 泸州 德阳 绵阳 广元 遂宁 内江 乐山 南充 眉山 宜宾 广安 "
    "达州 雅安 巴中 资阳 贵阳 六盘水 遵义 安顺 毕节 铜仁 昆明 曲靖 玉溪 保山 昭通 丽江 普洱 临沧 大理 拉萨 日喀则 昌都 林芝 西安 铜川 宝鸡 咸阳 "
    "渭南 延安 汉中 榆林 安康 商洛 兰州 嘉峪关 金昌 白银 天水 武威 张掖 平凉 酒泉 庆阳 定西 陇南 西宁 海东 银川 石嘴山 吴忠 固原 中卫 乌鲁木齐 "
    "克拉玛依 吐鲁番 哈密 昆山 义乌 江阴 张家港 常熟 晋江 台北 高雄 台中 台南 新北 浦东"
)
HEADS = "|".join(sorted({*_PROVINCES.split(), *_CITIES.split()}, key=lambda name: (-len(name), name)))
_STEP = rf"(?:{HAN}{{1,10}}?(?:{ADMINISTRATIVE}|{WAYS}|{PLACES})|{HOUSE}|[（(][^（()）\n]{{1,16}}[)）])[ 、]?"
_LAND = r"(?:中国)?"
ADDRESS = re.compile(
    rf"{_LAND}(?:{HEADS})(?:省|市|自治区|壮族自治区|维吾尔自治区|回族自治区|特别行政区)?[ ]?(?:{_STEP}){{1,10}}"
)
CUES = "地址|住址|住所|户籍|籍贯地|收货地|寄到|寄往|送到|送至|家住|住在|现居|居住于|位于|搬到|搬至"
_CUED = re.compile(rf"(?:{CUES})(?:是|为|在|于|[：:])?\s?")
_LOCAL = re.compile(rf"(?:{_STEP}){{2,10}}")
_ROAD = re.compile(rf"{HAN}{{1,6}}?(?:{WAYS}){HOUSE}(?:{_STEP}){{0,6}}")
# What is an address wherever it stands: a road with a house number, a building with a room, a group of a village, a corner.
_FIGURES = "[0-9０-９]"
ANCHORS = "|".join(
    (
        rf"[路街巷弄道]{_FIGURES}{{1,5}}[号弄]",
        rf"{_FIGURES}{{1,3}}(?:栋|幢|号楼|#){COUNT}",
        rf"{COUNT}[栋幢](?:{_FIGURES}|{COUNT}{{1,2}}单元)",
        rf"[A-Za-z]座{_FIGURES}",
        rf"{COUNT}单元{_FIGURES}",
        rf"[苑园城庭府墅湾里郡邸区轩寓厦]{_FIGURES}{{1,3}}-{_FIGURES}{{1,2}}-{_FIGURES}{{1,4}}",
        rf"[镇乡道]{HAN}{{1,6}}村{HAN}{{0,4}}{COUNT}{{1,4}}[组号社队]",
        rf"[路街道][与和]{HAN}{{1,6}}[路街道](?:交叉|交汇|路口)",
    )
)
_ANCHOR = re.compile(ANCHORS)
LEAST = 4  # code points, of an address that nothing but its own shape shows
BEFORE = 24  # code points: an address seldom has more in front of its house number
ALONE = 12  # and seldom more than that if no division is named
_RUN = re.compile(rf"(?:{HAN}|[A-Za-z]|[0-9０-９]{{1,4}}(?:[号弄路街区期村组社栋]|大道))*$")
_LED = re.compile(
    r"地址|住址|位于|坐落于|居住于|家住|(?:在|到|往|至|是|寄|送|住(?![宅院])|了|从|去|进|搬|说|叫|的|为|发(?!展)|入主)(?![路街道村镇])"
)
_DIVIDED = re.compile(rf"{HEADS}|{HAN}{{2,4}}?(?:省|市|区|县|镇|乡|街道)")
LEAST_LED = 6  # code points: 住在杭州 names a town and no address
_LEADS = re.compile(
    r"(?:寄[到往至回给]?|[送发][到往至]|家住|住在|住|搬[到至]|约在|(?:地址|住址|户籍地?)(?:是|为|[：:])?) ?$"
)
# A field that is called an address holds one, however it is written.
_FIELD = re.compile(
    r"(?:地址|住址|住所地?|户籍地?|收货地|家庭住址)(?:是|为|[：:])\s?(?P<all>[^，。；！？\n,;：:]{4,60}?)(?=[，。；！？\n,;]|电话|手机|联系|收件|邮编|$)"
)
_PART = re.compile(r"[省市区县镇乡村路街巷弄道号栋幢楼室园苑城厦]")
_PUBLIC = re.compile("[和与同等及、]|(?:公司|集团|[局部处所院]|政府|委员会)$(?<!派出所)")
_FIGURE = re.compile(r"[0-9０-９一二三四五六七八九十]")
_SURE = re.compile(
    rf"{HAN}[0-9]{{1,4}}-[0-9]{{1,4}}-[0-9]{{1,5}}|[省市区县镇乡村路街巷道号苑园城庭府墅湾里郡邸寓厦期栋幢座组场][0-9]{{1,4}}-[0-9]{{1,4}}|(?:{WAYS}){NUMBER}{{1,6}}号|{NUMBER}{{1,5}}(?:号|室|栋|幢|单元|弄)"
    rf"|[A-Za-z]座|(?:{PLACES}|[路街号座栋幢]).{{0,8}}{COUNT}[层楼]"
    rf"|(?:省|市|区|县|州).{{1,9}}(?:区|县|镇|乡|村|街道|路|街|大道|旗)|省.{{1,4}}市.{{1,5}}市|[镇乡](?:(?![党政企村了的及和与]){HAN}){{1,5}}村(?![支委民官务])"
)
_LIVED_IN = "小区|花园|公寓|家园|新村|苑|墅|庄园|名邸|公馆|豪庭|大厦|商厦|工业区|工业园|产业园|科技园"
_BUILDING = re.compile(
    rf"(?:{HEADS}|[省市区县镇乡路街]|街道)(?:(?![的了和与及等]){HAN}){{2,10}}(?:{_LIVED_IN})$|{HAN}{{2}}(?<![公铁道])[路街巷](?:(?![的了和与及等]){HAN}){{2,12}}$"
)
_CROSSING = re.compile(r"[路街巷弄道][^，。]{0,12}?[路街巷弄厦苑楼]")


def crossing(text: str) -> bool:
    """A building at a road, or the corner of two."""
    return _CROSSING.search(text) is not None


def address_parts(text: str) -> bool:
    """Does what a model takes for an address look like one: two divisions, ways or buildings, or one and a figure?"""
    parts = _PART.findall(text)
    if set(parts) <= {"省", "市"}:
        return built(text) and len(text) > LEAST_LED and _PUBLIC.search(text) is None
    return len(parts) > 1 or _FIGURE.search(text) is not None


def address_shaped(text: str) -> bool:
    """A place somebody could be found at, and not only a city or a company."""
    return _SURE.search(text) is not None


def building(text: str) -> bool:
    """A house or an estate that a division or a road before it places."""
    found = _BUILDING.search(text)
    return found is not None and built(text)


def led_to(text: str, low: int, high: int) -> bool:
    """Does a word before it say that somebody lives there, or that something is to be brought there?"""
    return high - low >= LEAST_LED and _LEADS.search(text, max(0, low - LEAST_LED), low) is not None


def addresses(text: str) -> Iterator[Span]:
    """Addresses that begin with a province or city, that a word announces, or that have a road and a number."""
    at = 0
    while True:
        found = _next(text, at)
        if found is None:
            break
        low, high = found
        high = room(text, house_number(text, high))
        while high > low and text[high - 1] in " 、":
            high -= 1
        if address_shaped(text[low:high]):
            high = rest(text, low, high)
            yield Span(low, high, "ADDRESS", 0.8, "address")
        at = max(high, low + 1)
    for field in _FIELD.finditer(text):
        if _PART.search(field["all"]) and "://" not in field["all"]:
            yield Span(*field.span("all"), "ADDRESS", 0.75, "address_field")
    yield from _anchored(text)


def _anchored(text: str) -> Iterator[Span]:
    """From where the run of signs before an anchor begins, or the last word in it that leads to a place, to where it goes on."""
    at = 0
    while (anchor := _ANCHOR.search(text, at)) is not None:
        low = _beginning(text, max(at, anchor.start() - BEFORE), anchor.start())
        ends = anchor.end() - (text[anchor.end() - 1] not in "号弄组社队")  # its last figure begins the next part
        at = rest(text, low, max(anchor.end(), room(text, house_number(text, ends))))
        if at - low >= LEAST:
            yield Span(low, at, "ADDRESS", 0.75, "address_numbered")


def _beginning(text: str, low: int, anchor: int) -> int:
    run = _RUN.search(text, low, anchor)
    low = run.start() if run else anchor
    for led in _LED.finditer(text, low, anchor):
        low = led.end()
    divided = _DIVIDED.search(text, low, anchor)
    return divided.start() if divided else max(low, anchor - ALONE)


def _next(text: str, at: int) -> tuple[int, int] | None:
    """The first that begins with a province or city, or the first before it that a word announces."""
    found = ADDRESS.search(text, at)
    ahead = found.start() if found else len(text)
    for cued in _CUED.finditer(text, at, ahead):
        local = _LOCAL.match(text, cued.end()) or _ROAD.match(text, cued.end())
        if local is not None and local.start() <= ahead:
            return local.span()
    return found.span() if found else None
