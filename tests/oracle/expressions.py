# Expressions as trees of tuples: their value under the rules of the pipeline language (null is None), and their text.
#
#   ('number', 2.5) ('duration', ms) ('text', 'app') ('bool', True) ('null',) ('name', 'calls_week')
#   ('+', a, b) and the like for + - * / < <= > >= == != and or; ('neg', a) ('not', a)
#   ('hour', offset) and ('weekday', offset): of a record's time, moved by milliseconds, or in a place
#   ('in', a, [constants]) ('if', c, a, b) ('coalesce', a, b) and the other functions by name
import math

from portable_math import log1p
from quiet import place_offset

COMPARISONS = {'<': lambda a, b: a < b, '<=': lambda a, b: a <= b, '>': lambda a, b: a > b, '>=': lambda a, b: a >= b,
               '==': lambda a, b: a == b, '!=': lambda a, b: a != b}
# How tightly an operator binds; higher binds tighter.
BINDING = {'or': 1, 'and': 2, 'not': 3, '<': 4, '<=': 4, '>': 4, '>=': 4, '==': 4, '!=': 4, 'in': 4, '+': 5, '-': 5,
           '*': 6, '/': 6, 'neg': 7}


def finite(x):
    return x if math.isfinite(x) else None


def divide(a, b):
    return None if a is None or b is None or b == 0 else finite(a / b)


def arithmetic(op, a, b):
    if a is None or b is None:
        return None
    return finite(a + b if op == '+' else a - b if op == '-' else a * b)


def logical(op, a, b):
    """Three-valued: false decides `and`, true decides `or`, whatever the other is."""
    decisive = op == 'or'
    if a is decisive or b is decisive:
        return decisive
    return None if a is None or b is None else not decisive


def value(tree, names, rate=None):
    """The value of a tree. `names` maps names to values; `rate(name)` is what the function rate means."""
    op = tree[0]
    if op in ('number', 'duration', 'text', 'bool'):
        return float(tree[1]) if op in ('number', 'duration') else tree[1]
    if op == 'null':
        return None
    if op == 'name':
        return names[tree[1]]
    if op in ('hour', 'weekday'):
        local = names['(time)'] + (place_offset(names['(time)'], tree[1]) if isinstance(tree[1], str) else tree[1])
        return float(local // 3600000 % 24 if op == 'hour' else (local // 86400000 + 3) % 7 + 1)
    if op == 'rate':
        return rate(tree[1][1])
    if op == 'in':
        a = value(tree[1], names, rate)
        return None if a is None else any(a == constant for constant in tree[2])
    args = [value(t, names, rate) for t in tree[1:]]
    if op in '+-*':
        return arithmetic(op, *args)
    if op == '/':
        return divide(*args)
    if op in COMPARISONS:
        return None if None in args else COMPARISONS[op](*args)
    if op in ('and', 'or'):
        return logical(op, *args)
    return FUNCTIONS[op](*args)


def strict(function):
    """Null when an argument is null."""
    return lambda *args: None if None in args else function(*args)


FUNCTIONS = {
    'neg': strict(lambda a: -a),
    'not': strict(lambda a: not a),
    'if': lambda c, a, b: a if c is True else b,
    'coalesce': lambda a, b: b if a is None else a,
    'safe_div': lambda a, b: divide(a, b) if divide(a, b) is not None else 0.0,
    'abs': strict(abs),
    'min': strict(lambda a, b: b if b < a else a),
    'max': strict(lambda a, b: b if a < b else a),
    'clamp': strict(lambda a, low, high: min(max(a, low), high)),
    'log1p': strict(lambda a: finite(log1p(a)) if a > -1 else None),
    'sqrt': strict(lambda a: math.sqrt(a) if a >= 0 else None),
    'is_null': lambda a: a is None,
}


def duration_text(ms):
    for unit, size in (('w', 604800000), ('d', 86400000), ('h', 3600000), ('m', 60000), ('s', 1000)):
        if ms % size == 0 and ms:
            return f'{ms // size}{unit}'
    return f'{ms}ms'


def constant_text(constant):
    return f"'{constant}'" if isinstance(constant, str) else repr(constant)


def text(tree, outer=0):
    """The tree in the pipeline language, with no more parentheses than it needs."""
    op = tree[0]
    if op == 'number':
        return repr(tree[1])
    if op == 'duration':
        return duration_text(tree[1])
    if op == 'text':
        return f"'{tree[1]}'"
    if op == 'bool':
        return 'true' if tree[1] else 'false'
    if op == 'null':
        return 'null'
    if op == 'name':
        return tree[1]
    if op in ('hour', 'weekday') and isinstance(tree[1], str):
        return f"{op}('{tree[1]}')"
    if op in ('hour', 'weekday'):
        return f"{op}({'-' if tree[1] < 0 else ''}{duration_text(abs(tree[1])) if tree[1] else ''})"
    if op not in BINDING:
        return f"{op}({', '.join(text(t) for t in tree[1:])})"
    binding = BINDING[op]
    if op == 'neg':
        out = '-' + text(tree[1], binding + 1)
    elif op == 'not':
        out = 'not ' + text(tree[1], binding + 1)
    elif op == 'in':
        out = f"{text(tree[1], binding + 1)} in ({', '.join(constant_text(c) for c in tree[2])})"
    else:
        # Operators group to the left; comparisons don't chain.
        left = binding + 1 if op in COMPARISONS else binding
        out = f'{text(tree[1], left)} {op} {text(tree[2], binding + 1)}'
    return f'({out})' if binding < outer else out
