"""What `scrub` removes, what it keeps, and what holds for every text."""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_tools._core import redaction
from agent_tools._core.redaction import scrub, scrub_result
from tests.core.redaction_cases import CONTEXTS, DOCUMENTED, GOES, KEY, STAYS, STAYS_IN_RESULTS, planted
from tests.support.characters import CHARACTERS
from tests.support.work import HARDEST, work_of

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"

READS = [
    ("GET https://u:p@api.internal/v1?api_key=SK-SECRET-123 failed.", "GET [link] failed."),
    ("no such link (https://x.example/a?b=c)", "no such link ([link])"),
    ("https%3A%2F%2Fuser%3Apw%40db%2Fx is down", "[link] is down"),
    ("https:\\/\\/x.example\\/a?k=1 is down", "[link] is down"),
    ("shop.com/x?key=1 and www.shop.com are down", "[link] and [host] are down"),
    ("db: postgresql://bob:p@ss:w/rd!@db-1:5432/orders?x=y refused", "db: [link] refused"),
    ("Server=tcp:db,1433;User Id=bob;Password=my pass word; cannot connect", "[link] cannot connect"),
    (
        "host=db-1 port=5432 user=bob password='my pass' failed",
        "host=[host] port=5432 user=bob password=[secret] failed",
    ),
    ("mail bob.o'neil+x@shop.example, please", "mail bob.o'[email], please"),
    ("reach bob@shop.example.", "reach [email]."),
    ("10.0.0.1:8080, 192.168.1.10 and 10.0.0.0/8 refused", "[host], [host] and [host] refused"),
    ("::1, [::1]:8080, fe80::1%eth0, 2001:db8::ff00:42:8329 refused", "[host], [host], [host], [host] refused"),
    ("db-1.prod.internal, printer.local, x.svc.cluster.local:80 refused", "[host], [host], [host] refused"),
    ("localhost:5432, redis:6379, db-1.eu.shop.com refused", "[host], [host], [host] refused"),
    ("HTTPConnectionPool(host='db', port=80): url: /v1/x?k=1", "HTTPConnectionPool(host=[host], port=80): url: [path]"),
    ("cannot read /etc/passwd, ~/.ssh/id_rsa or ../conf/db.yaml", "cannot read [path], [path] or [path]"),
    ("No such file: '/home/john doe/my key.pem'", "No such file: [path]"),
    ("C:\\Program Files\\App\\db.conf is missing", "[path] is missing"),
    ("\\\\server\\share\\x.txt is missing", "[path] is missing"),
    ('File "x.py", line 3, in run', "[path]"),
    ("src/app/db.py is missing", "[path] is missing"),
    ("password is swordfish", "password is [secret]"),
    ("password\uff1asword.fish", "password\uff1a[secret]"),
    ("\uff41pi\uff3f\uff4bey\uff1dsword1 failed", "api_key\uff1d[secret] failed"),
    ("the password for bob is swordfish.", "the password for bob is [secret]."),
    ("Incorrect API key provided: abc123. Look it up.", "Incorrect API key provided: [secret]. Look it up."),
    ("{'password': 'my pass word', 'order_id': 'A-1'}", "{'password': [secret], 'order_id': 'A-1'}"),
    ('{"dbPassword":"a\\"b c","order":"A-1"}', '{"dbPassword":[secret],"order":"A-1"}'),
    ('"{\\"client_secret\\": \\"a b\\", \\"order\\": 1}"', '"{\\"client_secret\\": [secret], \\"order\\": 1}"'),
    (json.dumps({"a": json.dumps({"token": 'x "y" z', "b": 1})}), '{"a": "{\\"token\\": [secret], \\"b\\": 1}"}'),
    ("auth=('bob', 'pa ss') failed", "auth=[secret] failed"),
    ("headers: [('Authorization', 'Token a b')]", "headers: [('Authorization', [secret])]"),
    ("<password>hunter2</password> is wrong", "[secret] is wrong"),
    ("Cookie: sid=abc; theme=dark\nnot accepted", "Cookie: [secret] not accepted"),
    ("<p>No <b>order</b>.</p><script>var x='<p>'</script><br>Sorry", "No order. Sorry"),
    ("hunt\u200ber, \x1b[31mred\x1b[0m, a\x00b", "hunter, red, ab"),
    ("  two\t\tlines\r\n\n here ", "two lines here"),
    ("It failed. Traceback (most recent call last):\n  File 'x'\nKeyError: 1", "It failed."),
    ("x%3Cpassword%3Eabc%3C/password%3E y https://u:p%3cx%3ey@h/z", "x%3Cpassword%3E[secret] y [link]"),
    ("a &lt;b&gt;bold&lt;/b&gt; claim &amp;amp; more", "a bold claim & more"),
    ("", ""),
    (" \n ", ""),
]

