"""The emulator of Snowflake that the tests run against: fakesnow, for Node's snowflake-sdk.

fakesnow answers with Arrow, which that SDK cannot read: its answers are rewritten into Snowflake's JSON row sets, in chunks.
Beyond that, what a server must do for the tests to mean something: a statement can be cancelled, and one request is one statement.
usage: python fakesnow_json.py PORT
"""
import asyncio
import base64
import collections
import datetime
import decimal
import gzip
import json
import sys

import pyarrow as pa
import sqlglot
import uvicorn
import fakesnow.server as fs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

# session parameters real Snowflake sends back with every result; the SDK formats dates with them
PARAMS = [
    {"name": "TIMEZONE", "value": "Etc/UTC"},
    {"name": "DATE_OUTPUT_FORMAT", "value": "YYYY-MM-DD"},
    {"name": "TIME_OUTPUT_FORMAT", "value": "HH24:MI:SS"},
    {"name": "TIMESTAMP_OUTPUT_FORMAT", "value": "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM"},
    {"name": "TIMESTAMP_NTZ_OUTPUT_FORMAT", "value": "YYYY-MM-DD HH24:MI:SS.FF9"},
    {"name": "TIMESTAMP_LTZ_OUTPUT_FORMAT", "value": "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM"},
    {"name": "TIMESTAMP_TZ_OUTPUT_FORMAT", "value": "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM"},
    {"name": "BINARY_OUTPUT_FORMAT", "value": "HEX"},
]
RESULTS: dict[str, dict] = {}
SESSION_PARAMS: dict[str, dict] = {}  # per session token; real Snowflake echoes these with each result

_to_sf = fs.to_sf


def to_sf_unsigned_safe(table, rowtype):
    """HASH() is UBIGINT in DuckDB; fakesnow casts it to int64 and overflows. Carry it as a decimal."""
    for i, f in enumerate(table.schema):
        if pa.types.is_uint64(f.type):
            table = table.set_column(i, f.name, table.column(i).cast(pa.decimal128(38, 0)))
    return _to_sf(table, rowtype)


fs.to_sf = to_sf_unsigned_safe
CHUNK_ROWS = 10_000  # rows beyond this go into separate chunk downloads, as Snowflake does
CHUNKS: dict[str, str] = {}


def dec(v):
    return format(v, "f") if isinstance(v, decimal.Decimal) else str(v)


def encode(v, typ):
    if v is None:
        return None
    if typ == "date":
        return str((v - datetime.date(1970, 1, 1)).days)
    if typ.startswith("timestamp"):
        sec, frac = v["epoch"], v["fraction"]
        if sec is None:
            return None
        s = dec(decimal.Decimal(sec) + decimal.Decimal(frac).scaleb(-9).quantize(decimal.Decimal("1e-9")))
        return f"{s} {v['timezone']}" if typ == "timestamp_tz" else s
    if typ == "time":
        return dec(decimal.Decimal(v).scaleb(-9))
    if typ == "boolean":
        return "true" if v else "false"
    if typ == "binary":
        return v.hex().upper()
    if typ == "real":
        return repr(v)
    return dec(v)


def arrow_to_rowset(b64, rowtype):
    if not b64:
        return []
    table = pa.ipc.open_stream(base64.b64decode(b64)).read_all()
    cols = [[encode(v, c["type"]) for v in col.to_pylist()] for col, c in zip(table.columns, rowtype, strict=True)]
    return [list(r) for r in zip(*cols, strict=True)]


LOCKS: dict[str, asyncio.Lock] = collections.defaultdict(asyncio.Lock)


RUNNING: dict[str, object] = {}  # request id -> DuckDB connection
CANCELLED: set[str] = set()


def failure(code: str, state: str, message: str):
    data = {"errorCode": code, "sqlState": state, "queryId": None}
    return JSONResponse({"success": False, "code": code, "message": message, "data": data})


def statements(sql: str) -> int:
    """How many there are, at least one: what does not parse is fakesnow's affair."""
    try:
        return max(1, sum(1 for s in sqlglot.parse(sql, read="snowflake") if s is not None and not isinstance(s, sqlglot.exp.Semicolon)))
    except sqlglot.errors.SqlglotError:
        return 1


