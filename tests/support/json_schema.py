"""A validator for the part of JSON Schema (draft 2020-12) that docs/alert.schema.json and docs/model.schema.json use.

A keyword that it doesn't know is an error of the schema, so that nothing is checked less than it looks.
"""

import re

ANNOTATIONS = {"$schema", "$id", "title", "description", "$defs"}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "integer": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and v == int(v),
}


def errors(schema, value):
    """What is wrong with the value, as sentences with the place; empty when it is valid."""
    return list(_check(schema, value, "$", schema))


def _check(schema, value, place, root):
    if schema is True or schema is False:
        if not schema:
            yield f"{place}: isn't allowed"
        return
    for keyword, argument in schema.items():
        if keyword in ANNOTATIONS:
            continue
        if keyword == "$ref":
            yield from _check(_resolve(argument, root), value, place, root)
        elif keyword == "oneOf":
            fits = sum(not list(_check(choice, value, place, root)) for choice in argument)
            if fits != 1:
                yield f"{place}: fits {fits} of {len(argument)} choices"
        elif keyword in SIMPLE:
            if not SIMPLE[keyword](argument, value):
                yield f"{place}: {value!r} isn't of {keyword} {argument!r}"
        elif keyword in NESTED:
            yield from NESTED[keyword](schema, value, place, root)
        else:
            raise ValueError(f"the schema uses {keyword!r}, which this validator doesn't know")


def _resolve(reference, root):
    found = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _is_number(value):
    return TYPES["number"](value)


def _same(a, b):
    return a == b and isinstance(a, bool) == isinstance(b, bool)


# Each says whether the value agrees with the keyword's argument; values of another type do.
SIMPLE = {
    "type": lambda a, v: any(TYPES[name](v) for name in ([a] if isinstance(a, str) else a)),
    "enum": lambda a, v: any(_same(choice, v) for choice in a),
    "const": _same,
    "minimum": lambda a, v: not _is_number(v) or v >= a,
    "maximum": lambda a, v: not _is_number(v) or v <= a,
    "exclusiveMinimum": lambda a, v: not _is_number(v) or v > a,
    "minLength": lambda a, v: not isinstance(v, str) or len(v) >= a,
    "maxLength": lambda a, v: not isinstance(v, str) or len(v) <= a,
    "pattern": lambda a, v: not isinstance(v, str) or re.search(a, v) is not None,
    "minItems": lambda a, v: not isinstance(v, list) or len(v) >= a,
    "maxItems": lambda a, v: not isinstance(v, list) or len(v) <= a,
    "required": lambda a, v: not isinstance(v, dict) or all(name in v for name in a),
    "dependentRequired": lambda a, v: not isinstance(v, dict) or all(
        name not in v or all(other in v for other in others) for name, others in a.items()),
}


def _properties(schema, value, place, root):
    for name, child in schema["properties"].items() if isinstance(value, dict) else ():
        if name in value:
            yield from _check(child, value[name], f"{place}.{name}", root)


def _additional(schema, value, place, root):
    for name in value if isinstance(value, dict) else ():
        if name not in schema.get("properties", {}):
            yield from _check(schema["additionalProperties"], value[name], f"{place}.{name}", root)


def _names(schema, value, place, root):
    for name in value if isinstance(value, dict) else ():
        yield from _check(schema["propertyNames"], name, f"{place}: the name {name!r}", root)


def _items(schema, value, place, root):
    for number, item in enumerate(value if isinstance(value, list) else ()):
        yield from _check(schema["items"], item, f"{place}[{number}]", root)


NESTED = {"properties": _properties, "additionalProperties": _additional, "propertyNames": _names, "items": _items}
