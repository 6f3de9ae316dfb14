"""Secrets known by their own shape: keys of vendors, card and account numbers, and random runs."""

import re
from typing import Final

from agent_tools._core.secret_rows import SECRET, START, compiled, rows

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

# Prefixes that vendors put there so that scanners find them.
_PREFIXES = (
    r"(?:sk|pk|rk)_(?=(?:live|test)_|[A-Za-z0-9]{16}|\d{6,}_)|c[ks]_(?=[0-9a-f]{40})|sk-|rzp_(?:live|test)_|FLW(?:SEC|PUB)K[_-]"
    r"|xox[a-z]-|xoxe\.xox[bp]-|xapp-|gl(?:pat|dt|cbt|ptt|rtr?|soat|oas|ft|imt|agent|ffct|wt)-|GR1348941|pypi-Ag|tvly-|xai-"
    r"|pplx-|nvapi-|PMAK-|GOCSPX-|sq0[a-z]{3}-|AGE-SECRET-KEY-|gh[pousr]_|github_pat_|(?:hf|npm|fw|rnd|aio|ph[cx])_(?=[A-Za-z0-9]{16})"
    r"|api_org_|gsk_|r8_|whsec_|shp[a-z]{2}_|do[oprt]_v1_|lin_(?:api|oauth)_|ntn_|dckr_(?:pat|oat)_|lsv2_[a-z]{2}_|ls__|figd_"
    r"|sntry[su]_|glsa_|glc_|rubygems_|ATATT3|ATCTT3|ATBB|ya29\.|hv[sbr]\.|SG\.|1//0|ops_eyJ|p8e-|AKCp|xkeysib-|xsmtpsib-"
    r"|csk-(?=[a-z0-9]{20})|CLOJARS_|CFPAT-|dapi(?=[0-9a-f]{8})|dp\.(?:pt|st|ct|sa|scim|audit)\.|sl\.(?=[\w-]{40})"
    r"|duffel_(?:test|live)_|dt0[a-z]\d\d\.|e2b_|EZ[AT]K|EAAC(?=\w{20})|EAAA(?=[\w-]{50})|fio-u-|fo1_|fm\d[a-z]?_|ico-(?=\w{20})"
    r"|s-s4t2(?:ud|af)-|jina_(?=\w{20})|llx-|n(?:api|pg)_(?=[A-Za-z0-9]{12})|nfp_|NR(?:AK|II|JS|AL|RA)-|pcsk_|pscale_(?:tkn|pw|oauth)_"
    r"|polar_[a-z]{2,4}_|pnu_|pul-(?=[0-9a-f]{20})|rdme_|tk-us-|shippo_(?:live|test)_|sq[upa]_(?=[0-9a-f]{8})|sgp_|slk_|sbp_"
    r"|sb_(?:secret|publishable)_|tskey-|tfp_|vercel_blob_rw_|v[ck][pi]_(?=[A-Za-z0-9]{20})|AQVN|HRKU-|LTAI|ABSK"
    r"|access_token\$(?:production|sandbox)\$|A3-(?=[A-Z0-9]{6}-)|v1\.0-(?=[0-9a-f]{24}-)|(?:fc|key|pubkey)-(?=[0-9a-f]{32})"
    r"|(?:live|test)_(?=[A-Za-z0-9]{30})|secret_(?=[A-Za-z0-9]{40})|re_(?=[A-Za-z0-9]{8}_[A-Za-z0-9]{20})|sha256~|API-(?=[A-Z0-9]{26})"
    r"|oy2(?=[a-z0-9]{43})|pa-(?=[\w-]{40})|00(?=[\w-]{40}(?![\w-]))"
)

