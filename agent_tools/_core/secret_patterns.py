"""What must not be shown, as tables: what gives it away, the pattern of it, the word that it leaves behind.

The rows of a table are tried in order, those that undo a disguise before all others. Nothing is compiled until
there is a text with a clue in it: most processes never see one.
"""

import html
import re
from collections.abc import Callable
from typing import Final

SECRET: Final = "[secret]"  # noqa: S105 -- the word that stands in for one.
LINK: Final = "[link]"
EMAIL: Final = "[email]"
PATH: Final = "[path]"
HOST: Final = "[host]"

Word = str | Callable[[re.Match[str]], str]
Row = tuple[tuple[str, ...], str, Word]


def _rows(word: Word, *table: tuple[str, str]) -> tuple[Row, ...]:
    """Return rows of clues and pattern. A row is tried if one of its clues occurs, or if it has none."""
    return tuple((tuple(clues.split(" ")), pattern, word) for clues, pattern in table)


# -- Building blocks. A blank is " " or "\n"; an encoded blank (%20) is U+00A0, which is in \s but ends nothing.

# Where something starts although a letter precedes: repr() glues `\n` to it, a URL `%22`.
_GLUED = r"(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2})"
_START = rf"(?:(?<![A-Za-z0-9])|{_GLUED})"

# The rest of a run without blanks and quotes. Punctuation at its end belongs to the sentence.
_RUN = r"(?:\[(?:[a-z]+\])?+|[^ \n\"'`<>\[\]]|\](?=[\w/:?#&=.%-]))*(?<![.,;:!?)}])"

# In quotes: up to the same quote with as many backslashes (JSON in JSON); never closed means to the end.
_QUOTED = r"[bBrRuU]{0,2}(\\{0,15}[\"'`]|%2[27])(?:(?!(?<!\\)\2)(?:\\.|[^\\]|\\\Z))*+(?:\2)?"

# In brackets, one level deep. The words left behind are brackets too: that keeps them as they are.
_BRACKETED = r"[\[({](?:[^\[\](){}]|[\[({][^\[\](){}]*+[\])}])*+[\])}]?"

# How sentences go on after `password is` and `password:`. Anything else there is taken for a value.
_PROSE = (
    r"(?!(?:(?i:an?|the|this|that|your|its?|is|was|are|be|been|has|had|have|must|should|shall|can|cannot|could|may"
    r"|might|will|would|does|did|do|no|not|never|none|null|nil|true|false|undefined|to|too|for|of|in|on|at|by|with"
    r"|without|from|as|and|or|but|if|when|than|so|very|only|also|still|already|now|again|either|both|all|out|over"
    r"|under|about|more|less|least|most|unique|missing|invalid|incorrect|wrong|empty|blank|weak|short|long|unknown"
    r"|unset|malformed|valid|ok|correct|optional|mandatory|forbidden|field|value|input|string|number|integer|length"
    r"|format|type|error|failure|check|use|try|enter|provide|contact|see|please|stale|bad|fine|safe|public|private"
    r"|good|old|new|mismatch|identical|different|equal|similar|sent|found|set|given|made|lost|gone|done|left|known"
    r"|shown|kept|reset|yes|active|inactive)|[A-Z]?[a-z]{2,20}(?:ed|ing|able|ible))(?=[!.,:;?)\]}\"'`]*(?:\s|\Z)))"
)
_NOTHING = r"(?!(?i:null|none|nil|undefined|true|false)(?!\w))"

