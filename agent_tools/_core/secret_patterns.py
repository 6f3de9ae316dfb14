"""Tables of what must not be shown: a clue that gives it away, its pattern, and the word that replaces it.

The rows of a table are tried in order. `ROWS` is for text, after `DISGUISE_ROWS` have undone what hides it;
`RESULT_ROWS` is for what a tool returned. `LOOSE_ROWS` undo disguises that might be none.
"""

import html
import re
import unicodedata
from typing import Final

from agent_tools._core.secret_languages import LANGUAGE_PATTERNS
from agent_tools._core.secret_names import BARE, COMMAND_PATTERNS, NAME, NAMED_PATTERNS, NOTHING
from agent_tools._core.secret_rows import (
    EMAIL,
    GLUED,
    HOST,
    IS,
    LINK,
    NOT_ASCII,
    PATH,
    QUOTED,
    RUN,
    SECRET,
    compiled,
    rows,
)
from agent_tools._core.secret_shapes import KEY_PATTERNS, NUMBER_PATTERNS, RANDOM_PATTERNS

_TOP_LEVEL = "com|net|org|io|dev|app|cloud|ai|co|info|biz|eu|de|fr|nl|uk|us|ca|in|jp|cn|ru|br|au|ch|at"

# -- Disguises: undone first. -------------------------------------------------------------------------


def _character(match: re.Match[str]) -> str:
    """Return the character that an escape stands for. Quotes and `%3C` stay, since they would end a value."""
    char = chr(int(match[0][-2:], 16))
    stays = char in "\"'`" or (char in "<>" and match[0][0] == "%")
    return "\xa0" if char.isspace() else match[0] if stays else char