KEY_PATTERNS: Final = rows(
    SECRET,
    # AWS key ids (IAM user guide, "unique identifiers") and Google keys: telling even inside a word.
    ("a", r"(?:AKIA|ASIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{12,}|AIza[\w-]{20,}"),
    # What lets a browser act on a payment of Stripe's.
    ("_secret_", rf"{START}[a-z]{{2,6}}_[A-Za-z0-9]{{8,40}}_secret_\w{{8,}}"),
    # A UUID is an identifier, but not after these: HubSpot, Plaid, Heroku, LaunchDarkly, Langfuse.
    (
        "-",
        (
            rf"{START}(?i:pat-[a-z]{{2,4}}\d|(?:access|public|processor|asset-report|link)-(?:sandbox|development|production)"
            rf"|HRKU|HRKU-AA|sdk|mob|api|key|secret|token|tk|[sp]k-lf)-{_ID}"
        ),
    ),
    # Of parts, one of which may look like a name: Discord, Salesforce, Telegram, Terraform, Azure, Asana, Zoho.
    (
        ". : ! ~",
        (
            rf"{START}(?:[MNO][\w-]{{22,27}}\.[\w-]{{6}}\.[\w-]{{27,40}}|00D[A-Za-z0-9]{{12,15}}![\w.]{{20,}}|\d{{8,12}}:A[A-Za-z][\w-]{{30,}}"
            r"|[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}|[\w~.]{3}\dQ~[\w~.-]{31,}|\d/\d{14,20}:[0-9a-f]{32}|1000(?:\.[0-9a-f]{32}){2}"
            r"|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}|[ps]at\.[\w-]{22}\.[0-9a-f]{24}\.\w{20})"
        ),
    ),
    (
        "_mmk msh azdo",
        rf"{START}(?:[A-Za-z0-9]{{6}}_[A-Za-z0-9]{{29}}_mmk|[a-z0-9]{{10}}msh[a-z0-9]{{15}}p1[a-z0-9]{{6}}jsn[a-z0-9]{{12}}|[A-Za-z0-9]{{76}}AZDO\w{{4}})",
    ),
    # Mailchimp, Mailgun, Twilio
    (
        "- sk ac",
        rf"{START}(?:[0-9a-f]{{32}}-(?:us\d{{1,2}}|[0-9a-f]{{8}}-[0-9a-f]{{8}})|(?:SK|AC)[0-9a-f]{{32}})(?!\w)",
    ),
    (
        "- _ . 1//0 00 atbb akcp dapi ez ltai absk aqvn oy2 eaa gr13 sha256~ token$",
        rf"{START}(?:{_PREFIXES})[\w.~+/$=-]{{8,}}",
    ),
    # JSON Web Tokens (RFC 7519): `{"` in base64url, separated by dots.
    ("eyj", r"(?:(?:sk|pk|tk)\.)?eyJ[\w-]{8,}(?:\.[\w-]{2,}){1,4}|(?<![a-z])eyJ[\w-]{12,}\.?"),
)

# -- Numbers that can be checked. -------------------------------------------------------------------------

# First digits and lengths (ISO/IEC 7812): Visa, Mastercard, American Express, Discover, Diners Club, JCB, UnionPay.
_ISSUED = (
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}"
)
# Lengths of account numbers by country (ISO 13616, registry of SWIFT).
_IBAN_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 "
    "FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LI21 LT20 LU20 LV21 "
    "MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SE24 SI19 SK24 SM27 TN24 "
    "TR26 UA29 VG24 XK20"
)


def _unless_no_card(match: re.Match[str]) -> str:
    """Return the word for a secret when the number may be a card's: a known issuer, and a correct check digit."""
    digits = re.sub(r"\D", "", match[0])
    odd, even = digits[-1::-2], digits[-2::-2]
    total = sum(map(int, odd)) + sum(sum(divmod(2 * int(digit), 10)) for digit in even)
    return SECRET if compiled(_ISSUED).fullmatch(digits) and total % 10 == 0 else match[0]


def _iban_length(country: str) -> int | None:
    start = _IBAN_LENGTHS.find(country)
    return int(_IBAN_LENGTHS[start + 2 : start + 4]) if start >= 0 else None


def _unless_no_account(match: re.Match[str]) -> str:
    """Return the match without the account number at its start (ISO 13616: it is 1 modulo 97)."""
    length = _iban_length(match[0][:2].upper())
    letters = [index for index, char in enumerate(match[0]) if char.isalnum()]
    if length is None or len(letters) < length:
        return match[0]
    number = "".join(match[0][index] for index in letters[:length])
    rest = match[0][letters[length - 1] + 1 :]
    is_right = not rest[:1].isalnum() and int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1
    return f"{SECRET}{rest}" if is_right else match[0]


DIGITS: Final = "0 1 2 3 4 5 6 7 8 9"

