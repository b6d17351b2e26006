"""Fingerprints as people type them and read them out: off a letter, or by telephone.

    hex       1f0c 9a3e …            eight groups of four
    syllables bahub nodog …          proquints (arXiv:0901.4016): two bytes each, any language
    characters 地玄黄宙 …             a byte each, from the Thousand Character Classic

All three say the same 16 bytes; whoever compares one of them has compared all.
"""

from __future__ import annotations

from did_service.core.text import Bilingual

# What stands between groups, and how an input method writes digits and letters of double width.
_SEPARATORS = dict.fromkeys(map(ord, ":-\uff1a\uff0d\u2010\u2011\u2013"))
_WIDE = {
    ord("\uff10") + offset: ord("0") + offset
    for first, last in (("0", "9"), ("A", "F"), ("a", "f"))
    for offset in range(ord(first) - ord("0"), ord(last) - ord("0") + 1)
}


def read_fingerprint(typed: str) -> str:
    """Return the hex digits of a fingerprint, in lower case and with nothing in between.

    Args:
        typed: With blanks, colons or hyphens anywhere, in either case, also of double width.
    """
    plain = typed.translate(_WIDE).translate(_SEPARATORS)
    return "".join(plain.split()).lower()


_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"
# The first 256 characters that differ, without the one line in which simplified writing has
# the same character twice (發, 髮).
_CHARACTERS = (
    "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜"
    "金生丽水玉出昆冈剑号巨阙珠称夜光果珍李柰菜重芥姜海咸河淡鳞潜羽翔龙师火帝鸟官人皇"
    "始制文字乃服衣裳推位让国有虞陶唐吊民伐罪周发殷汤坐朝问道垂拱平章爱育黎首臣伏戎羌"
    "遐迩一体率宾归王鸣凤在竹白驹食场化被草木赖及万方女慕贞洁男效才良知过必改得能莫忘"
    "罔谈彼短靡恃己长信使可复器欲难量墨悲丝染诗赞羔羊景行维贤克念作圣德建名立形端表正"
    "空谷传声虚堂习听祸因恶积福缘善庆尺璧非宝寸阴是竞资父事君曰严与敬孝当竭力忠则尽命"
    "临深履薄夙兴温清似兰斯馨如松之盛"
)


def spoken(fingerprint: str) -> Bilingual:
    """Return a fingerprint as people read it to each other: characters, or syllables.

    Args:
        fingerprint: As `Policy.fingerprint` has it, or as `read_fingerprint` returns it.
    """
    data = bytes.fromhex(read_fingerprint(fingerprint))
    characters = "".join(_CHARACTERS[byte] for byte in data)
    groups = [characters[at : at + 4] for at in range(0, len(characters), 4)]
    return Bilingual(" ".join(groups), " ".join(map(_syllables, _pairs(data))))


def _pairs(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]


def _syllables(number: int) -> str:
    """Return five letters for sixteen bits: consonants of four bits, vowels of two."""
    letters = ""
    for shift, alphabet in zip(
        (12, 10, 6, 4, 0),
        (_CONSONANTS, _VOWELS, _CONSONANTS, _VOWELS, _CONSONANTS),
        strict=True,
    ):
        letters += alphabet[(number >> shift) % len(alphabet)]
    return letters
