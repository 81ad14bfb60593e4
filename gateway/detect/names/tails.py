"""What stands in an address, and what it goes on with once it is one: houses, rooms, shops, gates. Shapes alone; no model.

What makes an address one is `addresses`' matter.
"""

from __future__ import annotations

import re

from gateway.detect.names.surnames import SURNAME

HAN = "[\u3400-\u9fff]"
NUMBER = r"[0-9０-９A-Za-z一二三四五六七八九十百零〇甲乙丙丁东西南北]"
COUNT = "[0-9０-９一二三四五六七八九十]"
ADMINISTRATIVE = (
    "省|市|自治区|自治州|特别行政区|新区|地区|开发区|高新区|工业园区|区|县|旗|盟|州|街道|镇|乡|村委会|村|社区"
)
WAYS = "大街|大道|公路|胡同|路|街|巷|弄|里|道|桥"
PLACES = "小区|花园|公寓|大厦|广场|家园|新村|苑|府|城|园|中心|楼盘|宿舍|学校|大学|医院|工业园|科技园|产业园|基地|庄园|湾|轩|阁|墅"
HOUSES = "号楼|号院|号门|号|弄|巷|栋|幢|座|单元|层|楼|室|户|房|组|排|门|期"
# Rooms often lack a sign for what they count; what counts time, money or people is none.
_NO_ROOM = "(?![0-9０-９年月日点时分岁元块万亿人个次名米公里])"
HOUSE = (
    rf"(?:第?{NUMBER}{{1,6}}(?:[-－—~]{NUMBER}{{1,5}}){{0,3}}(?:{HOUSES})(?:[之附]{NUMBER}{{1,2}}号?)?"
    rf"|[A-Za-z]?[0-9０-９]{{1,4}}(?:[-－—][0-9０-９A-Za-z]{{1,5}}){{1,3}}|[-－—][0-9０-９]{{1,5}}"
    rf"|[A-Za-z]?[0-9０-９]{{3,4}}{_NO_ROOM})"
)
# Buildings, companies, shops, gates, and what lies beside them.
_BEHIND = (
    "大厦|大楼|商务楼|写字楼|办公楼|商住楼|国际|广场|中心|花园|小区|公寓|家园|新村|城|苑|府|园|庭|郡|湾|轩|阁|墅|居|邸|组团|区|座|栋|幢|馆|院|村|组"
    "|市场|商城|商场|商厦|百货|酒店|宾馆|招待所|山庄|会所|超市|便利店|卖场|专柜|柜台|专卖|门市|商铺|店铺|店面|铺|档|店|行|公司|集团|厂|车间|仓库|库|仓|物流|货运"
    "|学校|大学|学院|校区|中学|小学|幼儿园|幼稚园|培训|教育|医院|诊所|药房|口腔|银行|支行|分行|局|所|站|部|处|办公室|接待办|委员会|政府|体育馆|图书馆"
    "|门口|[东西南北正后侧大]门|[东西南北]侧|[东西南北]边|[东西]头|对面|对过|附近|旁边|旁|隔壁|附近|后面|楼下|楼上|底商|路口|交叉口|交汇处|转角|东首|物流园|产业园|工业园|宿舍"
    "|前台|服务台|传达室|门卫|物业|驿站|服饰|鞋业|电器|电子|机电|五金|建材|工贸|科技|实业|饭店|餐厅|火锅|网吧|汽修|车行|造型|沙龙|工作室|专业合作社|民宿|码头|水库"
)
_STEP = (
    rf"[ 、/,]?(?:{HOUSE}|(?:(?![的了和与及是有]){HAN}){{1,9}}?(?:{_BEHIND}|{WAYS})|(?:负|地下|附)?{COUNT}{{1,3}}[座区栋幢馆口楼层室号床库]"
    r"|[A-Za-z][0-9]{0,3}[座区栋幢馆口楼档室库铺仓]|[（(][^（()）\n]{1,16}[)）])"
)
_BUILT = re.compile(rf"(?:{_BEHIND})$")
_TAIL = re.compile(rf"(?:{_STEP}){{1,10}}")
_COUNTED = "(?:号楼|号门|号铺|号库|店面|[号栋幢座楼层室户房铺档床库仓区])"
_ROOM = re.compile(
    rf"(?:(?<=[0-9０-９A-Za-z]){_COUNTED})?(?:[ ]?(?:[0-9０-９A-Za-z#]{{1,6}}[-－—/]?){{1,4}}{_COUNTED}?{_NO_ROOM}){{0,3}}"
)
# A hamlet or a shop between a division and its number: 周巷镇庵后头1号.
_HAMLET = rf"(?:(?![在到往的了是和有去来说时年月日第给从把被很就都也]){HAN}){{1,5}}?{COUNT}{{1,5}}(?:{HOUSES}|[-－—][0-9０-９]{{1,4}})"
_FAR, _BEHIND_DIVISION = re.compile(_HAMLET), re.compile(rf"(?<=[省市区县镇乡村路街道巷弄号]){_HAMLET}")
# What is left up to the end of what is said: the name of a shop or a house, if no word of a sentence stands in it.
_SAID = (
    "[的了是我你您他她它们请把被给与和或说就都也要没不很将会能让叫等吗吧呢啊哦呀嘛哈这那么]|[在有见到从向往至去来找送寄取拿放收接住用签退换租买卖](?!$)"
    "|电话|手机|电联|联系|收件|收货|欢迎|谢谢|发生|进行|成为|造成|已经|正在|目前|以来|准备|打算|上班|工作|见面|先生|女士|小姐|抓获|居民|村民|市民|民警|今年|目前|火灾"
)
_NAME_ALONE = rf"(?:{SURNAME}{HAN}{{1,2}}|{SURNAME}?{HAN}{{0,4}}收)(?!{HAN})"
_PLACED = re.compile(rf"[0-9０-９]|{COUNT}(?:号|栋|幢|楼|层|单元|室|弄|组|巷)|[路巷弄苑厦]|大道|小区|[镇村].{{2}}")
_REST = re.compile(rf"(?!{_NAME_ALONE})(?:(?!{_SAID})[\u3400-\u9fff0-9A-Za-z]){{1,10}}(?=$|[\s，。；、！？,;!?)）”」])")


