"""Databases: what their own error codes mean. Most drivers raise one class for a dozen causes.

Sources: https://www.postgresql.org/docs/current/errcodes-appendix.html (SQLSTATE, which MySQL, SQL Server
and ODBC share), https://dev.mysql.com/doc/mysql-errors/, https://www.sqlite.org/rescode.html and
https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from agent_tools._classify.naming import Role
from agent_tools._classify.reading import is_a, number, read, text
from agent_tools._classify.subject import Kind, Subject
from agent_tools._classify.tables.code_words import row_by_words
from agent_tools._classify.tables.row import (
    BROKEN,
    LATE,
    NO_ANSWER_TO_CONNECT,
    NOT_NOW,
    PASSING,
    PERMANENT,
    REFUSED,
    SOME_CONNECTION_TROUBLE,
    UNREACHED,
    Row,
    spread,
)

ROW_BY_SQLSTATE = spread(
    {
        UNREACHED: ("08001", "08004"),
        BROKEN: ("08", "08S01", "57P05", "25P03"),
        REFUSED: ("28", "42501"),
        PASSING: ("57P01", "57P02"),
        NOT_NOW: ("40001", "40P01", "53300", "55P03", "57P03"),
        LATE: ("57014", "HYT00", "HYT01", "S1T00"),
    }
)
"""By the whole code, else by its class (the first two characters). Every other code is NON_RETRYABLE.

After 40001 and 40P01 the server has rolled the transaction back: none of it took effect.
"""

ROW_BY_MYSQL_NUMBER = spread(
    {
        NOT_NOW: (1040, 1203, 1213, 3572),
        PASSING: (1053, 1205, 1637),
        REFUSED: (1044, 1045, 1142, 1143, 1227, 1251, 1370, 1698, 1820, 1862, 3118, 2049, 2059),
        LATE: (1317, 3024, 1969, 3169),
        UNREACHED: (2005,),
        SOME_CONNECTION_TROUBLE: (1042, 1152, 1158, 1160, 1184, 1927, 2006, 2013, 2014, 2026, 2055, 4031),
        replace(UNREACHED, sure=False): (2002, 2003),
        replace(LATE, sure=False): (1159, 1161),
    }
)
"""Numbers of the server (1000 and up) and of the client library (2000 and up)."""

ROW_BY_SQLITE_CODE = spread({NOT_NOW: (5, 6), REFUSED: (23,), LATE: (9,)})
"""Primary result codes: BUSY and LOCKED, AUTH, INTERRUPT."""

ROW_BY_MONGO_CODE = spread(
    {
        REFUSED: (13, 18, 8000),
        LATE: (50, 64, 89, 202, 262),
        NOT_NOW: (112, 251),
        PASSING: (91, 189, 10107, 11600, 11602, 13435, 13436),
        BROKEN: (6, 7, 9001),
    }
)

ROW_BY_MSSQL_NUMBER = spread(
    {
        NOT_NOW: (1205, 1222, 10928, 10929, 40501, 40613),
        REFUSED: (229, 230, 262, 300, 916, 4060, 18452, 18456),
        SOME_CONNECTION_TROUBLE: (20002, 20004, 20006, 20009, 233, 10053, 10054, 10060),
        LATE: (20003,),
    }
)
"""SQL Server and, from 20000, the DB-Library under pymssql."""

ROW_BY_CLICKHOUSE_CODE = spread(
    {
        REFUSED: (192, 193, 194, 497, 516),
        LATE: (159, 209),
        BROKEN: (210,),
        NOT_NOW: (202, 252, 439),
    }
)
"""https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp"""

ROW_BY_SNOWFLAKE_RANGE: dict[range, Row] = {
    range(390100, 390200): REFUSED,
    range(390300, 390400): REFUSED,
    range(604, 605): LATE,
    range(630, 631): LATE,
    range(603, 604): PASSING,
    range(250001, 250004): SOME_CONNECTION_TROUBLE,
    range(251001, 251012): REFUSED,
}
"""https://github.com/snowflakedb/snowflake-connector-python/blob/main/src/snowflake/connector/errorcode.py and
`network.py`: the server's 3901xx and 3903xx are about logins and tokens, 2510xx are wrong login settings."""