# Names of what must not be read. `tokens: 12` and `max_tokens=4096` are quantities.
_NAME = (
    r"(?i:pass(?:wor[dt]|wd|code|phrase)|(?<![a-z])pass(?=\s?=)|pwd|secret|credential|signature|session|csrf"
    r"|authorization|input_value|token(?!s[\"']?\s?[:=]\s?\d{1,9}(?![\w-]))"
    r"|(?:api|access|account|private|secret|signing|encryption|auth|subscription|master|service|shared|ssh"
    r"|license|functions|storage|deploy)[\s_-]?key|(?<![a-z])(?:sig|sid|pin|otp|cvv|auth|pw)(?![a-z]))"
    # `session_id` and `tokenValue` hold secrets, `token_type` and `password_length` speak about them.
    r"(?i:id|key|value|hash|s(?![a-z]))?(?:(?:[_-]|(?=[A-Z]))(?!(?i:count|limit|len|type|name|ur[il]|expir|timeout"
    r"|ttl|age|policy|field|size|budget|usage|min|max|status|state|error|required|scheme|format|bucket|endpoint"
    r"|rule|hint|reset(?![_-]?t)))[\w-]{1,24}|\d{1,4})?"
)
NAME_CLUES = "pass pw secret token key credential signature session csrf auth input_value sig sid pin otp cvv"
_IS = r"(?:[\\\"'`\]]|%2[27]){0,16}\s{0,3}(?:=>|->|:=|={1,3}|:|[\uff1a\uff1d]|%3[Ee])\s{0,3}"

# A bare value ends at a blank: passwords may hold any other character. A name is none: "credentials: password is x".
_BARE = (
    rf"(?!{_NAME}(?<!\d)(?:{_IS}|\s(?:is|was|for)\s))(?:(?i:bearer|basic|digest|token)\s)?"
    r"(?:[^\s\"'`\[({…][^ \n…]*(?<![\"'`,;.:!?)\]}>])|[^\s\"'`\[({…,;.:!?)\]}>])"
)

_TOP_LEVEL = "com|net|org|io|dev|app|cloud|ai|co|info|biz|eu|de|fr|nl|uk|us|ca|in|jp|cn|ru|br|au|ch|at"


# -- Disguises: they come off first. ------------------------------------------------------------------


def _character(match: re.Match[str]) -> str:
    """Return the character that an escape stands for. Quotes and `%3C` stay, since they would end a value."""
    char = chr(int(match[0][-2:], 16))
    stays = char in "\"'`" or (char in "<>" and match[0][0] == "%")
    return "\xa0" if char.isspace() else match[0] if stays else char