DISGUISE_ROWS: Final = (
    # HTML entities. Bounded: int() in html.unescape refuses thousands of digits.
    *rows(
        lambda match: html.unescape(match[0]),
        ("&", r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"),
    ),
    # Percent-encoding (RFC 3986, 2.1) and the escapes of JSON and repr().
    *rows(
        _character,
        ("%", r"%(0[9AaDd]|[2-7][0-9A-Fa-f])"),
        (r"\u00 \x", r"\\(?:u00|x)[2-7][0-9A-Fa-f]"),
    ),
    # Letters, digits, "-" and "_" in full width (Unicode, "Halfwidth and Fullwidth Forms").
    *rows(
        lambda match: chr(ord(match[0]) - 0xFEE0), (NOT_ASCII, r"[\uff0d\uff10-\uff19\uff21-\uff3a\uff3f\uff41-\uff5a]")
    ),
    *rows(
        "",
        # Terminal sequences (ECMA-48), also spelled out by repr().
        (
            "\x1b \\x1b \\u001b \\033",
            r"(?:\x1b|\\x1b|\\u001b|\\033)(?:\[[0-?]{0,32}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,256}\x07)|\x1b",
        ),
        # Everything without width: controls, soft hyphen, joiners, bidi marks, variation selectors, tags, surrogates.
        (
            "",
            (
                "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
                "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
            ),
        ),
    ),
)

BLANK_ROWS: Final = (
    *rows(" ", ("", r"[^\S \n\r\v\f\x1c-\x1e\x85\xa0\u2028\u2029]| {2,}")),
    *rows("\n", ("", r" ?[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")),
)


def _without_style(match: re.Match[str]) -> str:
    """Return the ASCII letter behind a styled one (Unicode, NFKC). The liter sign counts as one."""
    code = ord(match[0])
    if code >= 0x1F150:  # noqa: PLR2004 -- letters on black have no decomposition.
        return chr(ord("A") + (code - 0x1F150) % 32)
    plain = unicodedata.normalize("NFKC", match[0])
    return plain if plain.isascii() and plain.isalnum() and match[0] != "\u2113" else match[0]


# Letters of other alphabets that look like Latin ones (Unicode, "Confusables").
_LOOKALIKES = dict(
    zip(
        "аеорсухіјѕԁһӏкмтвнАВЕКМНОРСТХУІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοναρυ",
        "aeopcyxijsdhlkmtbhABEKMHOPCTXYIJSABEZHIKMNOPTYXovapu",
        strict=True,
    )
)

# Undone only where they hide something.
LOOSE_ROWS: Final = (
    *rows(
        _without_style,
        (
            NOT_ASCII,
            r"[\u1d2c-\u1d6a\u2071\u207f\u2090-\u209c\u2102-\u2134\u24b6-\u24e9\U0001d400-\U0001d7ff\U0001f130-\U0001f189]",
        ),
    ),
    *rows(
        lambda match: _LOOKALIKES[match[0]],
        (NOT_ASCII, rf"(?<=[A-Za-z])[{''.join(_LOOKALIKES)}]|[{''.join(_LOOKALIKES)}](?=[A-Za-z])"),
    ),
    # Separate accents belong to their letter, unless each letter has one.
    *rows(
        lambda match: re.sub(r"[\u0300-\u036f\u20d0-\u20ff]", "", match[0]),
        (NOT_ASCII, r"(?:[A-Za-z][\u0300-\u036f\u20d0-\u20ff]{1,8}){4,}"),
    ),
    *rows(
        lambda match: unicodedata.normalize("NFC", match[0]),
        (NOT_ASCII, r"[A-Za-z][\u0300-\u036f]{1,8}"),
    ),
    # p a s s w o r d
    *rows(
        lambda match: re.sub(r"[ .·_*-]", "", match[0]),
        ("", r"(?<![^\W_])[A-Za-z](?:[ .·_*-][A-Za-z]){3,32}(?![^\W_])(?: (?=[:=]))?"),
    ),
)

# -- Blocks: dropped with everything in them. -----------------------------------------------------------

# <password>x</password>: the name goes with the tag, so the value has to go now.
_ELEMENT = ("</", rf"<(?=[^<>]{{0,128}}{NAME})[A-Za-z][^<>]{{0,512}}>[^<]{{1,1024}}(?=</)")

BLOCK_PATTERNS: Final = (
    # Frames and source lines are for developers; what follows the last frame is exception text.
    *rows("", ("traceback", r"(?:[+| -]{0,64}Exception Group )?Traceback \(most recent call last\).*")),
    *rows(
        SECRET,
        # PEM (RFC 7468), also cut off or with its lines joined.
        ("-----begin", r"-----BEGIN [A-Z0-9 ]{3,40}-----.*?(?:-----END [A-Z0-9 ]{3,40}-----|\Z)"),
        _ELEMENT,
    ),
    # A tag inside a word is removed without a gap; all others separate words. `<order_id>` is a placeholder, not HTML.
    *rows("", ("<", r"(?i)</?(?:a|b|i|u|em|strong|span|font|wbr|code|mark|small|su[bp]|tt)(?:\s[^<>]{0,2048})?/?>")),
    *rows(
        " ",
        ("<script <style", r"(?i)<(?:script|style)\b.*?(?:</(?:script|style)\s?>|\Z)"),
        ("</script </style", r"(?i)\A.*?</(?:script|style)\s?>"),
        ("<!--", r"<!--.*?(?:-->|\Z)"),
        ("<", r"<(?![a-z]+_[a-z_]+>|\w+ \[)[A-Za-z/!?][^<>]{0,2048}>"),
    ),
)

# -- Links and addresses, as a whole. -------------------------------------------------------------------

# 2@5 EUR, 10@2.50, react@18.2.0
_NO_NUMBER = (
    r"(?!\d[\d.,]{0,12}x?@\d[\d.,]{0,12}(?:[A-Z]{3}|[€$£¥%])?(?![\w@:/-])"
    r"|[\w./-]{1,80}@v?\d{1,6}(?:\.\d{1,6}){0,2}(?:[-+][\w.]{1,40})?(?![\w@:/-]|\.\d))"
)

#: An address behind more characters without a blank than a name may have here.
LATE_EMAIL: Final = (
    "@",
    rf"(?=[\w.%+-]{{1,64}}+@[\w-]{{1,64}}\.[A-Za-z])(?<=[^\s\"'`<>@]{{192}})[\w.%+-]{{1,64}}+@{RUN}",
)

LINK_PATTERNS: Final = (
    *rows(
        LINK,
        # Any scheme: user-info, query and internal hosts are all in there (RFC 3986, 3).
        (r":// :\/ :\\/", rf"(?<![\w+.-])[\w+.-]*+:(?:\\{{0,2}}/){{2}}{RUN}"),
        # ADO, ODBC and Azure connection strings: Server=db;Pwd=my pass;
        (
            ";",
            (
                r"(?i)(?<!\w)(?:server|data source|address|driver|endpoint|host|accountname|defaultendpointsprotocol"
                r"|user|user id|uid|pwd|database|initial catalog)\s?=(?:[^;\n]{0,256};\s?[\w ]{2,40}=)++"
                r"(?:[^;\n]{0,256};|[^;\s]*)"
            ),
        ),
        # Without a scheme: shop.com/x?key=1
        ("/ ?", rf"(?i)(?:(?<![\w.:@/-])|{GLUED})(?:[\w-]++\.)+(?:{_TOP_LEVEL})(?::\d{{1,5}})?(?:/|\?(?=\w)){RUN}"),
    ),
    # x@y, also the user-info of a link whose scheme is missing.
    *rows(
        EMAIL,
        ("@", rf"(?<![^\s\"'`<>(\[{{]){_NO_NUMBER}[^\s\"'`<>(\[{{@][^ \t\n\"'`<>@]{{0,256}}+@(?=[\w\[]){RUN}"),
        LATE_EMAIL,
    ),
)

# -- Paths and hosts. -----------------------------------------------------------------------------------

PATH_PATTERNS: Final = rows(
    PATH,
    ("file", r"(?i)\bFile [\"'][^\"'\n]{1,512}[\"'](?:, line \d+)?(?:, in [\w.<>]+)?"),
    # A quoted path may contain blanks.
    ("/ \\", r"([\"'`])(?:/|~/|[A-Za-z]:[\\/]|\\\\)[^\"'`\n]{1,1024}\1"),
    # Drives; a blank belongs to it when a backslash follows soon: C:\Program Files\x
    (
        ":\\ :/",
        (
            rf"(?:(?<![A-Za-z])|{GLUED})[A-Za-z]:[\\/][^ \n\"'`<>]*"
            r"(?: [^ \n\"'`<>\\/]{1,48}(?: [^ \n\"'`<>\\/]{1,48}){0,2}\\[^ \n\"'`<>]*)*"
        ),
    ),
    ("\\\\", rf"(?:(?<![\w\\])|{GLUED})\\{{2,8}}[\w.$?-]+\\[^ \n\"'`<>]*"),
    # Absolute ones, ~/x, ./x, $HOME/x; a name with a blank in a capitalized one: /Users/John Smith/x
    (
        "/",
        (
            rf"(?:(?<![\w/.+\]])|{GLUED})(?:~[\w.-]{{0,32}}|\.{{1,2}}|\$\{{?[A-Z_]{{2,32}}\}}?)?/{{1,4}}(?=[\w.~%@+$-]){RUN}"
            rf"(?: (?=[A-Z][\w.-]{{0,32}}/){RUN})?"
        ),
    ),
    # Relative ones, known by their ending: src/db.py
    ("/", rf"(?:(?<![\w./-])|{GLUED})(?:[\w.-]++/)++[\w.-]*?\.[A-Za-z]{{1,5}}\b(?:[?#:][^ \n\"'`<>]*)?"),
)

_INTERNAL = "internal|local|localdomain|localhost|corp|lan|intranet|private|home|svc|consul|prod|staging"
# Ports that show that the bare name before the colon is a host; `order:12345` is not one.
_PORTS = (
    "22|80|443|1433|1521|2181|2379|3000|3306|4222|4317|5000|5432|5672|6379|6443|8000|8080|8081|8086|8123|8200|8443|8500"
    "|8888|9000|9042|9090|9092|9200|11211|27017|50051"
)


def _unless_public(match: re.Match[str]) -> str:
    """Return the word for a host that is internal, has a port or is deep in a domain; otherwise the text.

    `shop.example`, `httpx.ConnectError` and `orders.csv` are names that a sentence may hold.
    """
    *labels, last = match["name"].lower().split(".")
    is_deep = len(labels) > 1 and last in _TOP_LEVEL.split("|")
    is_internal = not {last, *labels[1:]}.isdisjoint(_INTERNAL.split("|")) and (bool(labels) or last == "localhost")
    is_server = match["port"] is not None and (bool(labels) or match["port"] in _PORTS.split("|"))
    return HOST if is_deep or is_internal or is_server else match[0]


def _unless_version(match: re.Match[str]) -> str:
    """Return the word for a host; `version 4.5.6.7` and `shop==1.2.3.4` stay."""
    before = match.string[max(0, match.start() - 16) : match.start()]
    return match[0] if re.search(r"(?i:\b(?:version|release|build)|[=<>~!]=)\s?\Z", before) else HOST


HOST_PATTERNS: Final = (
    *rows(
        HOST,
        # IPv6 (RFC 4291, 2.2): eight groups, or fewer with `::`. A time has three.
        (
            ":",
            (
                rf"(?i)(?:(?<![\w:.])|{GLUED})\[?(?:(?:[0-9a-f]{{1,4}}:){{7}}[0-9a-f]{{1,4}}"
                r"|(?=[0-9a-f:]{0,40}?::)(?=:*[0-9a-f])(?:[0-9a-f]{0,4}:){2,8}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4}))(?:%\w+)?(?![\w:])(?:\](?::\d{1,5})?)?"
                r"(?:/\d{1,3})?"
            ),
        ),
    ),
    *rows(
        _unless_version,
        (".", rf"(?:(?<![\w.])|{GLUED})(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?!\w|\.\d)(?::\d{{1,5}}|/\d{{1,2}}(?!\d))?"),
    ),
    # host='db', as clients print it. With a blank before the value it may be prose.
    *rows(
        rf"\1{HOST}",
        (
            "host server dbname",
            (
                rf"((?i:(?<![a-z])(?:db_?)?(?:host(?:name|addr)?|server|name(?==)){IS})(?<!\s)){NOTHING}"
                rf"(?:{QUOTED}|\[[a-z]+\]|{BARE})"
            ),
        ),
    ),
    *rows(
        _unless_public,
        (
            ". : localhost",
            (
                rf"(?:(?<![\w.:@-])|{GLUED})(?=[\w-]*+[.:]\w|(?i:localhost))(?P<name>(?:[\w-]++\.)*[A-Za-z][\w-]*+)"
                r"(?::(?P<port>\d{2,5})(?![\w:-]|\.\d))?"
            ),
        ),
    ),
)

# Join the text into one line, now that line ends are not needed to see where a header ends.
LAYOUT_PATTERNS: Final = (*rows(" ", ("", r"\s{2,}|[^\S ]")), *rows("", ("", r"\A +| +\Z")))

ROWS: Final = (
    *DISGUISE_ROWS,
    *BLANK_ROWS,
    *BLOCK_PATTERNS,
    *LINK_PATTERNS,
    *COMMAND_PATTERNS,
    *NAMED_PATTERNS,
    *LANGUAGE_PATTERNS,
    *KEY_PATTERNS,
    *NUMBER_PATTERNS,
    *PATH_PATTERNS,
    *HOST_PATTERNS,
    *RANDOM_PATTERNS,
    *LAYOUT_PATTERNS,
)

# -- What a tool returned: the model works with its lines, paths, tracebacks, and public hosts. ------------------

_LINK = r"(?P<scheme>[\w+.-]+)://(?:(?P<user>[^/?#]*)@)?(?P<place>[^?#]*)(?P<query>\?[^#]*)?(?P<rest>.*)"


def _without_credentials(match: re.Match[str]) -> str:
    """Return a link without user-info and query, or nothing for a database link or one with a user."""
    parts = compiled(_LINK).fullmatch(match[0])
    if parts is None:
        return LINK
    user, query = parts["user"], parts["query"]
    if parts["scheme"].lower() not in {"http", "https"}:
        return match[0] if user is None and query is None else LINK
    shown_user = "" if user is None else f"{SECRET}@"
    return f"{parts['scheme']}://{shown_user}{parts['place']}{f'?{SECRET}' if query else ''}{parts['rest']}"


def _unless_outside(match: re.Match[str]) -> str:
    """Return the word for a host of an internal network; `localhost`, `cart.py:12`, and `threading.local` stay."""
    *labels, last = match["name"].lower().split(".")
    is_internal = bool(labels) and last in {"internal", "localdomain", "corp", "lan", "intranet", "consul"}
    is_cluster = labels[-2:] == ["svc", "cluster"]
    return HOST if is_internal or is_cluster else match[0]


RESULT_DISGUISE_ROWS: Final = rows("", ("\x1b", r"\x1b(?:\[[0-?]{0,32}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,256}\x07)|\x1b"))

RESULT_ROWS: Final = (
    *rows(SECRET, ("-----begin", r"-----BEGIN [A-Z0-9 ]{3,40}-----.*?(?:-----END [A-Z0-9 ]{3,40}-----|\Z)")),
    *rows(SECRET, _ELEMENT),
    *rows(
        "",
        ("<script <style", r"(?i)<(?:script|style)\b.*?(?:</(?:script|style)\s?>|\Z)"),
        # HTML elements only: `<module>` and `<class 'int'>` belong to tracebacks.
        (
            "<",
            (
                r"(?i)</?(?:!doctype|html|head|body|title|meta|link|div|p|br|hr|span|a|b|i|u|em|strong|h[1-6]|ul|ol|li"
                r"|table|thead|tbody|tr|t[dh]|pre|code|center|form|input|button|img|nav|header|footer|main|section)"
                r"(?:\s[^<>]{0,2048})?/?>"
            ),
        ),
    ),
    *rows(_without_credentials, *((" ".join(clues), pattern) for clues, pattern, _ in LINK_PATTERNS[:1])),
    *LINK_PATTERNS[1:2],
    *rows(
        rf"\1?{SECRET}",
        ("?", rf"((?<![\w.:@/-])(?:[\w-]++\.)+(?:{_TOP_LEVEL})(?::\d{{1,5}})?(?:/[^ \t\n\"'`<>?]*)?)\?(?=[\w\[]){RUN}"),
    ),
    *rows(
        EMAIL,
        (
            "@",
            (
                rf"(?<![^\s\"'`<>(\[{{]){_NO_NUMBER}"
                rf"(?=[^ \t\n\"'`<>@:]{{0,256}}:|[^ \t\n\"'`<>@]{{0,256}}@[\w-]{{1,64}}\.[A-Za-z])"
                rf"[^\s\"'`<>(\[{{@][^ \t\n\"'`<>@]{{0,256}}+@(?=[\w\[]){RUN}"
            ),
        ),
        LATE_EMAIL,
    ),
    *COMMAND_PATTERNS,
    *NAMED_PATTERNS,
    *LANGUAGE_PATTERNS,
    *KEY_PATTERNS,
    *NUMBER_PATTERNS,
    *rows(
        _unless_version,
        (
            "10. 192.168. 172. 169.254.",
            r"(?<![\w.])(?:10(?:\.\d{1,3}){3}|(?:192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254)(?:\.\d{1,3}){2})(?!\w|\.\d)(?::\d{1,5})?",
        ),
    ),
    *rows(_unless_outside, (".", r"(?<![\w.:@-])(?P<name>(?:[\w-]++\.)+[A-Za-z]\w*+)(?::\d{2,5}(?![\w:-]))?")),
    *RANDOM_PATTERNS,
)