ROW_BY_ORACLE_CODE = spread(
    {
        NOT_NOW: (
            "ORA-00018",
            "ORA-00020",
            "ORA-00054",
            "ORA-00060",
            "ORA-08177",
            "ORA-12516",
            "ORA-12519",
            "ORA-12520",
        ),
        REFUSED: ("ORA-01005", "ORA-01017", "ORA-01031", "ORA-01045", "ORA-28000", "ORA-28001"),
        LATE: ("ORA-01013", "ORA-03136", "ORA-12170", "DPY-4024"),
        BROKEN: ("ORA-00028", "ORA-01012", "ORA-01092", "ORA-03113", "ORA-03114", "ORA-03135", "DPY-1001", "DPY-4011"),
        SOME_CONNECTION_TROUBLE: (
            "ORA-01033",
            "ORA-01034",
            "ORA-12514",
            "ORA-12541",
            "ORA-12545",
            "ORA-12547",
            "DPY-6000",
            "DPY-6005",
        ),
    }
)
"""ORA- is the server and its network layer, DPY- the Python driver itself."""

ROW_BY_LIBPQ_TEXT = {
    "authentication failed": REFUSED,
    "no pg_hba.conf entry": REFUSED,
    "starting up": NOT_NOW,
    "shutting down": NOT_NOW,
    "in recovery mode": NOT_NOW,
    "too many clients": NOT_NOW,
    "remaining connection slots": NOT_NOW,
    "timeout expired": NO_ANSWER_TO_CONNECT,
}
"""PostgreSQL's texts for a refused login; libpq keeps no SQLSTATE for it, so only the text identifies it."""

_ORACLE = re.compile(r"[A-Z]{3}-[0-9]{4,5}")
_POSTGREST = re.compile(r"PGRST[0-9X]{3}")
_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_CLICKHOUSE_IN_TEXT = re.compile(r"\b[Cc]ode: ([0-9]{1,4})[.,] ?(?:DB::|e\.displayText)")
_SQLITE_PRIMARY = 0xFF
_NO_STATE = frozenset({"00000", "HY000"})


def row_of(subject: Subject) -> Row | None:
    """Return what the error code of a database says, or None when the error carries none."""
    for reader in _readers_of(subject.kind):
        return reader(subject)
    row = _by_sqlstate_attribute(subject) if Role.SQLSTATE in subject.names else None
    return row if row is not None or type(subject.argument) is str else _by_sqlstate_in_fields(subject)


@lru_cache(maxsize=1024)
def _readers_of(kind: Kind) -> tuple[Callable[[Subject], Row | None], ...]:
    roots = kind.roots
    exact = [reader for library, reader in READER_BY_LIBRARY.items() if library in roots]
    return tuple(exact or [reader for word, reader in READER_BY_WORD.items() if any(word in root for root in roots)])


def _by_sqlstate_attribute(subject: Subject) -> Row | None:
    for state in subject.find(Role.SQLSTATE):
        if row := _by_sqlstate(state):
            return row
    return None


def _by_sqlstate_in_fields(subject: Subject) -> Row | None:
    """Return what field C of PostgreSQL's own error message says, which pg8000 and similar drivers raise as a dict."""
    fields = subject.argument
    return _by_sqlstate(dict.get(fields, "C")) if issubclass(type(fields), dict) else None


def _unknown(subject: Subject, rule: str) -> Row:
    """Return the row for an unknown number: by the word or the SQLSTATE beside it, else NON_RETRYABLE."""
    row = row_by_words(subject) or _by_sqlstate_attribute(subject)
    return row or PERMANENT.named(rule)


def _by_sqlstate(value: object) -> Row | None:
    state = text(value)
    if not _SQLSTATE.fullmatch(state) or state in _NO_STATE:
        return None
    row = ROW_BY_SQLSTATE.get(state) or ROW_BY_SQLSTATE.get(state[:2]) or PERMANENT
    return row.named(f"SQLSTATE {state}")


def _by_postgresql(subject: Subject) -> Row | None:
    row = _by_sqlstate_attribute(subject) or _by_sqlstate_in_fields(subject) or _by_sqlstate(subject.read("code"))
    if row is not None:
        return row
    said = text(subject.argument, limit=1000).lower()
    return next((row.named(f"libpq: {word}") for word, row in ROW_BY_LIBPQ_TEXT.items() if word in said), None)