DISGUISE_PATTERNS: Final = (
    # HTML entities. Bounded: int() in html.unescape refuses thousands of digits.
    *_rows(
        lambda match: html.unescape(match[0]),
        ("&", r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"),
    ),
    # Percent-encoding (RFC 3986, 2.1) and the escapes of JSON and repr().
    *_rows(
        _character,
        ("%", r"%(0[9AaDd]|[2-7][0-9A-Fa-f])"),
        (r"\u00 \x", r"\\(?:u00|x)[2-7][0-9A-Fa-f]"),
    ),
    # Letters, digits, "-" and "_" in full width (Unicode, "Halfwidth and Fullwidth Forms").
    *_rows(lambda match: chr(ord(match[0]) - 0xFEE0), ("", r"[\uff0d\uff10-\uff19\uff21-\uff3a\uff3f\uff41-\uff5a]")),
    *_rows(
        "",
        # Terminal sequences (ECMA-48), also spelled out by repr().
        (
            "\x1b \\x1b \\u001b \\033",
            r"(?:\x1b|\\x1b|\\u001b|\\033)(?:\[[0-?]{0,32}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,256}\x07)|\x1b",
        ),
        # Whatever has no width: controls, soft hyphen, joiners, bidi marks, variation selectors, tags, surrogates.
        (
            "",
            (
                "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
                "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
            ),
        ),
    ),
    *_rows(" ", ("", r"[^\S \n\r\v\f\x1c-\x1e\x85\xa0\u2028\u2029]| {2,}")),
    *_rows("\n", ("", r" ?[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")),
)

# -- Blocks: dropped with all that is in them. ----------------------------------------------------------

BLOCK_PATTERNS: Final = (
    # Frames and source lines are for developers; what follows the last frame is exception text.
    *_rows("", ("traceback", r"(?:[+| -]{0,64}Exception Group )?Traceback \(most recent call last\).*")),
    *_rows(
        SECRET,
        # PEM (RFC 7468), also cut off or with its lines joined.
        ("-----begin", r"-----BEGIN [A-Z0-9 ]{3,40}-----.*?(?:-----END [A-Z0-9 ]{3,40}-----|\Z)"),
        # <password>x</password>: the name goes with the tag, so the value has to go now.
        ("</", rf"<(?=[^<>]{{0,128}}{_NAME})[A-Za-z][^<>]{{0,512}}>[^<]{{1,1024}}(?=</)"),
    ),
    # Tags inside a word join it again; all others part words. `<order_id>` is a placeholder, not HTML.
    *_rows("", ("<", r"(?i)</?(?:a|b|i|u|em|strong|span|font|wbr|code|mark|small|su[bp]|tt)(?:\s[^<>]{0,2048})?/?>")),
    *_rows(
        " ",
        ("<script <style", r"(?i)<(?:script|style)\b.*?(?:</(?:script|style)\s?>|\Z)"),
        ("</script </style", r"(?i)\A.*?</(?:script|style)\s?>"),
        ("<!--", r"<!--.*?(?:-->|\Z)"),
        ("<", r"<(?![a-z]+_[a-z_]+>|\w+ \[)[A-Za-z/!?][^<>]{0,2048}>"),
    ),
)

# -- Links and addresses, as a whole. -------------------------------------------------------------------

LINK_PATTERNS: Final = (
    *_rows(
        LINK,
        # Any scheme: user-info, query and internal hosts are all in there (RFC 3986, 3).
        (r":// :\/ :\\/", rf"(?<![\w+.-])[\w+.-]*+:(?:\\{{0,2}}/){{2}}{_RUN}"),
        # ADO, ODBC and Azure connection strings: Server=db;Pwd=my pass;
        (
            ";",
            (
                r"(?i)(?<!\w)(?:server|data source|address|driver|endpoint|host|accountname|defaultendpointsprotocol"
                r"|user|user id|uid|pwd|database|initial catalog)\s?=(?:[^;\n]{0,256};\s?[\w ]{2,40}=)++"
                r"(?:[^;\n]{0,256};|[^;\s]*)"
            ),
        ),
        # The scheme left out: shop.com/x?key=1
        ("/ ?", rf"(?i)(?:(?<![\w.:@/-])|{_GLUED})(?:[\w-]++\.)+(?:{_TOP_LEVEL})(?::\d{{1,5}})?(?:/|\?(?=\w)){_RUN}"),
    ),
    # x@y, also the user-info of a link whose scheme is missing.
    *_rows(EMAIL, ("@", rf"(?<![^\s\"'`<>(\[{{])[^\s\"'`<>(\[{{@][^ \n\"'`<>@]*+@(?=[\w\[]){_RUN}")),
)

# -- Secrets, known by what stands before them. ---------------------------------------------------------

NAMED_PATTERNS: Final = _rows(
    rf"\1{SECRET}",
    # Header fields whose whole line is secret (RFC 9110, 11.6.2; RFC 6265, 4).
    ("authorization cookie", rf"((?i:authorization|cookie2?){_IS})(?:{_QUOTED}|\[secret\]|{_PROSE}[^\s\"'`…][^\n]*)"),
    # name=value, name: value, "name": "value"; "API key provided: value"
    (
        NAME_CLUES,
        (
            rf"({_NAME}(?:\s(?:provided|supplied|given|received|used|sent|found|value)){{0,2}}{_IS}){_NOTHING}"
            rf"(?:{_QUOTED}|{_BRACKETED}|(?:(?<!:\s)|{_PROSE}){_BARE})"
        ),
    ),
    # the password for bob is value
    (
        NAME_CLUES,
        (
            r"((?i:pass(?:word|wd|code|phrase)|pwd|secret|token|credential|key|(?<![a-z])(?:pin|otp))s?"
            r"(?:\s(?:provided|given|used|sent|value|for(?:\s[\w.'-]{1,40}){1,3}))?\s(?:is|was|are|were|equals)"
            rf"(?:\snow|\sset\sto)?:?\s)(?:{_QUOTED}|\[secret\]|{_PROSE}{_BARE})"
        ),
    ),
    # --password value
    (NAME_CLUES, rf"((?<![\w-])--?[\w-]{{0,24}}?{_NAME}\s)(?:{_QUOTED}|(?![-\[]){_PROSE}{_BARE})"),
    # password "value", SecretStr("value"), ("password", "my value"); but not the fields "password", "email"
    (
        NAME_CLUES,
        (
            rf"({_NAME}(?:(?:\s\(?|\()(?=[bru]?(?:\\*[\"'`]|%2[27])[^\s\"'`][^\"'`]{{3}})"
            r"|(?:\\*[\"']|%2[27]),\s?(?=[bru]?(?:\\*[\"']|%2[27])[^\"']{0,128}[\d\s])))"
            rf"{_QUOTED}"
        ),
    ),
    # token v4lue
    (NAME_CLUES, rf"({_NAME}\s(?!\[[a-z]+\])[\[(]?)(?=\S{{0,64}}?(?:[A-Za-z]\d|\d[A-Za-z]))(?=\S{{6}}){_BARE}"),
    # Authentication schemes (IANA registry) without their header.
    (
        "bearer",
        (
            rf"{_START}((?i:bearer)\s)(?!(?i:tokens?|auth\w*|scheme|realm|header|credentials?|bearer|basic)(?!\w)){_PROSE}"
            r"[^\s\"'`<>,;\[…][^ \n\"'`<>,;…]*"
        ),
    ),
    (
        "basic digest negotiate ntlm apikey",
        rf"{_START}((?i:basic|digest|negotiate|ntlm|apikey)\s)(?=\S*?(?:[a-z][A-Z]|\d|=))[A-Za-z0-9+/=_.~-]{{6,}}",
    ),
)

# -- Secrets, known by their shape. ---------------------------------------------------------------------

KEY_PATTERNS: Final = _rows(
    SECRET,
    # JSON Web Tokens (RFC 7519): `{"` in base64url, parted by dots.
    ("eyj", r"eyJ[\w-]{8,}(?:\.[\w-]{2,}){1,4}|(?<![a-z])eyJ[\w-]{12,}\.?"),
    # AWS key ids (IAM user guide, "unique identifiers") and Google keys: telling even inside a word.
    ("a", r"(?:AKIA|ASIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{12,}|AIza[\w-]{20,}"),
    # Prefixes that vendors put there so that scanners find them.
    (
        "- _ . 1//0 atatt",
        (
            rf"{_START}(?:(?:sk|pk|rk)_|sk-|xox[a-z]-|xapp-|gl[a-z]{{3,5}}-|pypi-Ag|tvly-|xai-|pplx-|nvapi-|PMAK-|GOCSPX-"
            r"|sq0[a-z]{3}-|AGE-SECRET-KEY-|gh[pousr]_|github_pat_|hf_|npm_|gsk_|r8_|whsec_|shp[a-z]{2}_|do[oprt]_v1_"
            r"|lin_api_|ntn_|dckr_pat_|lsv2_[a-z]{2}_|figd_|sntry[su]_|glsa_|glc_|rubygems_|ATATT3|ya29\.|hv[sb]\.|SG\."
            r"|1//0)[\w.~+/=-]{8,}"
        ),
    ),
)

_UUID = re.compile(r"(?i)(?<![0-9a-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


def _is_random(run: str, *, shortest: int) -> bool:
    """Say whether `run` changes between letters, cases and digits as no name does.

    Words and numbers change every five characters or so, keys every two. Two numbers inside one unbroken
    word of a single case are in no name either (base32).
    """
    pieces = _PIECE.findall(run)
    size = sum(map(len, pieces))
    numbers = sum(map(str.isdigit, pieces))
    unbroken = size == len(run) and run in {run.lower(), run.upper()}
    return size >= shortest and (size < 4 * len(pieces) or (numbers > 1 and (unbroken or size < 5 * len(pieces))))


def _unless_readable(match: re.Match[str]) -> str:
    """Return the run, or the word for a secret when it is random. UUIDs are identifiers and stay."""
    run = _UUID.sub("", match[0])
    parts = re.split(r"[^A-Za-z0-9]", run)
    is_random = _is_random(run, shortest=28) or any(_is_random(part, shortest=16) for part in parts)
    return SECRET if is_random else match[0]


RANDOM_PATTERNS: Final = _rows(_unless_readable, ("", r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{20,}"))

# -- Paths and hosts. -----------------------------------------------------------------------------------

PATH_PATTERNS: Final = _rows(
    PATH,
    ("file", r"(?i)\bFile [\"'][^\"'\n]{1,512}[\"'](?:, line \d+)?(?:, in [\w.<>]+)?"),
    # In quotes a path may hold blanks.
    ("/ \\", r"([\"'`])(?:/|~/|[A-Za-z]:[\\/]|\\\\)[^\"'`\n]{1,1024}\1"),
    # Drives; a blank belongs to it when a backslash follows soon: C:\Program Files\x
    (
        ":\\ :/",
        (
            rf"(?:(?<![A-Za-z])|{_GLUED})[A-Za-z]:[\\/][^ \n\"'`<>]*"
            r"(?: [^ \n\"'`<>\\/]{1,48}(?: [^ \n\"'`<>\\/]{1,48}){0,2}\\[^ \n\"'`<>]*)*"
        ),
    ),
    ("\\\\", rf"(?:(?<![\w\\])|{_GLUED})\\{{2,8}}[\w.$?-]+\\[^ \n\"'`<>]*"),
    # Absolute ones, ~/x, ./x, $HOME/x; a name with a blank in a capitalized one: /Users/John Smith/x
    (
        "/",
        (
            rf"(?:(?<![\w/.+\]])|{_GLUED})(?:~[\w.-]{{0,32}}|\.{{1,2}}|\$\{{?[A-Z_]{{2,32}}\}}?)?/{{1,4}}(?=[\w.~%@+$-]){_RUN}"
            rf"(?: (?=[A-Z][\w.-]{{0,32}}/){_RUN})?"
        ),
    ),
    # Relative ones, known by their ending: src/db.py
    ("/", rf"(?:(?<![\w./-])|{_GLUED})(?:[\w.-]++/)++[\w.-]*?\.[A-Za-z]{{1,5}}\b(?:[?#:][^ \n\"'`<>]*)?"),
)

_INTERNAL = "internal|local|localdomain|localhost|corp|lan|intranet|private|home|svc|consul|prod|staging"
# Ports by which a bare name before the colon is known to be a host; `order:12345` is none.
_PORTS = (
    "22|80|443|1433|1521|2181|2379|3000|3306|4222|4317|5000|5432|5672|6379|6443|8000|8080|8081|8086|8123|8200|8443|8500"
    "|8888|9000|9042|9090|9092|9200|11211|27017|50051"
)


def _unless_public(match: re.Match[str]) -> str:
    """Return the word for a host that is internal, has a port or lies deep in a domain; else the text.

    `shop.example`, `httpx.ConnectError` and `orders.csv` are names that a sentence may hold.
    """
    *labels, last = match["name"].lower().split(".")
    is_deep = len(labels) > 1 and last in _TOP_LEVEL.split("|")
    is_internal = not {last, *labels[1:]}.isdisjoint(_INTERNAL.split("|")) and (bool(labels) or last == "localhost")
    is_server = match["port"] is not None and (bool(labels) or match["port"] in _PORTS.split("|"))
    return HOST if is_deep or is_internal or is_server else match[0]


HOST_PATTERNS: Final = (
    *_rows(
        HOST,
        # IPv6 (RFC 4291, 2.2): eight groups, or fewer with `::`. A time has three.
        (
            ":",
            (
                rf"(?i)(?:(?<![\w:.])|{_GLUED})\[?(?:(?:[0-9a-f]{{1,4}}:){{7}}[0-9a-f]{{1,4}}"
                r"|(?=[0-9a-f:]{0,40}?::)(?=:*[0-9a-f])(?:[0-9a-f]{0,4}:){2,8}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4}))(?:%\w+)?(?![\w:])(?:\](?::\d{1,5})?)?"
                r"(?:/\d{1,3})?"
            ),
        ),
        (".", rf"(?:(?<![\w.])|{_GLUED})(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?!\w|\.\d)(?::\d{{1,5}}|/\d{{1,2}}(?!\d))?"),
    ),
    # host='db', as clients print it. With a blank before the value it may be a sentence.
    *_rows(
        rf"\1{HOST}",
        (
            "host server dbname",
            (
                rf"((?i:(?<![a-z])(?:db_?)?(?:host(?:name|addr)?|server|name(?==)){_IS})(?<!\s)){_NOTHING}"
                rf"(?:{_QUOTED}|\[[a-z]+\]|{_BARE})"
            ),
        ),
    ),
    *_rows(
        _unless_public,
        (
            ". : localhost",
            (
                rf"(?:(?<![\w.:@-])|{_GLUED})(?=[\w-]*+[.:]\w|(?i:localhost))(?P<name>(?:[\w-]++\.)*[A-Za-z][\w-]*+)"
                r"(?::(?P<port>\d{2,5})(?![\w:-]|\.\d))?"
            ),
        ),
    ),
)

# One line: the line ends have told where a header ends.
LAYOUT_PATTERNS: Final = (*_rows(" ", ("", r"\s{2,}|[^\S ]")), *_rows("", ("", r"\A +| +\Z")))

# -- The engine. ----------------------------------------------------------------------------------------

ROWS: Final = (
    *DISGUISE_PATTERNS,
    *BLOCK_PATTERNS,
    *LINK_PATTERNS,
    *NAMED_PATTERNS,
    *KEY_PATTERNS,
    *PATH_PATTERNS,
    *HOST_PATTERNS,
    *RANDOM_PATTERNS,
    *LAYOUT_PATTERNS,
)

# -- What a tool returned: its lines, paths, tracebacks, and public hosts are what the model works with. ---------


def _unless_outside(match: re.Match[str]) -> str:
    """Return the word for a host of an internal network; `localhost`, `cart.py:12`, and `threading.local` stay."""
    *labels, last = match["name"].lower().split(".")
    is_internal = bool(labels) and last in {"internal", "localdomain", "corp", "lan", "intranet", "consul"}
    is_cluster = labels[-2:] == ["svc", "cluster"]
    return HOST if is_internal or is_cluster else match[0]


RESULT_ROWS: Final = (
    *_rows("", ("\x1b", r"\x1b(?:\[[0-?]{0,32}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,256}\x07)|\x1b")),
    *_rows(SECRET, ("-----begin", r"-----BEGIN [A-Z0-9 ]{3,40}-----.*?(?:-----END [A-Z0-9 ]{3,40}-----|\Z)")),
    *_rows(
        "",
        # Elements of HTML alone: `<module>` and `<class 'int'>` belong to tracebacks.
        ("<", r"(?i)<(?:script|style)\b.*?(?:</(?:script|style)\s?>|\Z)"),
        (
            "<",
            (
                r"(?i)</?(?:!doctype|html|head|body|title|meta|link|div|p|br|hr|span|a|b|i|u|em|strong|h[1-6]|ul|ol|li"
                r"|table|thead|tbody|tr|t[dh]|pre|code|center|form|input|button|img|nav|header|footer|main|section)"
                r"(?:\s[^<>]{0,2048})?/?>"
            ),
        ),
    ),
    *LINK_PATTERNS,
    *NAMED_PATTERNS,
    *KEY_PATTERNS,
    *_rows(
        HOST,
        (
            "10. 192.168. 172. 169.254.",
            r"(?<![\w.])(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254)(?:\.\d{1,3}){2,3}(?!\w|\.\d)(?::\d{1,5})?",
        ),
    ),
    *_rows(_unless_outside, (".", r"(?<![\w.:@-])(?P<name>(?:[\w-]++\.)+[A-Za-z]\w*+)(?::\d{2,5}(?![\w:-]))?")),
    *RANDOM_PATTERNS,
)