NUMBER_PATTERNS: Final = (
    *rows(_unless_no_card, (DIGITS, r"(?<![\w.+/-])\d(?:[ -]?\d){11,18}(?![\w-]|\.\d)")),
    *rows(_unless_no_account, (DIGITS, r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{1,4}){3,8}")),
)

# -- Random runs. -----------------------------------------------------------------------------------------

# Identifiers: payment services and models, TypeIDs and ULIDs, object ids (MongoDB), UUIDs, AWS resources.
_IDENTIFIERS = (
    r"(?<![A-Za-z0-9])(?:"
    r"(?:pi|ch|py|in|ii|il|sub|si|sub_sched|cus|cust|pm|card|ba|src|seti|re|rf|rfnd|po|tr|txn|txr|txi|evt|req|acct|price|prod|plan"
    r"|promo|qt|cn|dp|du|di|fee|fr|we|cs_test|cs_live|pay|order|inv|setl|disp|qr|act|pri|pro|ctm|add|biz|tok|mandate|link|iss|ipi"
    r"|ich|msg|toolu|srvtoolu|call|chatcmpl|resp|rs|fc|run|step|thread|asst|file|batch|vs|gen|conv|item|ws|org|usr|user|team|proj|ord"
    r"|prd)"
    r"[_-](?=\w*\d|[A-Za-z]{8,16}(?!\w))[A-Za-z0-9]{8,70}(?!_?\w)"
    r"|(?:[a-z]{2,16}_)?(?:0[0-7][0-9a-hjkmnp-tv-z]{24}|0[0-7][0-9A-HJKMNP-TV-Z]{24})"
    r"|[0-9a-f]{24}|(?:[a-z]{1,12}-)(?:[0-9a-f]{17}|[0-9a-f]{8})"
    r")(?![A-Za-z0-9])"
    rf"|(?i:(?<![0-9a-z]){_ID}(?![0-9a-z]))"
)
_COMMIT = r"[0-9a-f]{40}"
_DIGEST = r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}"
_NEAR = 48
_OF_A_COMMIT = (
    r"(?i:\b(?:commit(?:s|ted)?|rev(?:ision)?|sha|head|hash|merged?|checkout|checked|tag|branch|ref|tree|parent|build|deploy(?:ed)?"
    r"|released?|version|git|patch|changeset|blob|index|cherry-pick|rebase)\b)"
)
_OF_A_DIGEST = (
    r"(?i:(?:sha-?(?:1|256)|md5|checksum|digest|etag|hash|(?:request|trace|span|correlation|event|session)[ _-]?id)"
    r"[\"']?\s?(?:is|of|[:=@])?\s?[\"']?)\Z"
)
_SENSITIVE = r"(?i:key|token|secret|pass|cred|auth|sign|session)"
_PIECE = r"[A-Z]?[a-z]+|[A-Z]+|\d+"


def _is_random(run: str, *, shortest: int) -> bool:
    """Return whether `run` switches between letters, cases and digits more often than a name does.

    Names switch about every five characters, keys every two. Nor does a name have two numbers inside one unbroken
    word of a single case (base32).
    """
    pieces = compiled(_PIECE).findall(run)
    size = sum(map(len, pieces))
    numbers = sum(map(str.isdigit, pieces))
    unbroken = size == len(run) and run in {run.lower(), run.upper()}
    return size >= shortest and (size < 4 * len(pieces) or (numbers > 1 and (unbroken or size < 5 * len(pieces))))


def _is_hash(match: re.Match[str]) -> bool:
    """Return whether the text around the run calls it a commit or a checksum."""
    before = match.string[max(0, match.start() - _NEAR) : match.start()]
    if compiled(_SENSITIVE).search(before):
        return False
    if compiled(_DIGEST).fullmatch(match[0]) and compiled(_OF_A_DIGEST).search(before):
        return True
    after = match.string[match.end() : match.end() + _NEAR]
    return (
        compiled(_COMMIT).fullmatch(match[0]) is not None
        and compiled(_OF_A_COMMIT).search(f"{before} | {after}") is not None
    )


def _unless_readable(match: re.Match[str]) -> str:
    """Return the run, or the word for a secret when it is random. Identifiers and hashes stay."""
    run = compiled(_IDENTIFIERS).sub("", match[0])
    parts = re.split(r"[^A-Za-z0-9]", run)
    is_random = _is_random(run, shortest=28) or any(_is_random(part, shortest=16) for part in parts)
    return SECRET if is_random and not _is_hash(match) else match[0]


RANDOM_PATTERNS: Final = rows(_unless_readable, ("", r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{20,}={0,2}"))