async def query(request: Request):
    sql = json.loads(await decoded(request))["sqlText"]
    count = statements(sql)
    if count > 1:
        return failure("000008", "0A000", f"Actual statement count {count} did not match the desired statement count 1.")
    request_id = request.query_params.get("requestId", "")
    conn = fs.sessions.get(fs.to_token(request))
    if conn is not None:
        RUNNING[request_id] = conn._duck_conn
    # a session is one DuckDB cursor, and DuckDB 2 refuses concurrent use of it: queue per session
    try:
        async with LOCKS[request.headers.get("Authorization", "")]:
            resp = await fs.query_request(request)
    finally:
        RUNNING.pop(request_id, None)
    if request_id in CANCELLED:
        CANCELLED.discard(request_id)
        return failure("000604", "57014", "SQL execution canceled")
    body = json.loads(resp.body)
    d = body.get("data")
    if resp.status_code == 500:
        return JSONResponse({"success": False, "code": body["code"], "message": "fakesnow unsupported: " + body["message"],
                             "data": {"errorCode": body["code"], "sqlState": "0A000", "queryId": None}})
    if not body.get("success") or not d or "rowtype" not in d:
        # SDK wants data.queryId even on errors
        if isinstance(d, dict):
            d.setdefault("queryId", None)
        return JSONResponse(body, status_code=resp.status_code)
    if d["queryResultFormat"] == "arrow":
        d["rowset"] = arrow_to_rowset(d.pop("rowsetBase64"), d["rowtype"])
        d["queryResultFormat"] = "json"
    d["total"] = d["returned"] = len(d["rowset"])
    d["version"] = 1
    extra = SESSION_PARAMS.get(fs.to_token(request), {})
    d["parameters"] = [p for p in PARAMS if p["name"] not in extra] + [{"name": k, "value": v} for k, v in extra.items()]
    rows = d["rowset"]
    if len(rows) > CHUNK_ROWS:
        base = str(request.base_url)
        d["rowset"] = rows[:CHUNK_ROWS]
        d["chunks"] = []
        for i in range(CHUNK_ROWS, len(rows), CHUNK_ROWS):
            part, key = rows[i:i + CHUNK_ROWS], f"{d['queryId']}-{i}"
            CHUNKS[key] = json.dumps(part)[1:-1]  # chunk files have no outer brackets
            d["chunks"].append({"url": f"{base}chunk/{key}", "rowCount": len(part),
                                "uncompressedSize": len(CHUNKS[key]), "compressedSize": len(CHUNKS[key])})
    RESULTS[d["queryId"]] = body
    return JSONResponse(body)


async def decoded(request: Request) -> bytes:
    raw = await request.body()
    return gzip.decompress(raw) if request.headers.get("Content-Encoding") == "gzip" else raw


async def abort(request: Request):
    request_id = json.loads(await decoded(request))["requestId"]
    running = RUNNING.get(request_id)
    if running is not None:
        CANCELLED.add(request_id)
        running.interrupt()
    return JSONResponse({"success": True, "data": None})


async def login(request: Request):
    resp = await fs.login_request(request)
    raw = await decoded(request)
    SESSION_PARAMS[json.loads(resp.body)["data"]["token"]] = json.loads(raw)["data"].get("SESSION_PARAMETERS") or {}
    return resp


async def result(request: Request):
    body = RESULTS.get(request.path_params["qid"])
    return JSONResponse(body) if body else JSONResponse(
        {"success": False, "code": "000709", "message": "Statement not found", "data": {}}, 200)


async def chunk(request: Request):
    return Response(CHUNKS[request.path_params["key"]], media_type="text/plain")


async def ok(_):
    return JSONResponse({"success": True, "data": None})

keep = [r for r in fs.routes if r.path not in (
    "/queries/v1/query-request", "/queries/v1/abort-request", "/session/v1/login-request")]
app = Starlette(routes=[
    Route("/session/v1/login-request", login, methods=["POST"]),
    Route("/queries/v1/query-request", query, methods=["POST"]),
    Route("/queries/v1/abort-request", abort, methods=["POST"]),
    Route("/queries/{qid}/result", result, methods=["GET"]),
    Route("/chunk/{key}", chunk, methods=["GET"]),
    Route("/telemetry/send", ok, methods=["POST"]),
    *keep,
])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