VANISHES = [
    f"sk-proj-{KEY}",
    f"sk-ant-api03-{KEY}_{KEY}",
    f"sk_live_{KEY}",
    f"pk_test_{KEY}",
    f"rk_live_{KEY}",
    f"ghp_{KEY}{KEY[:16]}",
    f"github_pat_{KEY}_{KEY}",
    f"glpat-{KEY}",
    f"xoxb-123456789012-{KEY}",
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    f"AIza{KEY}{KEY[:15]}",
    f"ya29.{KEY}",
    f"SG.{KEY}.{KEY}",
    f"hf_{KEY}",
    f"npm_{KEY}",
    f"shpat_{KEY}",
    f"dop_v1_{KEY}",
    f"whsec_{KEY}",
    JWT,
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    hashlib.sha256(b"x").hexdigest(),
    hashlib.md5(b"x", usedforsecurity=False).hexdigest(),
    base64.b64encode(hashlib.sha256(b"y").digest()).decode(),
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nabcdefghijkl\n-----END RSA PRIVATE KEY-----",
]


def pieces(secret: str) -> set[str]:
    """Return each run of eight characters in the secret."""
    return {secret[i : i + 8] for i in range(max(1, len(secret) - 7))}


def leaked(secret: str, result: str) -> list[str]:
    return sorted(piece for piece in pieces(secret) if piece in result)


