"""Codes that are not HTTP statuses: databases, gRPC, JSON-RPC, SMTP, FTP, AMQP."""

import ftplib
import smtplib
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tools import ErrorCategory, Failure, diagnose
from tests.classify.clients import CANARY, diagnosed
from tests.support.characters import CHARACTERS

RETRYABLE, NON_RETRYABLE, AUTH, TIMEOUT, NETWORK = ErrorCategory


def stand_in(
    qualified: str, *args: object, bases: tuple[type, ...] = (Exception,), **attributes: object
) -> BaseException:
    """Return an error of a class `rootmodule.Name`, for libraries that are not installed in tests."""
    module, _, name = qualified.rpartition(".")
    error: BaseException = type(name, bases, {"__module__": module})(*args)
    vars(error).update(attributes)
    return error


CATEGORY_BY_SQLSTATE = {
    "40P01": RETRYABLE,
    "40001": RETRYABLE,
    "40003": NON_RETRYABLE,
    "53300": RETRYABLE,
    "57P01": RETRYABLE,
    "57P03": RETRYABLE,
    "57014": TIMEOUT,
    "08006": NETWORK,
    "08001": NETWORK,
    "28P01": AUTH,
    "42501": AUTH,
    "42P01": NON_RETRYABLE,
    "23505": NON_RETRYABLE,
    "22P02": NON_RETRYABLE,
    "53100": NON_RETRYABLE,
    "XX000": NON_RETRYABLE,
}


@pytest.mark.parametrize(("state", "category"), CATEGORY_BY_SQLSTATE.items())
def test_postgresql_decides_by_sqlstate(state: str, category: ErrorCategory) -> None:
    psycopg = pytest.importorskip("psycopg")
    failure = diagnose(psycopg.errors.lookup(state)("no"))
    assert (failure.category, failure.rule) == (category, f"SQLSTATE {state}")


@pytest.mark.parametrize(("state", "category"), CATEGORY_BY_SQLSTATE.items())
def test_a_layer_above_a_driver_says_what_the_driver_says(state: str, category: ErrorCategory) -> None:
    psycopg, sqlalchemy = pytest.importorskip("psycopg"), pytest.importorskip("sqlalchemy")
    original = psycopg.errors.lookup(state)("no")
    error = sqlalchemy.exc.DBAPIError.instance("select 1", {}, original, psycopg.Error)
    assert diagnose(error).category is category


SAID_AT_LOGIN = [
    ('connection failed: FATAL: password authentication failed for user "bot"', AUTH, False),
    ("connection failed: FATAL: the database system is starting up", RETRYABLE, False),
    ("connection failed: FATAL: sorry, too many clients already", RETRYABLE, False),
    ("server closed the connection unexpectedly", NETWORK, True),
    ("failed to resolve host 'db': Name or service not known", NETWORK, True),
]


@pytest.mark.parametrize(("said", "category", "may_have_acted"), SAID_AT_LOGIN)
def test_postgresql_keeps_no_sqlstate_of_a_failed_login(
    said: str,
    category: ErrorCategory,
    may_have_acted: bool,  # a column of the table
) -> None:
    failure = diagnose(pytest.importorskip("psycopg").OperationalError(said))
    assert (failure.category, failure.may_have_acted) == (category, may_have_acted)


def test_a_locked_sqlite_database_passes_by_and_a_missing_table_does_not(tmp_path: Path) -> None:
    holder, waiter = (sqlite3.connect(tmp_path / "t.db", timeout=0) for _ in range(2))
    holder.execute("create table ticket (id int)")
    holder.execute("begin exclusive")
    locked = diagnosed(lambda: waiter.execute("insert into ticket values (1)"))
    holder.rollback()
    missing = diagnosed(lambda: waiter.execute("select * from refund"))
    holder.close()
    waiter.close()
    assert (locked.category, missing.category) == (RETRYABLE, NON_RETRYABLE)
    assert (locked.error_type, missing.error_type) == ("OperationalError", "OperationalError")


