"""What a Chinese address looks like. Shapes and the names of provinces and cities; no model.

Divisions as in GB/T 2260 (provinces and cities at the prefecture level, short names).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

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
_H = r"[\u3400-\u9fff]"
_NUMBER = r"[0-9０-９A-Za-z一二三四五六七八九十百零〇甲乙丙丁东西南北]"
_ADMINISTRATIVE = (
    "省|市|自治区|自治州|特别行政区|新区|地区|开发区|高新区|工业园区|区|县|旗|盟|州|街道|镇|乡|村委会|村|社区"
)
_WAYS = "大街|大道|公路|胡同|路|街|巷|弄|里|道|桥"
_PLACES = "小区|花园|公寓|大厦|广场|家园|新村|苑|府|城|园|中心|楼盘|宿舍|学校|大学|医院|工业园|科技园|产业园|基地|庄园|湾|轩|阁|墅"
_HOUSES = "号楼|号院|号|弄|巷|栋|幢|座|单元|层|楼|室|户|房|组|排|门|期"
_HOUSE = rf"(?:第?{_NUMBER}{{1,6}}(?:[-－—~]{_NUMBER}{{1,5}}){{0,3}}(?:{_HOUSES})(?:之{_NUMBER}{{1,2}})?|[0-9０-９]{{1,4}}(?:[-－—][0-9０-９]{{1,5}}){{1,3}}|[-－—][0-9０-９]{{1,5}}|[0-9０-９]{{3,4}}(?![0-9０-９]))"
_STEP = rf"(?:{_H}{{1,10}}?(?:{_ADMINISTRATIVE}|{_WAYS}|{_PLACES})|{_HOUSE}|[（(][^（()）\n]{{1,16}}[)）])[ 、]?"
_LAND = r"(?:中国)?"
ADDRESS = re.compile(
    rf"{_LAND}(?:{HEADS})(?:省|市|自治区|壮族自治区|维吾尔自治区|回族自治区|特别行政区)?[ ]?(?:{_STEP}){{1,10}}"
)
CUES = "地址|住址|住所|户籍|籍贯地|收货地|寄到|寄往|送到|送至|家住|住在|现居|居住于|位于|搬到|搬至"
_CUED = re.compile(rf"(?:{CUES})(?:是|为|在|于|[：:])?\s?")
_LOCAL = re.compile(rf"(?:{_STEP}){{2,10}}")
_ROAD = re.compile(rf"{_H}{{1,6}}?(?:{_WAYS}){_HOUSE}(?:{_STEP}){{0,6}}")
# What an address may go on with once it is one: buildings, gates, shops, floors, the next thing's "opposite".
_BEHIND = (
    "大厦|大楼|商务楼|写字楼|国际|广场|中心|花园|小区|公寓|家园|新村|城|苑|府|园|庭|郡|湾|轩|阁|墅|居|邸|组团|区|座|栋|幢|市场|商城|商场|酒店|宾馆|超市"
    "|公司|店|厂|学校|大学|中学|小学|幼儿园|医院|银行|局|所|站|部|门口|[东西南北正后]门|对面|旁边|隔壁|附近|路口|交叉口|物流园|宿舍|仓库|前台|服务台|服饰|教育"
)
_WAY_ON = (
    rf"[ 、/,]?(?:{_HOUSE}|{_H}{{1,9}}?(?:{_BEHIND}|{_WAYS})|[A-Za-z][座区栋幢馆口楼]|[（(][^（()）\n]{{1,16}}[)）])"
)
_TAIL = re.compile(rf"(?:{_WAY_ON}){{1,8}}")
# A road with a house number is an address wherever it stands, with the districts before it.
_NUMBERED = re.compile(
    rf"(?:{_H}{{2,5}}?(?:省|市|区|县|镇|乡|街道|村)){{0,4}}{_H}{{1,5}}?(?:{_WAYS})[0-9０-９]{{1,5}}(?:号|弄)(?:{_WAY_ON}){{0,8}}"
)
NUMBERED = r"[路街巷弄道][0-9０-９]{1,5}[号弄]"
# A field that is called an address holds one, however it is written.
_FIELD = re.compile(
    r"(?:地址|住址|住所地?|户籍地?|收货地|家庭住址)(?:是|为|[：:])\s?(?P<all>[^，。；！？\n,;：:]{4,60}?)(?=[，。；！？\n,;]|电话|手机|联系|收件|邮编|$)"
)
_PART = re.compile(r"[省市区县镇乡村路街巷弄道号栋幢楼室园苑城厦]")
_FIGURE = re.compile(r"[0-9０-９一二三四五六七八九十]")
_LED = re.compile(r".*[在到往至是寄送住址了从去：:]")
_SURE = re.compile(
    rf"{_H}[0-9]{{1,4}}-[0-9]{{1,4}}(?:-[0-9]{{1,5}})?|(?:{_WAYS}){_NUMBER}{{1,6}}号|{_NUMBER}{{1,5}}(?:号|室|栋|幢|单元|弄)|(?:省|市|区|县|州).{{1,9}}(?:区|县|镇|乡|村|街道|路|街|大道|旗)"
)


_COUNTED = "(?:号楼|[号栋幢座楼层室户房铺区])"
_ROOM = re.compile(
    rf"(?:(?<=[0-9０-９A-Za-z]){_COUNTED})?(?:[ ]?(?:[0-9０-９A-Za-z#]{{1,6}}[-－—/]?){{1,4}}{_COUNTED}?){{0,3}}"
)
# A hamlet or a shop between a division and its number: 周巷镇庵后头1号.
_FAR = re.compile(
    rf"(?:(?![在到往的了是和有去来说时年月日第给从把被很就都也]){_H}){{1,5}}?[0-9０-９一二三四五六七八九十]{{1,5}}(?:{_HOUSES})"
)
_CROSSING = re.compile(r"[路街巷弄道][^，。]{0,12}?[路街巷弄厦苑楼]")


def house_number(text: str, at: int) -> int:
    """Where the rest of an address that follows a place ends: house numbers, buildings, floors."""
    found = _TAIL.match(text, at)
    return found.end() if found else at


def room(text: str, at: int) -> int:
    """Where the figures behind an address end: the last of them often lacks its sign for what it counts."""
    far = _FAR.match(text, at)
    at = far.end() if far else at
    found = _ROOM.match(text, at)
    return found.end() if found else at


def crossing(text: str) -> bool:
    """A building at a road, or the corner of two."""
    return _CROSSING.search(text) is not None


def address_parts(text: str) -> bool:
    """Does what a model takes for an address look like one: two divisions, ways or buildings, or one and a figure?"""
    parts = _PART.findall(text)
    if set(parts) <= {"省", "市"}:
        return False
    return len(parts) > 1 or _FIGURE.search(text) is not None


def address_shaped(text: str) -> bool:
    """A place somebody could be found at, and not only a city or a company."""
    return _SURE.search(text) is not None


def addresses(text: str) -> Iterator[Span]:
    """Addresses that begin with a province or city, that a word announces, or that have a road and a number."""
    at = 0
    while True:
        found = _next(text, at)
        if found is None:
            break
        low, high = found
        high = house_number(text, high)
        while high > low and text[high - 1] in " 、":
            high -= 1
        if address_shaped(text[low:high]):
            yield Span(low, high, "ADDRESS", 0.8, "address")
        at = max(high, low + 1)
    for field in _FIELD.finditer(text):
        if _PART.search(field["all"]) and "://" not in field["all"]:
            yield Span(*field.span("all"), "ADDRESS", 0.75, "address_field")
    for numbered in _NUMBERED.finditer(text):
        led = _LED.match(numbered.group()[:8])
        yield Span(numbered.start() + (led.end() if led else 0), numbered.end(), "ADDRESS", 0.75, "address_numbered")


def _next(text: str, at: int) -> tuple[int, int] | None:
    found = ADDRESS.search(text, at)
    cued = _CUED.search(text, at)
    if cued is not None and (found is None or cued.end() <= found.start()):
        local = _LOCAL.match(text, cued.end()) or _ROAD.match(text, cued.end())
        if local is not None and (found is None or local.start() <= found.start()):
            return local.span()
        if found is None:
            return _next(text, cued.end()) if cued.end() > at else None
    return found.span() if found else None
