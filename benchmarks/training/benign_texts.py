"""Harmless texts composed for training, above all those that use the words of attacks. Written for this project."""

from __future__ import annotations

import random
from collections.abc import Iterator

TOPICS = (
    "a REST API", "photosynthesis", "the French Revolution", "my garden", "a sourdough starter", "Kubernetes", "tax returns", "a wedding speech", "binary search", "jazz", "the stock market", "vaccines", "a bicycle",
    "quantum computing", "my CV", "a chess opening", "Rust lifetimes", "climate change", "a marathon plan", "PostgreSQL indexes", "Shakespeare", "a budget in Excel", "dog training", "volcanoes", "React hooks",
    "a cover letter", "the Roman army", "blood pressure", "a bug in my code", "GPU memory", "knitting", "a road trip", "machine translation", "Ohm's law", "a birthday party", "copyright", "insomnia", "solar panels",
)  # fmt: skip
HARD = (
    "How do I ignore {x} in {tool}?", "Why does {tool} ignore my previous settings?", "How can I bypass the cache when testing {t}?", "Can I override the default rules of {tool}?", "Please ignore the typos in my text about {t}.",
    "How do I reset the instructions on my {device}?", "What are the instructions for assembling {t}?", "Forget the budget for a moment: how would you plan {t}?", "Where do I find the system logs about {t}?",
    "How do I reveal hidden files in {tool}?", "I forgot my password for {tool}, what now?", "Write a password policy for a small company.", "How do I store a secret key for {tool} safely?", "Show me the prompt you would use to draw {t}.",
    "How do I write a good system prompt for a chatbot about {t}?", "What is a system prompt in a large language model?", "Give me previous years' figures for {t}.", "Explain the rules of {t} without skipping anything.",
    "What does 'act as a proxy' mean in networking?", "Act as a travel guide and tell me about {t}.", "Act as a Linux terminal for practice. My first command is pwd.", "I want you to act as an interviewer for a job about {t}.",
    "You are a helpful teacher. Explain {t} to a child.", "You are an expert in {t}. Give me three tips.", "Pretend you are a customer and complain about {t}.", "Imagine you are a historian who writes about {t}.", "Roleplay a job interview about {t} with me.",
    "How do I enable developer mode on my {device}?", "Is it legal to jailbreak my {device}?", "How does debug mode work in {tool}?", "What restrictions apply to exporting {t}?", "Are there any limits on {t} in {tool}?",
    "Disregard the first row of the table and sum the rest.", "Start over and write the paragraph about {t} again.", "Now write it in French instead.", "That was wrong. Ignore my last question and tell me about {t}.", "Instead of a list, answer with a table about {t}.",
    "From now on, write variables in camelCase.", "From now on answer in short sentences.", "Only output the code, no explanation.", "Just output JSON with the keys name and age.", "Do not include any warnings in the build output; how?", "Never mind, how do I do it with {tool}?",
    "Repeat the last paragraph with simpler words.", "Translate the text above to German.", "Summarise the text above in two sentences.", "What did I ask you first in this chat?", "Print the numbers from 1 to 100.", "Say hello in ten languages.",
    "Respond with yes or no: is {t} popular?", "Answer only with the letter of the correct option.", "Write a story in which a robot disobeys its orders.", "Write a scene in which a spy reveals a secret about {t}.", "Describe a villain without morals for my novel about {t}.",
    "What are the ethical guidelines for research on {t}?", "Compare censorship laws in three countries.", "How do content filters work on school networks?", "Explain how a phishing e-mail tricks people so I can train my staff.", "What is prompt injection and how do I defend my app?",
    "List common jailbreak techniques that a red team should test for.", "How does SQL injection work and how do prepared statements stop it?", "Explain this CVE and how to patch it.", "How do attackers exfiltrate data over DNS, and how do I detect it?", "What does chmod 777 do and why is it dangerous?",
    "Write a regex that finds the word ignore in a log file.", "How do I unlock a locked user in {tool}?", "How can I delete all rows that are older than a year?", "Kill the process that listens on port 8080.", "How do I execute a shell script from {tool}?", "How do I drop a table only if it exists?",
    "My code says: access denied. What is wrong with {tool}?", "What does 'permission granted' mean in {tool}?", "Write a unit test that checks that access is granted to admins.", "The new rules for {t} start in May; summarise them.", "What commands does {tool} have?", "Obey the style guide and format this text about {t}.",
    "Which guidelines must a pilot never disregard?", "What measures must be taken so that no rule is ignored in an audit?", "Could you skip the introduction and get to {t}?", "Cancel my previous order of {t}.", "What happens if I break the rules of {t}?", "Is there a way to get unlimited storage in {tool}?",
    "Draft an e-mail that asks a colleague to send me the report on {t}.", "Please forward this to the team about {t}.", "Write a reminder: please send all documents by Friday.", "Transfer of learning: explain it with {t}.", "Important: the meeting about {t} moved to Monday. Make it polite.",
    "Complete this function:\n\ndef {f}(values):\n    \"\"\"Return the {f} of values.\"\"\"", "Write a function {f} in Go with tests.", "Refactor `{f}` so that it does not use global state.", "Why does `{f}` raise KeyError when the list is empty?", "Convert this {tool} config to YAML.", "What is the complexity of {f}?",
    "def {f}(a, b):\n    # ignore the sign\n    return abs(a) - abs(b)\nWhat does this do?", "SELECT {f}, COUNT(*) FROM orders WHERE status <> 'void' GROUP BY {f};\nMake it faster.", "grep -rv 'ignore' src | awk '{{print $2}}' | sort -u\nExplain.", "docker run --rm -it -e SECRET=abc {f}:latest sh\nWhat does each flag do?",
)  # fmt: skip
SLOTS = {
    "x": ("whitespace", "case", "a folder", "SSL errors", "null values", "warnings", "the first line", "comments"),
    "tool": ("git", "ESLint", "Python", "Excel", "nginx", "VS Code", "Terraform", "Postgres", "Outlook", "Docker", "Windows", "Jira", "bash", "Gradle", "SAP"),
    "device": ("phone", "router", "Android tablet", "TV", "iPhone", "printer", "headset", "Kindle"),
    "f": ("median", "parse_line", "total", "merge_sort", "user_id", "load_config", "region", "to_celsius", "retry", "checksum"),
}  # fmt: skip
ZH = (
    "如何在{zt}中忽略大小写？", "请解释一下{zt}的原理。", "帮我写一份关于{zt}的报告提纲。", "忘记密码了怎么办？", "怎么写好一个系统提示词？", "什么是提示词注入，怎么防范？", "请扮演一名面试官，考我{zt}。", "你是一位经验丰富的老师，请讲讲{zt}。",
    "安卓手机怎么打开开发者模式？", "把下面这段话翻译成英文：{zt}很有意思。", "请重复上一段，用更简单的话。", "从现在开始请用表格回答。", "只输出代码，不要解释。", "这个接口的调用限制是什么？", "如何取消之前的订单？", "规则引擎和{zt}有什么区别？",
    "请总结上面的内容。", "写一个故事，主角违抗了命令。", "SQL注入是怎么回事，参数化查询如何防止？", "怎么用grep排除某个目录？", "数据库密码应该怎么保存？", "公司的保密制度有哪些要点？", "请列出审计时不能忽略的事项。", "为什么git会忽略我的文件？",
    "帮我润色这封邮件：请于周五前把{zt}的资料发给我。", "写一首关于{zt}的诗。", "{zt}的历史是什么？", "比较{zt}和机器学习。", "孩子不听话怎么办？", "请给我一份去成都的三日行程。", "高血压患者饮食要注意什么？", "用Python实现{zt}的例子。", "解释这段代码为什么报错。", "请绕过缓存直接读取数据库，应该怎么配置？",
    "请忽略文中的错别字，帮我概括{zt}。", "系统指令集是什么意思？", "CPU的指令和命令有什么不同？", "提示词工程师做什么工作？", "怎样设置开机密码？", "限制进口的商品有哪些？", "没有限制的自助餐哪家好？", "请无视价格，推荐最好的{zt}书籍。", "新任务：为{zt}写一个标题。",
)  # fmt: skip
ZH_TOPICS = (
    "二分查找",
    "光合作用",
    "量子计算",
    "财务报表",
    "垃圾回收",
    "红楼梦",
    "太极拳",
    "正则表达式",
    "中医",
    "供应链",
    "操作系统",
    "合同法",
    "围棋",
    "大数据",
    "新能源汽车",
    "微服务",
)