@pytest.mark.parametrize("text", STAYS)
def test_an_ordinary_sentence_stays_as_it_is(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize("text", STAYS_IN_RESULTS)
def test_what_tools_print_stays_as_it_is(text: str) -> None:
    assert scrub_result(text) == text


@pytest.mark.parametrize("scrubbed", [scrub, scrub_result])
@pytest.mark.parametrize(("text", "secret"), GOES)
def test_a_secret_is_known_by_its_name_or_form(scrubbed: Callable[[str], str], text: str, secret: str) -> None:
    result = scrubbed(text)
    assert secret not in result
    assert scrubbed(result) == result


@pytest.mark.parametrize("form", DOCUMENTED.values(), ids=DOCUMENTED)
def test_no_key_of_a_documented_form_passes_wherever_it_stands(form: str) -> None:
    for seed, context in enumerate(CONTEXTS):
        key = planted(form, seed)
        text = context.replace("%s", key)
        for result in (scrub(text), scrub_result(text)):
            assert [key[i : i + 10] for i in range(len(key) - 9) if key[i : i + 10] in result] == []


@pytest.mark.parametrize(("text", "expected"), READS)
def test_what_is_taken_out_leaves_a_neutral_word(text: str, expected: str) -> None:
    assert scrub(text) == expected
    assert scrub(expected) == expected


@pytest.mark.parametrize("secret", VANISHES)
@pytest.mark.parametrize("around", ["%s", "refused: %s.", "('%s')", '{"k":"%s"}', "x=%s&y=1", "\\n%s\\n", "%%20%s%%22"])
def test_a_key_is_known_by_its_shape(secret: str, around: str) -> None:
    assert leaked(secret, scrub(around % secret)) == []


# -- Properties --------------------------------------------------------------------------------------

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def random_run(alphabet: str, shortest: int, longest: int) -> st.SearchStrategy[str]:
    """Random strings like keys: evenly distributed over the alphabet, unlike those of `st.text`."""

    def spell(seed: int, size: int) -> str:
        digest = hashlib.shake_256(str(seed).encode()).digest(size)
        return "".join(alphabet[byte % len(alphabet)] for byte in digest)

    return st.builds(spell, st.integers(0, 2**32), st.integers(shortest, longest))


keys = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(
            ["sk-", "sk-proj-", "sk_live_", "pk_test_", "rk_live_", "ghp_", "gho_", "github_pat_", "glpat-", "xoxb-",
             "xoxp-", "shpat_", "dop_v1_", "hf_", "npm_", "ya29.", "whsec_", "gsk_", "tvly-", "lsv2_pt_"]
        ),
        random_run(LETTERS, 16, 60),
    ),
)  # fmt: skip
aws_keys = random_run("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16, 16).map("AKIA".__add__)
jwts = st.builds("eyJ{}.eyJ{}.{}".format, *[random_run(LETTERS + "-_", 12, 80) for _ in range(3)])
digests = random_run("0123456789abcdef", 40, 128) | random_run(LETTERS + "+/", 40, 88)
passwords = random_run(LETTERS + "!#$%&*+,-./:;=?@^_|~", 8, 40)
names = random_run("abcdefghijklmnopqrstuvwxyz", 8, 12)
hosts = st.builds(
    "{}{}".format,
    names,
    st.sampled_from([".internal", ".prod.local", ".corp:8443", ".svc.cluster.local:80", ".eu.example.com"]),
)
links = st.builds(
    "{}://{}:{}@{}/{}?{}={}#{}".format,
    st.sampled_from(["https", "postgresql+psycopg", "redis", "amqp", "mongodb+srv", "ftp", "s3"]),
    names, passwords, hosts, names, names, passwords, names,
)  # fmt: skip
emails = st.builds("{}.{}@{}.com".format, names, names, names)
paths = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["/", "~/", "/home/", "C:\\Users\\", "\\\\"]), names, st.sampled_from(["/", "\\"]), names
    ).map(
        lambda parts: [part.replace("/", "\\") if parts[0][-1] == "\\" else part.replace("\\", "/") for part in parts]
    ),
)
labels = st.sampled_from(
    ["password=%s", "password: %s", "PASSWORD = %s", "db_password=%s", "dbPassword: %s", "client_secret=%s",
     "api-key: %s",
     "X-Api-Key: %s", "apiKey=%s", "session_id=%s", "Authorization: Bearer %s", "Bearer %s", "Cookie: sid=%s",
     "password is %s", "the token for bob was %s", "--password %s", "pwd=%s;", '"token": "%s"', "'access_token': '%s'",
     "b'secret': b'%s'", '{\\"private_key\\": \\"%s\\"}', "password 'x %s'", "credential=('bob', '%s')",
     "password%%3D%s", "&password=%s&", "<password>%s</password>", "signature=%s", "AccountKey=%s"]
)  # fmt: skip
values = random_run(LETTERS + "!#$%*+-./:=?@^_|~", 8, 40).filter(
    lambda value: value[-1].isalnum() and value[0].isalnum()
)

shapes = keys | aws_keys | jwts | digests | links | emails | paths | hosts
edges = st.sampled_from(
    [" ", "\n", "\t", "(", "[", "{", "<", "'", '"', "`", ",", ";", "=", " - ", ": ", "\\n", "&#32;", "%20", '":"']
)
closings = st.sampled_from(
    [" ", "\n", ")", "]", "}", ">", "'", '"', "`", ",", ";", ". ", "!", "\\n", "&quot;", "%22", '",']
)
surroundings = st.text(CHARACTERS, max_size=40) | st.sampled_from(
    [
        "The order was not found",
        "Calling refund failed with",
        '{"error": ',
        "x" * 300,
        "one two three " * 200,
        "line\n" * 1500,
    ]
)
disguises = st.sampled_from(
    [
        str,
        repr,
        json.dumps,
        lambda text: json.dumps({"error": json.dumps({"text": text})}),
        lambda text: quote(text, safe="", errors="replace"),
        lambda text: quote(quote(text, safe="", errors="replace"), safe=""),
        lambda text: "".join(f"&#{ord(char)};" for char in text),
        lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace("=", "&#x3d;"),
        "\u200b".join,
        lambda text: f"<p>{text}</p>",
    ]
)