# What shows that a name before it is a shop's or a house's.
NO_PERSON = re.compile(
    rf"{COUNT}{{1,4}}(?:排|栋|幢|号楼|号院|单元|室)|专柜|专卖|旗舰店|门店|分店|商铺|有限|股份|集团|百货|超市|服饰|鞋业|汽修|小区|花园|公寓|大厦|家园|新村"
)
_STOREY = re.compile("[号栋幢座楼层室组排单]")


def house_number(text: str, at: int) -> int:
    """Where the rest of an address that follows a place ends: house numbers, buildings, floors."""
    far = _BEHIND_DIVISION.match(text, at)
    at = far.end() if far else at
    found = _TAIL.match(text, at)
    return found.end() if found else at


def room(text: str, at: int) -> int:
    """Where the figures behind an address end: the last of them often lacks its sign for what it counts."""
    far = _FAR.match(text, at)
    at = far.end() if far else at
    found = _ROOM.match(text, at)
    return found.end() if found else at


def rest(text: str, low: int, at: int) -> int:
    """Where what stands between an address with a house number and the end of what is said ends, if it can only be part of it."""
    found = _REST.match(text, at) if _PLACED.search(text, low, at) else None
    return found.end() if found else at


def storey(text: str, at: int) -> bool:
    """Does what a figure counts stand there, and not somebody's surname? 九楼, 三层."""
    return at > 0 and re.match(COUNT, text[at - 1]) is not None and _STOREY.match(text, at) is not None


def built(text: str) -> bool:
    """Does it end with a building, a shop or a gate?"""
    return _BUILT.search(text) is not None
