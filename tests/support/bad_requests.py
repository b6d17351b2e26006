"""Requests with which something is wrong: names, bodies, headers, and what is no request.

`tests/services/test_bad_input.py` sends them to every path of a region and an agency, and
`test_hot_routes.py` to both ways in which a hot route can be answered.
"""

from tests.support.raw_http import request

NOWHERE = [
    *("/", "//", "/nothing", "/reg", "/reg/", "/reg/checkpoint/", "/REG/checkpoint", "*", "x"),
    *("/ev/1999/entries", "/agencies/a", "/agencies/nobody/challenge", "/witness", "/redoc"),
    *(f"/witness/{'0' * 64}/checkpoint", "/did.jsonl", "/../../etc/passwd", "/%00", "/%ff"),
    *("http://gd.example/nothing", "/.well-known/did.json", "/1.0/identifiers"),
]

HOSTILE = [
    *(b"..", b"%2e%2e", b"%2e%2e%2f%2e%2e%2fregistry.sqlite", b"..%5c..", b"..;", b"%2fetc"),
    *(b"%00", b"a%00b", b"%0d%0aSet-Cookie:%20x=1", b"a%20b", b"%", b"%zz", b"%25", b"%u0041"),
    *(b"%E4%BD%A0%E5%A5%BD", b"%ff%fe", b"%ED%A0%80", b"%E2%80%AE", b"%F0%9F%92%A9"),
    *(
        b"x" * 300,
        b"x" * 60_000,
        b"%41" * 3_000,
        b"9" * 30,
        b"-1",
        b"0x1f",
        b"1e3",
        b"+1",
        b"0",
    ),
    *(b"*", b"~root", b"CON", b"'%20or%201=1--", b"%3Cscript%3E", b"$(id)", b"a;b", b"a?b=%ff"),
    *(b"//", b"//etc/passwd", b"a#b", b"000", b"0.p/0", b"x001/000", b"0" * 64, b"F" * 64),
]
NOT_HTTP = ["你好".encode(), b"\x00", b"a b", b"a\rb", b"\x7f"]

DEEP = 5_000
NOT_JSON = {
    "nothing": b"",
    "spaces": b" \n\t",
    "a word": b"hello",
    "cut": b'{"entry":',
    "cut in a string": b'{"entry":"abc',
    "two values": b"{}{}",
    "more behind": b'{"a":1}x',
    "a comma too many": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "a comment": b'{"a":1}//x',
    "a mark of byte order": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "not UTF-8": b'{"a":"\xff"}',
    "half a character": b'{"a":"\xe4\xbd"}',
    "half a pair": b'{"a":"\\ud800"}',
    "a zero byte": b'{"a":"\x00"}',
    "bytes": bytes(range(256)),
    "a member twice": b'{"entry":1,"entry":2}',
    "a member twice inside": b'{"entry":{"b":1,"b":2}}',
    "a fraction": b'{"a":1.5}',
    "an exponent": b'{"a":1e400}',
    "not a number": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "a huge number": b'{"a":' + b"9" * 5_000 + b"}",
    "2^53": b'{"a":9007199254740992}',
    "minus zero": b'{"a":-0}',
    "deep arrays": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep and open": b'{"a":[' * DEEP,
    "an array": b"[]",
    "a string": b'"entry"',
    "a number": b"7",
    "nothing but null": b"null",
    "true": b"true",
}
ENTRY = b'{"v":1,"t":"did","s":"x","n":0,"p":null,"b":{},"proofs":[]}'
OTHER_SHAPES = {
    "nothing in it": b"{}",
    "an unknown member": b'{"nobody":1}',
    "a name that tries": b'{"__proto__":{"a":1},"constructor":1}',
    **{
        f"{member} is {value.decode()}": b'{"%s":%s}' % (member.encode(), value)
        for member in ("entry", "item", "claims", "holder", "proof", "note")
        for value in (b"1", b'""', b"[]", b"{}", b"null", b"true", b'"' + b"x" * 500 + b'"')
    },
    "an entry and more": b'{"entry":%s,"more":1}' % ENTRY,
    "content of no status": b'{"entry":%s,"content":"x"}' % ENTRY,
    "content that is no text": b'{"entry":%s,"content":{}}' % ENTRY,
    "another version": ENTRY.replace(b'"v":1', b'"v":2').join((b'{"entry":', b"}")),
    "an unknown type": ENTRY.replace(b'"did"', b'"dog"').join((b'{"entry":', b"}")),
    "claims for nobody": b'{"item":"x","claims":{},"holder":"x","proof":{"challenge":"x"}}',
    "an empty note": b'{"note":""}',
    "a note of 401": b'{"note":"' + b"x" * 401 + b'"}',
}


def no_requests(path: str, host: str) -> dict[str, bytes]:
    """What is no request to take a body at a path, each spoilt in one way."""
    post = request("POST", path, b"{}", host=host)
    return {
        "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        "no line at all": b"\r\n\r\n" * 40 + b"\0",
        "an unknown version": post.replace(b"HTTP/1.1", b"HTTP/7"),
        "a method with a space": post.replace(b"POST", b"PO ST"),
        "no host": post.replace(b"host: " + host.encode() + b"\r\n", b""),
        "two hosts": post.replace(b"host:", b"host: x\r\nhost:"),
        "two lengths": post.replace(
            b"content-length: 2", b"content-length: 2\r\ncontent-length: 3"
        ),
        "a negative length": post.replace(b"content-length: 2", b"content-length: -2"),
        "a length in words": post.replace(b"content-length: 2", b"content-length: two"),
        "a length in Arabic": post.replace(b"content-length: 2", "content-length: ٢".encode()),
        "an endless length": post.replace(
            b"content-length: 2", b"content-length: " + b"9" * 400
        ),
        "another encoding": post.replace(b"content-length: 2", b"transfer-encoding: gzip"),
        "a broken chunk": post.replace(b"content-length: 2", b"transfer-encoding: chunked")
        + b"\r\n\r\n",
        "a header without a colon": post.replace(b"connection: close", b"connection close"),
        "a header with a zero": post.replace(b"close", b"cl\0se"),
        "a folded name": post.replace(b"connection:", b"connection :"),
    }


ODD = [
    *(
        b"",
        b" ",
        b",",
        b";",
        b"\xff\xfe",
        b"*",
        b"x" * 20_000,
        b"%00",
        b"../..",
        b"-1",
        b"1e999",
    ),
    *(
        b"zh;q=nan",
        b"en;q=\xff",
        b"wait=-1",
        b"wait=" + b"9" * 5_000,
        b"Bearer",
        b"Bearer  x y",
    ),
    *(
        b"Basic Og==",
        b"bytes=0-0",
        b"bytes=9-1",
        b'"',
        b"gzip",
        b"text/html",
        b"a@b:c:d",
        b"[::1",
    ),
]
HEADERS = ("accept", "accept_language", "accept_encoding", "authorization", "content_type")
HEADERS += (
    "content_encoding",
    "prefer",
    "range",
    "if_none_match",
    "if_modified_since",
    "expect",
)
HEADERS += ("host", "origin", "cookie", "forwarded", "x_forwarded_for", "upgrade", "te")
