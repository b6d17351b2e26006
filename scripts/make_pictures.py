"""Write docs/pictures: each drawing once, its words in both languages.

    python scripts/make_pictures.py

A drawing is plain SVG with a title and a description, which are read aloud where it is not
seen; it needs no font or file from elsewhere. A test compares the committed files with what
this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

FOLDER = Path("docs/pictures")
_STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1b2733;text-anchor:middle}"
    ".s{font-size:12px}.l{text-anchor:start}"
    ".b{fill:#eef4fb;stroke:#33608c;stroke-width:1.5}"
    ".g{fill:none;stroke:#8a97a5;stroke-dasharray:5 4}"
    ".a{fill:none;stroke:#33608c;stroke-width:1.5;marker-end:url(#t)}"
    ".d{stroke-dasharray:3 3}"
)
_TIP = (
    '<marker id="t" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="#33608c"/></marker>'
)

# A text in both languages: English, Chinese.
Words = tuple[str, str]


@dataclass(frozen=True)
class Box:
    """A box with one line of words, or two; `group` is drawn as a frame with a heading."""

    x: int
    y: int
    width: int
    height: int
    words: Words
    more: Words = ("", "")
    group: bool = False

    def drawn(self, language: int) -> Iterator[str]:
        """Yield its elements."""
        kind = "g" if self.group else "b"
        yield (
            f'<rect class="{kind}" x="{self.x}" y="{self.y}" width="{self.width}" '
            f'height="{self.height}" rx="6"/>'
        )
        middle, half = self.x + self.width // 2, self.y + self.height // 2
        if self.group:
            yield _text(middle, self.y + 18, self.words[language], "s")
        elif self.more[language]:
            yield _text(middle, half - 4, self.words[language])
            yield _text(middle, half + 14, self.more[language], "s")
        else:
            yield _text(middle, half + 5, self.words[language])


@dataclass(frozen=True)
class Arrow:
    """An arrow with words beside its middle; `carried` ones are files that people carry."""

    start: tuple[int, int]
    end: tuple[int, int]
    words: Words = ("", "")
    shift: tuple[int, int] = (0, -7)
    carried: bool = False
    both: bool = False

    def drawn(self, language: int) -> Iterator[str]:
        """Yield its elements."""
        (a, b), (c, d) = self.start, self.end
        kind = "a d" if self.carried else "a"
        back = ' marker-start="url(#t)"' if self.both else ""
        yield f'<path class="{kind}" d="M{a} {b} {c} {d}"{back}/>'
        if self.words[language]:
            x, y = (a + c) // 2 + self.shift[0], (b + d) // 2 + self.shift[1]
            yield _text(x, y, self.words[language], "s")


@dataclass(frozen=True)
class Line:
    """A line of text alone."""

    x: int
    y: int
    words: Words

    def drawn(self, language: int) -> Iterator[str]:
        """Yield its element."""
        yield _text(self.x, self.y, self.words[language], "s")


@dataclass(frozen=True)
class Picture:
    """A drawing of a size, with what it is called and what it shows."""

    width: int
    height: int
    title: Words
    description: Words
    parts: tuple[Box | Arrow | Line, ...]

    def svg(self, language: int) -> str:
        """Return the file in a language, 0 English or 1 Chinese."""
        tag = ("en", "zh-CN")[language]
        lines = [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} '
                f'{self.height}" role="img" aria-labelledby="n w" xml:lang="{tag}">'
            ),
            f'<title id="n">{escape(self.title[language])}</title>',
            f'<desc id="w">{escape(self.description[language])}</desc>',
            f"<style>{_STYLE}</style><defs>{_TIP}</defs>",
            f'<rect width="{self.width}" height="{self.height}" fill="#fff"/>',
        ]
        for part in self.parts:
            lines += part.drawn(language)
        return "\n".join([*lines, "</svg>", ""])


def _text(x: int, y: int, words: str, kind: str = "") -> str:
    shown = f' class="{kind}"' if kind else ""
    return f'<text{shown} x="{x}" y="{y}">{escape(words)}</text>'


SYSTEM = Picture(
    760,
    330,
    ("Who gives what to whom", "谁把什么交给谁"),
    (
        (
            "An agency writes its DID, schemas and status to its region's log. Witnesses "
            "in other regions check every entry and cosign. The wallet gets the "
            "credential and its evidence; the counter works offline from a trust bundle "
            "and the wallet's presentation."
        ),
        (
            "签发机关把标识、证照格式和作废记录写入本地区的登记簿；其他地区的见证方逐条检查并见证；"
            "钱包取得证照和核验数据；窗口凭核验数据包和出示文件离线核验。"
        ),
    ),
    (
        Box(20, 20, 250, 190, ("one region", "一个地区"), group=True),
        Box(50, 50, 190, 50, ("agency", "签发机关"), ("issues credentials", "签发证照")),
        Box(50, 145, 190, 50, ("registry", "登记簿"), ("append-only log", "只增不改的日志")),
        Arrow((145, 100), (145, 145), ("DID, schema, status", "标识, 格式, 作废记录"), (0, 4)),
        Box(490, 20, 250, 190, ("other regions", "其他地区"), group=True),
        Box(
            520,
            145,
            190,
            50,
            ("witnesses", "见证方"),
            ("k of n must cosign", "n 个中须有 k 个"),
        ),
        Arrow((240, 170), (520, 170), ("every entry is checked", "逐条检查"), both=True),
        Box(50, 255, 190, 50, ("wallet", "钱包"), ("a citizen's", "持证人")),
        Arrow((30, 75), (50, 280), ("credential", "证照"), (0, -60)),
        Arrow((145, 195), (145, 255), ("evidence", "核验数据"), (45, 4)),
        Box(
            520,
            255,
            190,
            50,
            ("counter, offline", "窗口（离线）"),
            ("did-verify", "did-verify"),
        ),
        Arrow((240, 285), (520, 285), ("presentation, a file", "出示文件"), carried=True),
        Arrow(
            (240, 190),
            (530, 255),
            ("trust bundle, a file", "核验数据包"),
            (20, -4),
            carried=True,
        ),
    ),
)

VISIT = Picture(
    760,
    250,
    ("A visit to the counter", "到窗口办理一件"),
    (
        (
            "The counter, offline, has pinned one policy and loaded a trust bundle. It "
            "gives out a request; the wallet asks the citizen, signs and hands back a "
            "presentation; the counter judges it in thirteen steps."
        ),
        (
            "窗口不联网，事先载入信任策略和核验数据包。窗口发出核验请求；钱包征得持证人同意后签名，"
            "交回出示文件；窗口按十三个步骤核验，给出结论。"
        ),
    ),
    (
        Box(30, 20, 210, 46, ("the citizen's wallet", "持证人的钱包")),
        Box(520, 20, 210, 46, ("counter, offline", "窗口（离线）")),
        Line(625, 88, ("trusts one policy,", "已载入信任策略，")),
        Line(625, 106, ("has loaded a trust bundle", "已导入核验数据包")),
        Arrow(
            (520, 135),
            (240, 135),
            ("a request, answered once", "核验请求，只能答复一次"),
            carried=True,
        ),
        Line(135, 160, ("shows who asks and what is shown,", "列明谁请求、出示什么，")),
        Line(135, 178, ("asks the citizen, signs", "征得同意后签名")),
        Arrow(
            (240, 200),
            (520, 200),
            ("a presentation with its evidence", "出示文件，附核验数据"),
            carried=True,
        ),
        Line(625, 222, ("thirteen steps, one verdict,", "十三个步骤，一个结论，")),
        Line(625, 240, ("one reason, one next step", "一条原因，一个下一步")),
    ),
)

FOUNDING = Picture(
    760,
    300,
    ("Founding a federation by files", "用文件建立联邦"),
    (
        (
            "Each region makes its own keys and hands on a public member file. One drafts "
            "policy 1 from all of them. All compare one fingerprint aloud and sign. "
            "Policy 1 stands when all have signed. No private key leaves its region."
        ),
        (
            "各地区各自生成密钥，交出公开的成员文件；由一方据此起草第一份信任策略；"
            "各方当面或电话核对同一个指纹后签署；全部签署后策略生效。私钥不出本地区。"
        ),
    ),
    (
        Box(20, 30, 170, 56, ("region A", "甲地区"), ("makes its own keys", "自行生成密钥")),
        Box(20, 120, 170, 56, ("region B", "乙地区"), ("makes its own keys", "自行生成密钥")),
        Box(20, 210, 170, 56, ("region C", "丙地区"), ("makes its own keys", "自行生成密钥")),
        Box(
            290,
            120,
            170,
            56,
            ("draft of policy 1", "第一份信任策略草案"),
            ("one fingerprint", "同一个指纹"),
        ),
        Box(
            570,
            120,
            170,
            56,
            ("policy 1", "第一份信任策略"),
            ("signed by all", "全部签署后生效"),
        ),
        Arrow((190, 58), (300, 120), ("member file", "成员文件"), (22, -8), carried=True),
        Arrow((190, 148), (290, 148), ("", ""), carried=True),
        Arrow((190, 238), (300, 176), ("", ""), carried=True),
        Arrow((460, 148), (570, 148), ("compare, sign", "核对, 签署")),
        Line(375, 215, ("all read the fingerprint aloud", "各方逐位念出指纹核对")),
        Line(375, 290, ("private keys stay where they were made", "私钥不离开生成它的机器")),
    ),
)

RESTORE = Picture(
    760,
    300,
    ("What is kept, and what brings a region back", "备份什么，靠什么恢复"),
    (
        (
            "Databases are backed up together; keys are backed up apart under another "
            "passphrase; the guard, which knows what was signed last, is never backed up. "
            "After a loss the databases come from the backup, what is missing from the "
            "mirrors of other regions; nothing is signed before all that was signed is "
            "here again."
        ),
        (
            "数据库一起备份；密钥用另一口令另存；签名防护文件记着最后签了什么，从不备份。"
            "受损后，数据库取自备份，缺少的取自其他地区的镜像；已签过的没有补齐之前，什么都不签。"
        ),
    ),
    (
        Box(20, 20, 220, 250, ("the machine", "本机"), group=True),
        Box(
            45,
            50,
            170,
            50,
            ("databases, files", "数据库和文件"),
            ("all entries", "全部登记记录"),
        ),
        Box(45, 125, 170, 50, ("keyring", "密钥环"), ("sealed", "已加密")),
        Box(
            45,
            200,
            170,
            50,
            ("guard", "签名防护文件"),
            ("what was signed last", "最后签了什么"),
        ),
        Box(330, 50, 160, 50, ("backup", "备份"), ("together, often", "一起备份，经常备份")),
        Box(
            330,
            125,
            160,
            50,
            ("key backup", "密钥备份"),
            ("another passphrase", "另一口令，另处存放"),
        ),
        Line(410, 230, ("never backed up", "从不备份")),
        Box(570, 50, 170, 50, ("mirrors", "镜像"), ("in other regions", "在其他地区")),
        Arrow((215, 75), (330, 75), ("often", "经常"), both=True),
        Arrow((215, 150), (330, 150), ("once", "一次"), both=True),
        Arrow((655, 100), (560, 205), ("what is missing", "缺少的部分"), (48, 0)),
        Box(
            500,
            205,
            240,
            50,
            ("signs again", "恢复签名"),
            ("once all that was signed is here", "已签过的全部补齐之后"),
        ),
        Arrow((410, 175), (510, 205)),
    ),
)

PICTURES = {"system": SYSTEM, "visit": VISIT, "founding": FOUNDING, "restore": RESTORE}


def files() -> Iterator[tuple[Path, str]]:
    """Yield each file with its contents."""
    for name, picture in PICTURES.items():
        yield FOLDER / f"{name}.svg", picture.svg(0)
        yield FOLDER / f"{name}.zh-CN.svg", picture.svg(1)


def main() -> int:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for path, text in files():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