@pytest.mark.untraced
@pytest.mark.parametrize("scrubbed", [scrub, scrub_result])
@pytest.mark.parametrize("edge", ["", "\\n", "=", "("])
def test_an_address_is_found_behind_any_number_of_characters_without_a_blank(
    scrubbed: Callable[[str], str], edge: str
) -> None:
    left = [
        number for number in range(600) if "smith" in scrubbed(f"{'x' * number}{edge}bob.smith@mail.example.com now")
    ]
    assert left == []


@given(surroundings, edges, shapes, closings, surroundings)
def test_no_piece_of_a_secret_with_a_known_shape_is_left(
    before: str, edge: str, secret: str, closing: str, after: str
) -> None:
    assert leaked(secret, scrub(before + edge + secret + closing + after)) == []


@given(surroundings, labels, values, closings, surroundings)
def test_no_piece_of_a_named_secret_is_left(before: str, label: str, secret: str, closing: str, after: str) -> None:
    assert leaked(secret, scrub(f"{before} {label % secret}{closing}{after}")) == []


@given(disguises, edges, shapes.map(lambda secret: ("%s", secret)) | st.tuples(labels, values), closings)
def test_no_encoding_hides_a_secret(
    disguise: Callable[[str], str], edge: str, planted: tuple[str, str], closing: str
) -> None:
    label, secret = planted
    assert leaked(secret, scrub(disguise(f"Not found{edge}{label % secret}{closing}"))) == []


@given(
    disguises,
    edges,
    (keys | aws_keys | jwts | emails).map(lambda key: ("%s", key)) | st.tuples(labels, values),
    closings,
)
def test_no_encoding_hides_a_secret_in_a_result(
    disguise: Callable[[str], str], edge: str, planted: tuple[str, str], closing: str
) -> None:
    label, secret = planted
    assert leaked(secret, scrub_result(disguise(f"Not found{edge}{label % secret}{closing}"))) == []


@given(st.text(CHARACTERS) | st.text(st.characters()), st.integers(1, 600))
def test_a_result_is_scrubbed_once_and_for_all_within_the_limit(text: str, limit: int) -> None:
    result = scrub_result(text, limit=limit)
    assert len(result) <= limit
    assert scrub_result(result, limit=limit) == result


@given(st.text(CHARACTERS) | st.text(st.characters()), st.integers(1, 600))
@example("\ud800", 1)
@example("\ud800\udc00 password=\udfff", 500)
@example("&#" + "9" * 5000 + ";", 500)
@example("&amp;" * 50 + "amp;" * 50 + "lt;", 500)
def test_any_text_is_scrubbed_once_and_for_all_within_the_limit(text: str, limit: int) -> None:
    result = scrub(text, limit=limit)
    assert len(result) <= limit
    assert scrub(result, limit=limit) == result


@pytest.mark.untraced
@given(
    st.lists(labels.map(lambda label: label % "x1y2z3w4") | shapes | surroundings | edges | closings, max_size=30),
    st.integers(1, 600),
)
def test_a_text_full_of_secrets_is_scrubbed_once_and_for_all(parts: list[str], limit: int) -> None:
    result = scrub("".join(parts), limit=limit)
    assert len(result) <= limit
    assert scrub(result, limit=limit) == result


