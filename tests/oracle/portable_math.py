# Exponential and logarithm from basic IEEE operations, operation by operation as the engine defines them, so that
# results can be compared bit by bit. Python floats are IEEE doubles, and Python never fuses a multiplication with an
# addition.
import math
import struct

LN2_HI = 6.93147180369123816490e-01
LN2_LO = 1.90821492927058770002e-10
INV_LN2 = 1.44269504088896338700e+00
EXP = (1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05,
       -1.65339022054652515390e-06, 4.13813679705723846039e-08)
LOG = (6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
       1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01)


def scale(x, k):
    """x * 2^k in two steps at most."""
    if k > 1023:
        return x * 2.0**1023 * 2.0**(k - 1023)
    if k < -1022:
        return x * 2.0**(-1022 + 54) * 2.0**(k + 1022 - 54)
    return x * 2.0**k


def exp_reduced(hi, lo, k):
    x = hi - lo
    t = x * x
    c = x - t * (EXP[0] + t * (EXP[1] + t * (EXP[2] + t * (EXP[3] + t * EXP[4]))))
    return scale(1.0 - ((lo - (x * c) / (2.0 - c)) - hi), k)


def nearest(x):
    return int(x + (-0.5 if x < 0 else 0.5))


def exp(x):
    if x > 709.782712893383973096:
        return math.inf
    if x < -745.13321910194110842:
        return 0.0
    k = nearest(INV_LN2 * x)
    return exp_reduced(x - k * LN2_HI, k * LN2_LO, k)


def exp2(x):
    if x >= 1024.0:
        return math.inf
    if x < -1075.0:
        return 0.0
    k = nearest(x)
    fraction = x - k
    return exp_reduced(fraction * LN2_HI, -(fraction * LN2_LO), k)


def log(x):
    """For finite x > 0."""
    k = 0
    if x < 2.2250738585072014e-308:
        x *= 2.0**54
        k = -54
    bits = struct.unpack('<Q', struct.pack('<d', x))[0]
    k += (bits >> 52) - 1023
    m = struct.unpack('<d', struct.pack('<Q', bits & 0x000FFFFFFFFFFFFF | 0x3FF0000000000000))[0]
    if m > 1.4142135623730951:
        m *= 0.5
        k += 1
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    r = z * (LOG[0] + w * (LOG[2] + w * (LOG[4] + w * LOG[6]))) + w * (LOG[1] + w * (LOG[3] + w * LOG[5]))
    half_square = 0.5 * f * f
    return k * LN2_HI - ((half_square - (s * (half_square + r) + k * LN2_LO)) - f)


def log1p(x):
    """For x > -1."""
    u = 1.0 + x
    if u == 1.0:
        return x
    if u > 1.7976931348623157e308:
        return u
    return log(u) + (x - (u - 1.0)) / u


def logistic(x):
    if x >= 0:
        return 1.0 / (1.0 + exp(-x))
    e = exp(x)
    u = 1.0 + e
    quotient = e / u
    return quotient - quotient * ((e - (u - 1.0)) / u)
