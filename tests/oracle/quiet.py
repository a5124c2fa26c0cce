# Quiet hours: the first instant at which a customer's clock shows a time outside them. All instants at which this could
# change are tried: those at which the clock shows the end, and those at which clocks are put forward or back.
import calendar
import datetime

HOUR, DAY = 3600000, 86400000


def utc(year, month, day, hour):
    return calendar.timegm((year, month, day, hour, 0, 0)) * 1000


def sundays(year, month):
    return [day for day in range(1, calendar.monthrange(year, month)[1] + 1)
            if datetime.date(year, month, day).weekday() == 6]


def changes(year, zone, rule):
    """Begin and end of summer time."""
    if rule == 'eu':
        return utc(year, 3, sundays(year, 3)[-1], 1), utc(year, 10, sundays(year, 10)[-1], 1)
    return utc(year, 3, sundays(year, 3)[1], 2) - zone, utc(year, 11, sundays(year, 11)[0], 1) - zone


def offset(now, zone, rule):
    if rule == 'none':
        return zone
    year = (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=now + zone)).year
    begin, end = changes(year, zone, rule)
    return zone + (HOUR if begin <= now < end else 0)


def until(quiet, zone, now):
    """`zone`: the customer's own, or None. `now` itself when it isn't quiet."""
    if zone is None or abs(zone) > 14 * HOUR:
        zone = quiet.get('otherwise', 0)
    zone, rule = int(zone), quiet.get('summer_time', 'none')

    def is_quiet(time):
        clock = (time + offset(time, zone, rule)) % DAY
        if quiet['from'] < quiet['to']:
            return quiet['from'] <= clock < quiet['to']
        return clock >= quiet['from'] or clock < quiet['to']

    instants = [now]
    for ahead in (zone, zone + HOUR):
        first = now + (quiet['to'] - now - ahead) % DAY
        instants += [first, first + DAY]
    if rule != 'none':
        year = datetime.datetime.utcfromtimestamp(now / 1000).year
        instants += [t for y in (year - 1, year, year + 1) for t in changes(y, zone, rule)]
    return min(t for t in instants if t >= now and not is_quiet(t))