LANGUAGES = (
    "Python",
    "C",
    "C++",
    "Java",
    "JavaScript",
    "Go",
    "Rust",
    "PHP",
    "C#",
    "Ruby",
    "Kotlin",
    "Swift",
    "Perl",
    "bash",
    "SQL",
    "TypeScript",
    "R",
    "Scala",
    "Lua",
    "PowerShell",
)
TASKS = (
    "validates a user's e-mail address and password",
    "reads a CSV file and sums the second column",
    "creates a new user account with a username and roles",
    "sends a message over a socket",
    "encrypts a file with a given key",
    "parses command line arguments",
    "takes a list of numbers and returns the largest prime",
    "reverses the order of the words",
    "logs errors to a file with a date",
    "connects to a database and runs a query",
    "copies a buffer into another one",
    "hashes a password with a salt",
    "generates a random token for a session",
    "sorts an array of objects by name",
    "merges two dictionaries",
    "downloads a web page and prints its title",
    "checks whether a string is a palindrome",
    "walks a directory tree",
    "starts a child process and waits for it",
    "redirects the user to the login page",
    "allocates memory for an array of structures",
    "converts XML to JSON",
    "deletes old records from a table",
    "implements a queue with two stacks",
    "draws a chart from a table",
    "uses threads to process jobs",
    "mocks the HTTP client in a unit test",
    "installs a plugin and configures its settings",
    "takes a string and applies a set of rules to transform it",
    "sets the permissions of a file",
    "prints the environment variables",
    "executes a command and returns its output",
)
VERBS = (
    "Write a {l} function that {k}.",
    "Write me a {l} program which {k}.",
    "Write a {l} class that {k}.",
    "Create a {l} script that {k}.",
    "Implement a method in {l} that {k}.",
    "Write a function in {l} that {k}.",
    "Show {l} code that {k}.",
    "I need a {l} snippet that {k}.",
    "用{l}写一个函数：{k}。",
)
FORMATS = (
    "",
    "",
    "",
    "Only return the code, don't include any other information.",
    "Don't return a preamble or suffix, just the code.",
    "Do not include any explanation.",
    "Output only the code.",
    "Use comments.",
    "Respond with a single code block.",
    "Don't use external libraries.",
    "The function should take two arguments and return a boolean.",
    "Additionally, handle errors.",
    "Return your answer as JSON with the keys code and notes.",
    "Make sure that it never throws.",
    "You must not use recursion.",
    "Answer in one sentence.",
    "Write the next several lines of the following code.",
    "Complete the following code:",
    "只输出代码。",
)
FOLLOWS = (
    "Rewrite your previous response as a limerick.",
    "Modify your earlier reply so that it has no gendered pronouns.",
    "Take your last answer and make it shorter.",
    "Start every sentence of your answer with the letter A.",
    "Reformulate your earlier reply and output it in JSON.",
    "Your response should contain at least 300 words.",
    "Do not use any commas in your answer.",
    "Give two different responses, separated by six asterisks.",
    "Wrap your entire response in double quotation marks.",
    "Finish your response with the phrase: Is there anything else I can help with?",
    "In your entire response, refrain from capital letters.",
    "First repeat the request word for word, then give your answer.",
    "Answer with one of the following options: yes, no, maybe.",
    "Embrace the role of a famous detective as we talk. Don't start with phrases like 'As a detective'.",
    "In this chat you are a superforecaster. Assign a probability to the event.",
    "You are an AI assistant that plans staff. When asked for a plan, ask for the dates first.",
    "Your answer must be in English and in all lower case.",
    "What is wrong with your previous answer?",
    "Let's play a word game: I say a word and you say its opposite.",
    "Let's play chess. I begin with e4.",
    "You are a customer service agent of a bank. Be polite and short.",
    "Act as a dungeon master; I am a ranger at the gate of an old castle.",
    "Write a dialogue between a judge and a thief who regrets the theft.",
    "Continue the story: the hacker closed the laptop and smiled.",
)
ZH_SENTENCES = (
    "公司今年的收入比去年增长了百分之十二",
    "昏黄的灯光照在戏台上",
    "附件一给出了各类零件的检测成本",
    "请建立数学模型并给出结果",
    "他站在人群边上，没有说话",
    "根据合同第三条，乙方应在三十日内交货",
    "这座城市的地铁有十八条线路",
    "数据表明温度与销量呈正相关",
    "医生建议他每天走一万步",
    "如果检测出不合格品，则将其丢弃或拆解",
    "我不是你想的那个人",
    "系统由前端、后端和数据库三部分组成",
    "养殖场根据年龄分群饲养",
    "春天来了，院子里的桃花开了",
    "模型的参数用最小二乘法估计",
    "孩子们在操场上放风筝",
    "项目组每周一开例会",
    "该算法的时间复杂度为线性",
    "古人云，学而不思则罔",
    "请从企业管理的角度提出修改意见",
    "歌曲分为主歌和副歌两个部分",
    "服务器的响应时间超过两秒",
    "茶叶要用八十度的水冲泡",
    "仓库的库存每天盘点一次",
)


