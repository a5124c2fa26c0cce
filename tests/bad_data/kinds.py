"""Every kind of record that can't be used: what it looks like, and how the ledger must count it."""

import gzip
import json

HOUR = 3600 * 1000
FIELDS_LIMIT, DEPTH_LIMIT, SIZE_LIMIT, KEY_LIMIT = 256, 32, 1 << 20, 256


def event(at, /, **members):
    return json.dumps({"customer": "c001", "id": f"bad-{at}", "ts": at, "amount": 1.25, **members}).encode()


def without(name):
    def make(ts):
        members = json.loads(event(ts))
        del members[name]
        return json.dumps(members).encode()
    return make


def having(**members):
    return lambda ts: event(ts, **members)


def raw(name, text):
    """An event whose member has this text, valid or not, in the place of its value."""
    return lambda ts: event(ts, **{name: "@"}).replace(b'"@"', text)


def order(customer="c001", time=None, amount="1.00", paid="true"):
    return lambda ts: f"{customer},{when(ts) if time is None else time},{amount},{paid}".encode()


def when(ts):
    days, rest = divmod(ts // 1000, 86400)
    return f"2026-01-{days - 20453:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


# Name -> (reason, the line for a time at which a good record could stand). A reason with a colon is another column of
# the ledger. `@last` stands for the good line before.
EVENTS = {
    "truncated": ("json_syntax", lambda ts: event(ts)[:-9]),
    "trailing garbage": ("json_syntax", lambda ts: event(ts) + b" and more"),
    "two objects": ("json_syntax", lambda ts: event(ts) + event(ts)),
    "trailing comma": ("json_syntax", lambda ts: event(ts)[:-1] + b",}"),
    "single quotes": ("json_syntax", lambda ts: event(ts).replace(b'"', b"'")),
    "comment": ("json_syntax", lambda ts: event(ts) + b" // why"),
    "array": ("json_syntax", lambda ts: b"[" + event(ts) + b"]"),
    "text": ("json_syntax", lambda ts: b'"just words"'),
    "null document": ("json_syntax", lambda ts: b"null"),
    "xml": ("json_syntax", lambda ts: b"<event customer='c001'/>"),
    "csv": ("json_syntax", lambda ts: b"c001,bad,%d,1.25" % ts),
    "gzip": ("encoding", lambda ts: gzip.compress(event(ts), mtime=0).replace(b"\n", b"\xff").replace(b"\r", b"\xff")),
    "utf-16": ("encoding", lambda ts: event(ts).decode().encode("utf-16-le")),
    "byte order mark": ("json_syntax", lambda ts: b"\xef\xbb\xbf" + event(ts)),
    "blanks": ("null_value", lambda ts: b"   "),
    "nan": ("json_syntax", raw("amount", b"NaN")),
    "infinity": ("json_syntax", raw("amount", b"-Infinity")),
    "leading zero": ("json_syntax", raw("amount", b"007")),
    "leading plus": ("json_syntax", raw("amount", b"+1")),
    "hexadecimal": ("json_syntax", raw("amount", b"0x1F")),
    "lone surrogate": ("json_syntax", raw("customer", b'"\\ud800"')),
    "raw control character": ("json_syntax", raw("customer", b'"a\tb"')),
    "invalid utf-8": ("encoding", raw("customer", b'"\xff\xfe"')),
    "overlong utf-8": ("encoding", raw("customer", b'"\xc0\xaf"')),
    "nul byte": ("encoding", raw("customer", b'"a\x00b"')),
    "too large": ("too_large", having(note="x" * SIZE_LIMIT)),
    "too deep": ("too_deep", raw("deep", b"[" * 40 + b"]" * 40)),
    "far too deep": ("too_deep", raw("deep", b"[" * 100000)),
    "too many fields": ("too_many_fields", having(**{f"m{i}": i for i in range(FIELDS_LIMIT + 1)})),
    "ten thousand fields": ("too_many_fields", having(**{f"m{i}": i for i in range(10000)})),
    "key twice": ("duplicate_field", lambda ts: event(ts)[:-1] + b',"amount":2}'),
    "no key": ("missing_key", without("customer")),
    "null key": ("missing_key", having(customer=None)),
    "empty key": ("missing_key", having(customer="")),
    "key of another type": ("bad_key", having(customer=True)),
    "object as key": ("bad_key", having(customer={"id": "c001"})),
    "long key": ("bad_key", having(customer="k" * (KEY_LIMIT + 1))),
    "control character in key": ("bad_key", having(customer="a\nb")),
    "escaped nul in key": ("bad_key", raw("customer", b'"a\\u0000b"')),
    "no id": ("missing_id", without("id")),
    "no time": ("missing_time", without("ts")),
    "time in words": ("bad_time", having(ts="soon")),
    "object as time": ("bad_time", lambda ts: event({"at": ts})),
    "time in seconds": ("time_out_of_range", lambda ts: event(ts // 1000)),
    "time in microseconds": ("time_out_of_range", lambda ts: event(ts * 1000)),
    "negative time": ("time_out_of_range", lambda ts: event(-ts)),
    "time that jumps": ("time_jump", lambda ts: event(ts + 72 * HOUR)),
    "too late": ("late", lambda ts: event(ts - 3 * HOUR)),
    "no field": ("missing_field", without("amount")),
    "null field": ("missing_field", having(amount=None)),
    "array as number": ("bad_type", having(amount=[1])),
    "number in words": ("bad_type", having(amount="much")),
    "fraction as int": ("bad_type", having(count=1.5)),
    "text as bool": ("bad_type", having(test="no")),
    "1e400": ("out_of_range", raw("amount", b"1e400")),
    "beyond 64 bits": ("out_of_range", having(count=1 << 70)),
    "a copy": (":duplicate", lambda ts: b"@last"),
    "unwanted": (":filtered", having(test=True)),
}
ORDERS = {
    "cell missing": ("csv_syntax", lambda ts: order()(ts).rsplit(b",", 1)[0]),
    "cell too many": ("csv_syntax", lambda ts: order()(ts) + b",more"),
    "quote in a cell": ("csv_syntax", lambda ts: b'"c"01' + order(customer="")(ts)),
    "invalid utf-8": ("encoding", lambda ts: order()(ts).replace(b"c001", b"c\xff1")),
    "nul byte": ("encoding", lambda ts: order()(ts).replace(b"c001", b"c\x001")),
    "blanks": ("null_value", lambda ts: b"  "),
    "json": ("csv_syntax", lambda ts: b'{"customer":1}'),
    "too large": ("too_large", order(customer="k" * SIZE_LIMIT)),
    "no key": ("missing_key", order(customer="")),
    "long key": ("bad_key", order(customer="k" * (KEY_LIMIT + 1))),
    "no time": ("missing_time", order(time="")),
    "time in words": ("bad_time", order(time="first of January")),
    "thirteenth month": ("bad_time", order(time="2026-13-01T00:00:00Z")),
    "another century": ("time_out_of_range", order(time="1926-01-01T05:00:00Z")),
    "time that jumps": ("time_jump", lambda ts: order()(ts + 72 * HOUR)),
    "too late": ("late", lambda ts: order()(ts - 3 * HOUR)),
    "no field": ("missing_field", order(amount="")),
    "number in words": ("bad_type", order(amount="much")),
    "bool in words": ("bad_type", order(paid="perhaps")),
    "beyond 64 bits": ("out_of_range", order(amount="9" * 23)),
    "infinity": ("bad_type", order(amount="inf")),
}