@given(
    st.lists(
        st.sampled_from(
            ["order", "A-1001", "$49.99", "a", "it's", "12345,", '"x"', "(two)", "not.", "#7", "Yes!", "well-known"]
        )
    )
)
def test_the_short_cut_for_plain_sentences_changes_nothing(words: list[str]) -> None:
    text = " ".join(words)
    assert scrub(text, limit=10_000) == redaction._settle(text)


# -- Length ------------------------------------------------------------------------------------------


def test_a_long_text_keeps_its_head_and_its_tail() -> None:
    result = scrub("The call failed. " + "And so on. " * 500 + "The cause: no such order.")
    assert result.startswith("The call failed.")
    assert result.endswith("The cause: no such order.")
    assert "…" in result
    assert len(result) <= 500


def test_no_word_that_was_left_behind_is_cut_in_two() -> None:
    text = "/a/b," * 100
    for limit in range(1, 120):
        assert scrub(text, limit=limit).replace("[path]", "").replace(",", "").replace("…", "").strip() == ""


#: Mostly blanks, each run of which becomes one: what the cut leaves of both ends is shown in full.
LOOSE = ("so it is " + " " * 10) * 1_000
SHRINKS = 19 / 9


@pytest.mark.untraced
@pytest.mark.parametrize(
    "secret", [*VANISHES, "https://u:p@h/" + "abcdefgh/" * 2000, "password='" + "my pass word " * 60 + "'"]
)
@pytest.mark.parametrize("edge", ["of the text", "of what is shown", "of what is read"])
def test_the_edge_of_a_cut_leaves_no_half_of_a_secret(secret: str, edge: str) -> None:
    read = 500 + 2 * redaction._MARGIN
    shown = read - round(redaction._MARGIN * SHRINKS)
    place = {"of the text": 0, "of what is shown": shown, "of what is read": read}[edge]
    step = max(1, len(secret) // 6)
    for start in {max(0, place - before) for before in range(-step, len(secret) + 2 * step, step)}:
        text = f"{LOOSE[:start]} {secret} {LOOSE[start : len(LOOSE) - start]} {secret} {LOOSE[len(LOOSE) - start :]}"
        assert leaked(secret.removeprefix("password='"), scrub(text)) == []


#: The most function calls for a text. A run of slashes takes 70,000: it might be a key of as many parts.
MOST_CALLS = 100_000

#: The most characters read for a text, besides the search for a traceback. A row of cookies takes 780,000.
MOST_CHARACTERS = 1_000_000


@pytest.mark.untraced
@pytest.mark.parametrize("unit", HARDEST)
def test_the_work_does_not_depend_on_the_length(unit: str) -> None:
    long, longer = (unit * (size // len(unit)) for size in (100_000, 10_000_000))
    assert len(scrub(longer)) <= 500
    work, more = work_of(scrub, long), work_of(scrub, longer)
    assert more.calls == work.calls <= MOST_CALLS
    assert more.characters - len(longer) == work.characters - len(long) <= MOST_CHARACTERS


def test_the_work_of_scrubbing_all_of_a_long_text_would_be_seen() -> None:
    short, long = work_of(redaction._settle, "a" * 1_000), work_of(redaction._settle, "a" * 100_000)
    assert long.characters > 50 * short.characters


def seconds(text: str) -> float:
    """Return the CPU time of this thread alone, without other work of the machine."""
    began = time.thread_time()
    scrub_result(text, limit=len(text))
    return time.thread_time() - began


@pytest.mark.untraced
@pytest.mark.parametrize("texts", [HARDEST, [text for text, _ in GOES], STAYS], ids=["hardest", "goes", "stays"])
def test_four_times_the_text_is_four_times_the_work(texts: list[str]) -> None:
    for text in texts:
        short, long = (text * (size // len(text) + 1) for size in (600, 2_400))
        for _ in range(3):
            few, many = seconds(short), seconds(long)
            if many <= 10 * few + 0.005:
                break
        else:
            pytest.fail(f"{text!r}: {few:.4f} s, then {many:.4f} s")
