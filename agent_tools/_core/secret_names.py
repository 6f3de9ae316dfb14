r"""Secrets known by the name before them: `password=x`, `-p x`, `IDENTIFIED BY 'x'`, `contraseña: x`."""

import re
from typing import Final

from agent_tools._core.secret_rows import BRACKETED, IS, QUOTED, SECRET, START, compiled, rows

# Words that continue a sentence after `password is` and `password:`. Anything else there counts as a value.
_PROSE = (
    r"(?!(?:(?i:i|i'm|we|you|he|she|they|it|my|our|me|can't|don't|an?|the|this|that|your|its?|is|was|are|be|been|has|had|have|must|should|shall|can|cannot|could|may"
    r"|might|will|would|does|did|do|no|not|never|none|null|nil|true|false|undefined|to|too|for|of|in|on|at|by|with"
    r"|without|from|as|and|or|but|if|when|than|so|very|only|also|still|already|now|again|either|both|all|out|over"
    r"|under|about|more|less|least|most|unique|missing|invalid|incorrect|wrong|empty|blank|weak|short|long|unknown"
    r"|unset|malformed|valid|ok|correct|optional|mandatory|forbidden|field|value|input|string|number|integer|length"
    r"|format|type|error|failure|check|use|try|enter|provide|contact|see|please|stale|bad|fine|safe|public|private"
    r"|good|old|new|mismatch|identical|different|equal|similar|sent|found|set|given|made|lost|gone|done|left|known"
    r"|shown|kept|reset|yes|active|inactive|str|int|bytes|bool|float|any|object|dict|list|secretstr|char|varchar|text)"
    r"|[A-Z]?[a-z]{2,20}(?:ed|ing|able|ible))(?=[!.,:;?)\]}\"'`|]*(?:\s|\Z)))"
)
NOTHING = r"(?!(?i:null|none|nil|undefined|true|false)(?!\w))"

# Source code that shows where a value comes from: `token = get_token(user)`, `api_key=settings.api_key`.
_CODE = (
    r"(?!(?:await\s)?[A-Za-z_]{2,40}(?:\.[A-Za-z_]{1,40}){0,6}(?:\([^\n]{0,200}\)|\[[\"'][A-Z_]{1,40}[\"']\])"
    r"|(?:self|cls|settings|config|cfg|env|process|options|args|kwargs|request|user|data|params)(?:\.[a-z_]{1,40}){1,6}"
    r"(?:[,:;)\]}\s]|\Z))"
)

# People, days, and times, as they follow `signature:` and `session:`.
_PERSON = r"(?:[A-Z]\.?|(?:Mc|Mac|De|Di|La|Le)?[A-Z]?(?:(?![A-Z])[^\W\d_]){1,30})"
_READABLE = rf"{_PERSON}(?:['’.-]{{1,2}}{_PERSON}){{0,3}}"
_NO_WORDS = rf"(?![\"']?(?:{_READABLE}|\d{{1,4}}(?:[:./-]\d{{1,4}}){{0,2}})[\"',;.!?)]{{0,3}}(?:\s|\Z))"

# `pass: x`, but neither `boarding pass: gate B` nor `pass: 12, fail: 3`.
_SHORT_NAME = (
    r"(?<!boarding )(?<!season )(?<!ski )(?<!day )(?<!bus )(?<!rail )(?<!travel )(?<!city )(?<!guest )(?<!gate )"
    r"(?<!annual )(?<!monthly )(?:(?<![a-z])p|(?<=[a-z])(?-i:P))ass(?=[\\\"'`\]]{0,16}\s{0,8}+(?:=>|:=|=|:)\s{0,8}+"
    r"(?!\d{1,4}[,;.)]{0,3}(?:\s|\Z)))"
)
_CODE_NAME = (
    r"(?<![a-z])(?:verification|security|one[\s_-]?time|recovery|backup|2fa|mfa|login|sms|access)[\s_-]?code(?!s)"
)

# Names of secrets. `tokens: 12` and `max_tokens=4096` are quantities.
_STRONG = (
    rf"pass(?:[\s_-]?word|wd|code|[\s_-]?phrase|key)|{_SHORT_NAME}|pswd|psw(?![a-z])|passw(?![a-z])|pwd"
    r"|(?<![a-z_-])secret(?!\s?:\s[a-z]{2,20}\s[a-z])|(?<=[a-z_-])secret|(?<=[a-z])(?-i:S)ecret|credential|csrf"
    r"|(?<![a-z])(?:creds?|jwt)(?![a-z])"
    r"|authorization|input_value|token(?!s[\"']?\s?[:=]\s?\d{1,9}(?![\w-]))"
    r"|(?:api|access|account|private|secret|signing|encryption|auth|subscription|master|service|shared|ssh"
    rf"|license|functions|storage|deploy)[\s_-]?key|(?<![a-z])(?:pin(?!\s?:\s[a-z]{{2,20}}(?![\w-]))|otp|cvv|cvc|auth|pw)(?![a-z])|{_CODE_NAME}"
)
_WEAK = r"signature|session|(?<![a-z])(?:sig|sid)(?![a-z])"
# `session_id` and `tokenValue` hold secrets, `token_type` and `password_length` describe them.
_AFTER = (
    r"(?i:id|key|value|hash|s(?![a-z]))?(?:(?:[_-]|(?=[A-Z]))(?!(?i:count|limit|len|type|name|ur[il]|expir|timeout"
    r"|ttl|age|policy|field|size|budget|usage|min|max|status|state|error|required|scheme|format|bucket|endpoint"
    r"|rule|hint|reset(?![_-]?t)))[\w-]{1,24}|\d{1,4})?"
)
NAME = rf"(?i:{_STRONG}|{_WEAK}){_AFTER}"
NAME_CLUES = (
    "pass psw pswd pwd pw secret token key cred signature session csrf auth input_value sig sid pin otp cvv cvc jwt"
    " code"
)