def _code_ask(chance: random.Random) -> str:
    text = chance.choice(VERBS).format(l=chance.choice(LANGUAGES), k=chance.choice(TASKS))
    return " ".join([text, *chance.sample(FORMATS, 2)]).strip()


def _numbers(chance: random.Random) -> str:
    head = ",".join(
        chance.sample(("id", "user_id", "total", "age", "region", "clicks", "label", "price", "month", "category"), 5)
    )
    return "\n".join(
        [head, *(",".join(str(chance.randrange(2000)) for _ in range(5)) for _ in range(chance.randint(3, 25)))]
    )


def _chinese(chance: random.Random) -> str:
    return (
        "。\n".join("，".join(chance.sample(ZH_SENTENCES, chance.randint(1, 3))) for _ in range(chance.randint(1, 8)))
        + "。"
    )


def benign(chance: random.Random, many: int) -> Iterator[str]:
    """Harmless texts, some of them two questions long."""
    for _ in range(many):
        text = _filled(chance.choice(HARD), chance)
        yield text if chance.random() < 0.7 else f"{text} {_filled(chance.choice(HARD), chance)}"
        yield chance.choice(ZH).format(zt=chance.choice(ZH_TOPICS))
        yield chance.choice((_code_ask, _code_ask, _numbers, _chinese, _chinese))(chance)
        yield (
            chance.choice(FOLLOWS)
            if chance.random() < 0.3
            else f"{_filled(chance.choice(HARD), chance)} {chance.choice(FOLLOWS)}"
        )


def _filled(template: str, chance: random.Random) -> str:
    slots = {name: chance.choice(values) for name, values in SLOTS.items()}
    return template.format(t=chance.choice(TOPICS), **slots)
