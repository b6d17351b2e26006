"""What the site's search takes for a word, in both languages and in codes.

Sphinx reads Chinese with a dictionary of 20 MB, and English alone finds no part of a sentence
without spaces. Here every two neighbouring Chinese characters are a word, in pages and in what
is asked: 作废 is found in 已作废, and 核验请求 where 核验, 验请 and 请求 stand. A code such as
`folder_in_use` is one word, and is also found by its parts.
"""

from __future__ import annotations

import re

from sphinx.search.en import SearchEnglish

_HAN = "\u3400-\u9fff"
_RUNS = re.compile(f"[{_HAN}]+|[^\\W{_HAN}]+")
_HAN_RUN = re.compile(f"[{_HAN}]")

# The same in the browser, for what is asked.
_IN_THE_BROWSER = f"""
var splitQuery = function (query) {{
  const words = [];
  for (const run of query.match(/[{_HAN}]+|[\\p{{L}}\\p{{N}}_]+/gu) || []) {{
    if (!/[{_HAN}]/.test(run) || run.length === 1) words.push(run);
    else for (let at = 0; at + 1 < run.length; at++) words.push(run.slice(at, at + 2));
  }}
  return words;
}};
"""


class BothLanguages(SearchEnglish):
    """English words by their stem, Chinese ones by pairs of characters."""

    lang = "both"
    language_name = "English"  # the stemmer in the browser has this name
    js_splitter_code = _IN_THE_BROWSER

    def split(self, input: str) -> list[str]:  # noqa: A002 - the name that Sphinx gives it
        """Return the words of a text."""
        return [word for run in _RUNS.findall(input) for word in _words(run)]

    def word_filter(self, word: str) -> bool:
        """Tell whether a word is worth its place: also a pair of Chinese characters."""
        return bool(_HAN_RUN.match(word)) or super().word_filter(word)


def _words(run: str) -> list[str]:
    if _HAN_RUN.match(run):
        return [run[at : at + 2] for at in range(len(run) - 1)] or [run]
    parts = [part for part in run.split("_") if part]
    return [run, *parts] if len(parts) > 1 else [run]