CATEGORY_BY_REDIS_ERROR = {
    "AuthenticationError": AUTH,
    "BusyLoadingError": RETRYABLE,
    "ClusterDownError": RETRYABLE,
    "ConnectionError": NETWORK,
    "DataError": NON_RETRYABLE,
    "LockError": NON_RETRYABLE,
    "NoPermissionError": AUTH,
    "ResponseError": NON_RETRYABLE,
    "TimeoutError": TIMEOUT,
    "TryAgainError": RETRYABLE,
}


@pytest.mark.parametrize(("name", "category"), CATEGORY_BY_REDIS_ERROR.items())
def test_redis_decides_by_the_most_derived_class_as_its_bases_lie(name: str, category: ErrorCategory) -> None:
    assert diagnose(getattr(pytest.importorskip("redis").exceptions, name)("no")).category is category


NUMBERS = [
    (stand_in("pymysql.OperationalError", 1213, "no"), RETRYABLE, "MySQL 1213"),
    (stand_in("pymysql.OperationalError", 1045, "no"), AUTH, "MySQL 1045"),
    (stand_in("pymysql.OperationalError", 2013, "no"), NETWORK, "MySQL 2013"),
    (stand_in("pymysql.ProgrammingError", 1064, "no"), NON_RETRYABLE, "MySQL 1064"),
    (stand_in("mysql.InternalError", errno=1205, sqlstate="HY000"), RETRYABLE, "MySQL 1205"),
    (stand_in("mysql.DatabaseError", errno=3819, sqlstate="HY000"), NON_RETRYABLE, "MySQL 3819"),
    (stand_in("pymongo.OperationFailure", code=112), RETRYABLE, "MongoDB 112"),
    (stand_in("pymongo.OperationFailure", code=13), AUTH, "MongoDB 13"),
    (stand_in("pymongo.WriteError", code=429), NON_RETRYABLE, "MongoDB 429"),
    (stand_in("pyodbc.OperationalError", "HYT00", "no"), TIMEOUT, "SQLSTATE HYT00"),
    (stand_in("pymssql.OperationalError", (1205, b"no")), RETRYABLE, "SQL Server 1205"),
    (stand_in("clickhouse_driver.ServerException", code=425), NON_RETRYABLE, "ClickHouse 425"),
    (stand_in("oracledb.DatabaseError", SimpleNamespace(full_code="ORA-00060")), RETRYABLE, "ORA-00060"),
    (stand_in("postgrest.APIError", code="PGRST301"), AUTH, "PGRST301"),
    (stand_in("postgrest.APIError", code="PGRST003"), RETRYABLE, "PGRST003"),
    (stand_in("grpclib.GRPCError", status=SimpleNamespace(name="UNAVAILABLE")), RETRYABLE, "gRPC UNAVAILABLE"),
    (stand_in("postgrest.APIError", code="23505"), NON_RETRYABLE, "SQLSTATE 23505"),
    (stand_in("psycopg2.OperationalError", pgcode="40001"), RETRYABLE, "SQLSTATE 40001"),
    (stand_in("pika.ChannelClosedByBroker", reply_code=403), AUTH, "AMQP 403"),
    (stand_in("pika.ChannelClosedByBroker", reply_code=404), NON_RETRYABLE, "AMQP 404"),
    (stand_in("aiosmtplib.SMTPResponseException", code=421), RETRYABLE, "reply 421"),
    (smtplib.SMTPAuthenticationError(535, b"no"), AUTH, "reply 535"),
    (smtplib.SMTPDataError(451, b"no"), RETRYABLE, "reply 451"),
    (smtplib.SMTPDataError(552, b"no"), NON_RETRYABLE, "reply 552"),
    (smtplib.SMTPRecipientsRefused({"a": (450, b"no"), "b": (550, b"no")}), NON_RETRYABLE, "reply 550"),
    (ftplib.error_perm("530 Login incorrect."), AUTH, "reply 530"),  # noqa: S321  # no connection is made
    (ftplib.error_temp("425 Cannot open data connection."), NETWORK, "reply 425"),  # noqa: S321
]