# A bare value ends at a blank: passwords may have any other character. A name is not one: "credentials: password is x".
BARE = (
    rf"(?!{NAME}(?<!\d)(?:{IS}|\s(?:is|was|for)\s)){_CODE}(?:(?i:bearer|basic|digest|token)\s)?"
    r"(?:[^\s\"'`\[({…][^ \t\n…]*(?<![\"'`,;.:!?)\]}>])|[^\s\"'`\[({…,;.:!?)\]}>])"
)
# YAML: the value is the lines below.
_BLOCK = r"[|>][+-]?\d?[^\S\n]{0,8}\n[^\S\n]*[^\n]{1,4096}(?:\n[^\S\n]{2,}[^\n]{1,4096}){0,32}"
_VALUE = rf"(?:{QUOTED}|{BRACKETED}|{_BLOCK}|(?:(?<!\s)|(?<=[=>]\s)|{_PROSE}){BARE})"
_ASKED = r"(?:\s(?:provided|supplied|given|received|used|sent|found|value)){0,2}"

NAMED_PATTERNS: Final = rows(
    rf"\1{SECRET}",
    # Header fields whose whole line is secret (RFC 9110, 11.6.2; RFC 6265, 4).
    (
        "authorization cookie",
        rf"((?i:authorization|cookie2?(?=[^\n]{{0,256}}=|\S{{0,16}}\s?\S+(?:\n|\Z))){IS})(?:{QUOTED}|\[secret\]|{_PROSE}[^\s\"'`…][^\n]*)",
    ),
    # Multipart forms (RFC 7578), also as repr() shows them.
    (
        "name=",
        (
            rf"(name=\\?[\"']?(?=[^\"'\n]{{0,64}}(?:{NAME}|(?i:pass)[\\\"']))[^\"'\n\\]{{1,64}}\\?[\"']?[^\n\\]{{0,80}}(?:\s*\n|\\r\\n|\\n)"
            r"(?:(?:[\w-]{1,40}:[^\n\\]{1,200}(?:\n|\\r\\n|\\n)){0,4}(?:\s|\\r|\\n){0,8}))(?![\w-]{1,40}:\s)"
            r"(?:[^\n\\]|\\(?![rn]))+"
        ),
    ),
    # name: DB_SHORT_NAMEWORD, value: x
    (
        "name key field variable",
        (
            rf"((?i:name|key|field|variable)[\"']?\s?[:=]\s?[\"']?[\w.-]{{0,40}}?{NAME}[\"']?[\s,]{{1,24}}"
            r"(?:[\"']?\w{1,16}[\"']?\s?[:=]\s?[\"']?\w{0,24}[\"']?[\s,]{1,24}){0,2}[\"']?value[\"']?\s?[:=]\s?)"
            rf"{NOTHING}(?:{QUOTED}|{BARE})"
        ),
    ),
    # name=value, name: value, "name": "value"; "API key provided: value"
    (
        NAME_CLUES,
        rf"((?P<name>(?i:{_STRONG}){_AFTER}){_ASKED}{IS}){NOTHING}(?!(?<==)(?P=name)[,)]|(?<==\s)(?P=name)(?:\n|\Z)){_VALUE}",
    ),
    ("signature session sig sid", rf"((?i:{_WEAK}){_AFTER}{_ASKED}{IS}){NOTHING}(?:(?<!\s)|{_NO_WORDS}){_VALUE}"),
    # the password for bob is value
    (
        "is was are were equals",
        (
            rf"((?i:pass(?:word|wd|code|phrase)|pwd|secret|token|credential|key(?=[^\n]{{0,64}}?\s(?:is|was|are|were|equals)\s\S{{6}})"
            rf"|(?<![a-z])(?:pin|otp)|{_CODE_NAME})s?"
            r"(?:\s(?:provided|given|used|sent|value|for(?:\s[\w.'-]{1,40}){1,3}))?\s(?:is|was|are|were|equals)"
            rf"(?:\snow|\sset\sto)?:?\s)(?:{QUOTED}|\[secret\]|{_PROSE}{BARE})"
        ),
    ),
    # --password value
    ("-", rf"((?<![\w-])--?[\w-]{{0,24}}?(?:{NAME}|(?i:pass))\s)(?:{QUOTED}|(?![-\[]){_PROSE}{BARE})"),
    # password "value", SecretStr("value"), ("password", "my value"); but not the fields "password", "email"
    (
        "\" ' ` %2",
        (
            rf"({NAME}(?:(?:\s\(?|\()(?=[brun]?(?:\\*[\"'`]|%2[27])[^\s\"'`][^\"'`]{{3}})"
            r"|(?:\\*[\"']|%2[27]),\s?(?=[brun]?(?:\\*[\"']|%2[27])[^\"']{0,128}[\d\s])))"
            rf"{QUOTED}"
        ),
    ),
    # token v4lue; in a table also: password  value
    (NAME_CLUES, rf"({NAME}\s(?!\[[a-z]+\])[\[(]?)(?=\S{{0,64}}?(?:[A-Za-z]\d|\d[A-Za-z]))(?=\S{{6}}){BARE}"),
    (
        "| │",
        rf"({NAME}\s{{0,32}}[|│]\s{{0,32}})(?!-|[|│+])(?=[^|│\n]{{0,80}}(?:[|│]\s*)?(?:\n|\Z)){BARE}",
    ),
    # Authentication schemes (IANA registry) without their header.
    (
        "bearer",
        (
            rf"{START}((?i:bearer)\s)(?!(?i:tokens?|auth\w*|scheme|realm|header|credentials?|bearer|basic)(?!\w)){_PROSE}"
            r"[^\s\"'`<>,;\[…][^ \t\n\"'`<>,;…]*"
        ),
    ),
    (
        "basic digest negotiate ntlm apikey",
        rf"{START}((?i:basic|digest|negotiate|ntlm|apikey)\s)(?=\S*?(?:[a-z][A-Z]|\d|=))[A-Za-z0-9+/=_.~-]{{6,}}",
    ),
    # SQL
    (
        "identified password",
        (
            r"((?i:\bidentified(?:\swith\s[\w\"'`]{1,64})?\s(?:by|as)(?:\spassword)?|\bset\spassword\sfor\s[^\s=]{1,128}\s?=)\s)"
            rf"(?:{QUOTED}|[^\s\"'`;,\[]+)"
        ),
    ),
    (
        "values parameters",
        (
            rf"((?i:\binsert\sinto\b|\bupdate\s\S{{1,64}}\sset\b)(?=[^\n]{{0,240}}?{NAME})"
            r"[^\n]{0,400}?(?i:\bvalues\s?|\n\[?parameters:\s?))"
            rf"(?!\((?:[?,\s]|%s|:\w+|\$\d+){{1,200}}\)){BRACKETED}"
        ),
    ),
    ("login", rf"((?i:\blogin\s\S{{1,64}}\s{{1,8}}password\s))(?:{QUOTED}|[^\s\"'`\[]+)"),
    # Hashes of passwords (crypt(5))
    ("$", r"((?<![\w$]))\$(?:[1-9]|2[abxy]?|y|argon2\w{0,2}|pbkdf2[\w-]*|scrypt)\$[^\s\"'`:,;]{8,}"),
)

