"""What a refusal means to somebody who calls over HTTP, and what to do next.

The words of an error's class are for files and command lines as well; here stand better ones,
by code, and for bodies that do not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from did_service.core.errors import (
    Bilingual,
    DidServiceError,
    LimitError,
    MalformedError,
    UnsupportedError,
)
from did_service.program.failure import WORDS

Sentences: TypeAlias = tuple[Bilingual, Bilingual]

_CORRECT = Bilingual(
    "请按 detail 的说明修正请求后重试", "correct the request as detail says and send it again"
)

BY_CODE: Mapping[str, Sentences] = {
    "method_not_allowed": (
        Bilingual("此路径不支持该请求方法", "this path does not take this method"),
        Bilingual("请改用 Allow 列出的方法", "use one of the methods that Allow names"),
    ),
    "path_unknown": (
        Bilingual("此路径不存在", "nothing is at this path"),
        Bilingual(
            "请核对地址，路径见 openapi.yaml", "check the address; openapi.yaml has the paths"
        ),
    ),
    "request_malformed": (
        Bilingual("请求格式不正确", "the request is malformed"),
        _CORRECT,
    ),
    "claim_hidden_character": (
        Bilingual("申请内容含有不可见字符", "a claim has a character that nobody sees"),
        Bilingual("请重新输入该项内容后再申请", "type that claim anew and apply again"),
    ),
    "officer_unknown": (
        Bilingual("需要经办人员登录", "an officer has to log in"),
        Bilingual(
            "请在 Authorization 中给出经办人员的 Bearer 令牌",
            "send an officer's bearer token in Authorization",
        ),
    ),
    "officer_role_missing": (
        Bilingual("该经办人员无此权限", "this officer may not do that"),
        Bilingual("请由具备该权限的人员办理", "let an officer do it who has the role"),
    ),
    "rules_unknown": WORDS["rules_unknown"],
    "rules_not_in_force": WORDS["rules_not_in_force"],
    "same_officer": (
        Bilingual("受理与审批须由两人办理", "accepting and approving take two officers"),
        Bilingual("请由另一名审批人员办理", "let another officer approve"),
    ),
}


def sentences_of(error: DidServiceError) -> Sentences:
    """Return what an error means and what to do next."""
    if error.code in BY_CODE:
        return BY_CODE[error.code]
    own = LimitError, UnsupportedError
    if isinstance(error, MalformedError) and not isinstance(error, own):
        return error.meaning, _CORRECT
    return error.meaning, error.next_step