@pytest.mark.parametrize(("error", "category", "rule"), NUMBERS, ids=[rule for _, _, rule in NUMBERS])
def test_a_number_means_what_its_own_protocol_says(error: BaseException, category: ErrorCategory, rule: str) -> None:
    failure = diagnose(error)
    assert (failure.category, failure.rule, failure.status_code) == (category, rule, None)


def grpc_error(code: str, details: str = "no", metadata: Any = ()) -> BaseException:
    methods = {
        "code": lambda: SimpleNamespace(name=code),
        "details": lambda: details,
        "trailing_metadata": lambda: metadata,
    }
    return stand_in("grpc.RpcError", **methods)


CATEGORY_BY_GRPC_CODE = {
    "ABORTED": NON_RETRYABLE,
    "DEADLINE_EXCEEDED": TIMEOUT,
    "INVALID_ARGUMENT": NON_RETRYABLE,
    "PERMISSION_DENIED": AUTH,
    "RESOURCE_EXHAUSTED": RETRYABLE,
    "UNAUTHENTICATED": AUTH,
    "UNAVAILABLE": RETRYABLE,
    "UNKNOWN": NON_RETRYABLE,
}


@pytest.mark.parametrize(("code", "category"), CATEGORY_BY_GRPC_CODE.items())
def test_grpc_decides_by_its_code(code: str, category: ErrorCategory) -> None:
    assert diagnose(grpc_error(code)).category is category


def test_an_unreachable_grpc_channel_is_network() -> None:
    details = "failed to connect to all addresses; last error: connect refused"
    failure = diagnose(grpc_error("UNAVAILABLE", details))
    assert (failure.category, failure.may_have_acted) == (NETWORK, False)


@pytest.mark.parametrize(("said", "wait"), [("1500", 1.5), ("0", 0.0), ("-1", None), ("soon", None)])
def test_a_grpc_pushback_is_a_wait(said: str, wait: float | None) -> None:
    error = grpc_error("UNAVAILABLE", metadata=(("grpc-retry-pushback-ms", said),))
    assert diagnose(error).retry_after == wait


CATEGORY_BY_JSON_RPC_CODE = {
    408: TIMEOUT,
    -32000: NETWORK,
    -32001: TIMEOUT,
    -32600: NON_RETRYABLE,
    -32602: NON_RETRYABLE,
    -32603: NON_RETRYABLE,
    429: NON_RETRYABLE,
}


@pytest.mark.parametrize(("code", "category"), CATEGORY_BY_JSON_RPC_CODE.items())
def test_mcp_decides_by_the_json_rpc_code(code: int, category: ErrorCategory) -> None:
    exceptions = pytest.importorskip("mcp.shared.exceptions")
    if hasattr(exceptions, "MCPError"):  # SDK 2
        error = exceptions.MCPError(code=code, message="no")
    else:
        error = exceptions.McpError(pytest.importorskip("mcp.types").ErrorData(code=code, message="no"))
    assert diagnose(error).category is category


@pytest.mark.parametrize("library", ["postgrest", "oracledb", "grpclib", "psycopg", "driver"])
def test_no_text_of_a_server_becomes_the_word_for_a_row(library: str) -> None:
    said = SimpleNamespace(full_code=f"ORA-00060 {CANARY}", name=CANARY)
    error = stand_in(f"{library}.ApiError", said, code=f"PGRST301 {CANARY}", status=said, sqlstate=CANARY)
    assert CANARY not in repr(diagnose(error))


@given(st.text(CHARACTERS, max_size=8) | st.integers() | st.none() | st.binary(max_size=8))
def test_no_sqlstate_whatever_raises(value: object) -> None:
    failure = diagnose(stand_in("driver.Error", sqlstate=value, pgcode=value, code=value, errno=value))
    assert isinstance(failure, Failure)