_COMMANDS = (
    r"mysql\w*|mariadb[\w-]*|sshpass|redis-cli|(?:docker|podman|oc|az|helm(?:\sregistry)?|npm)\slogin|mongo\w*|cqlsh"
    r"|sqlcmd|bcp|ldap\w+|7z|unzip|zip|ipmitool"
)
#: Their `-p` is no password.
_OTHER_P = r"(?:mkdir|cp|rsync|install|pytest|git|docker run|ssh|nc|ps|tar|grep|psql|scp|netstat|tsc|tox)\s[^\n]*\Z"


def _unless_other_p(match: re.Match[str]) -> str:
    start = match.start()
    is_other = compiled(_OTHER_P).search(match.string[max(0, start - 80) : start])
    return match[0] if is_other else f"{match[1]}{SECRET}"


COMMAND_PATTERNS: Final = (
    *rows(
        rf"\1{SECRET}",
        # mysql -u root -pvalue, redis-cli -a value, sqlcmd -P value
        ("-p -a", rf"(\b(?:{_COMMANDS})\b[^\n]{{0,160}}?\s-[pPaw]\s?)(?:{QUOTED}|[^\s\"'`\[-][^\s]*)"),
        # curl -u bob:value
        (
            "-u",
            r"((?<![\w-])(?:-u|-U|--user|--proxy-user)[\s=]?[\"']?[^\s\"':%/]{1,64}[:%])(?!\d{1,6}(?!\w))[^\s\"'\[]+",
        ),
        ("htpasswd", r"(\bhtpasswd\s-\w{0,4}b\w{0,4}\s\S{1,128}\s\S{1,64}\s)(?!\[)\S+"),
        ("/user:", r"((?i:\s/user:)\S{1,64}\s)(?![/\[])\S+"),
    ),
    *rows(
        _unless_other_p, ("-p", r"((?<![\w-])-p\s?)(?=[^\s/:]{0,64}[A-Za-z])(?=[^\s/:]{0,64}\d)[^\s/:\[]{6,}(?=\s|\Z)")
    ),
)