def _by_mysql(subject: Subject) -> Row | None:
    code = number(subject.read("errno")) or number(subject.argument)
    if not code or code < 0:
        return _by_sqlstate_attribute(subject)
    rule = f"MySQL {code}"
    return ROW_BY_MYSQL_NUMBER[code].named(rule) if code in ROW_BY_MYSQL_NUMBER else _unknown(subject, rule)


def _by_sqlite(subject: Subject) -> Row | None:
    code = number(subject.read("sqlite_errorcode"))
    if code is None:
        return None
    return ROW_BY_SQLITE_CODE.get(code & _SQLITE_PRIMARY, PERMANENT).named(f"SQLite {code}")


def _by_mongo(subject: Subject) -> Row | None:
    code = number(subject.read("code"))
    if code is None:
        return None
    rule = f"MongoDB {code}"
    return ROW_BY_MONGO_CODE[code].named(rule) if code in ROW_BY_MONGO_CODE else _unknown(subject, rule)


def _by_odbc(subject: Subject) -> Row | None:
    return _by_sqlstate(subject.argument)


def _by_mssql(subject: Subject) -> Row | None:
    argument = subject.argument
    code = number(argument[0] if is_a(argument, tuple) and argument else argument)
    return None if not code else ROW_BY_MSSQL_NUMBER.get(code, PERMANENT).named(f"SQL Server {code}")


def _by_snowflake(subject: Subject) -> Row | None:
    """Return what the vendor's number says, which is more exact than the SQLSTATE beside it."""
    code = number(subject.read("errno"))
    row = (
        None
        if code is None
        else next((row for numbers, row in ROW_BY_SNOWFLAKE_RANGE.items() if code in numbers), None)
    )
    return _by_sqlstate_attribute(subject) if row is None else row.named(f"Snowflake {code}")


def _by_clickhouse(subject: Subject) -> Row | None:
    code = number(subject.read("code"))
    match = _CLICKHOUSE_IN_TEXT.search(text(subject.argument, limit=1000)) if code is None else None
    code = int(match[1]) if match else code
    return None if not code else ROW_BY_CLICKHOUSE_CODE.get(code, PERMANENT).named(f"ClickHouse {code}")


def _by_oracle(subject: Subject) -> Row | None:
    code = text(read(subject.argument, "full_code"))
    return ROW_BY_ORACLE_CODE.get(code, PERMANENT).named(code) if _ORACLE.fullmatch(code) else None


def _by_postgrest(subject: Subject) -> Row | None:
    code = text(subject.read("code"))
    if not _POSTGREST.fullmatch(code):
        return _by_sqlstate(code)
    # PostgREST's own codes: group 3 is about the JSON Web Token, 00x about reaching the database.
    if code.startswith("PGRST3"):
        return REFUSED.named(code)
    return (PASSING if code.startswith("PGRST00") else PERMANENT).named(code)


READER_BY_LIBRARY: dict[str, Callable[[Subject], Row | None]] = {
    "psycopg": _by_postgresql,
    "psycopg2": _by_postgresql,
    "pymysql": _by_mysql,
    "MySQLdb": _by_mysql,
    "mysql": _by_mysql,
    "mariadb": _by_mysql,
    "asyncmy": _by_mysql,
    "sqlite3": _by_sqlite,
    "pymongo": _by_mongo,
    "pyodbc": _by_odbc,
    "pymssql": _by_mssql,
    "clickhouse_driver": _by_clickhouse,
    "oracledb": _by_oracle,
    "postgrest": _by_postgrest,
    "snowflake": _by_snowflake,
}
"""Drivers that keep their code somewhere special. On all others, `sqlstate` and `pgcode` are read."""

READER_BY_WORD: dict[str, Callable[[Subject], Row | None]] = {
    "postgres": _by_postgresql,
    "psycopg": _by_postgresql,
    "psqlpy": _by_postgresql,
    "pg8000": _by_postgresql,
    "aiopg": _by_postgresql,
    "asyncpg": _by_sqlstate_attribute,
    "mysql": _by_mysql,
    "mariadb": _by_mysql,
    "mongo": _by_mongo,
    "clickhouse": _by_clickhouse,
    "asynch": _by_clickhouse,
    "aiochclient": _by_clickhouse,
    "snowflake": _by_snowflake,
}
"""Forks and other clients of the same databases, by what their root contains."""
