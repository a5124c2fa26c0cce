# Quiet hours: the first instant at which a customer's clock shows a time outside them. All instants at which this could
# change are tried: those at which the clock shows the end, and those at which clocks are put forward or back.
import calendar
import datetime
import zoneinfo

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


def place_offset(now, place):
    """How far the clocks of a place are ahead of UTC, by Python's own reading of the time zone data."""
    second = datetime.datetime.fromtimestamp(now // 1000, zoneinfo.ZoneInfo(place))
    return second.utcoffset() // datetime.timedelta(milliseconds=1)


def place_changes(now, place):
    """The instants within two days at which the clocks of a place are changed."""
    found = []
    for hour in range(now // HOUR, now // HOUR + 48):
        low, high = hour * HOUR, (hour + 1) * HOUR
        before = place_offset(low, place)
        if before == place_offset(high, place):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if place_offset(middle, place) == before else (low, middle)
        found.append(high)
    return found


def offset(now, zone, rule):
    if isinstance(zone, str):
        return place_offset(now, zone)
    if rule == 'none':
        return zone
    year = (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=now + zone)).year
    begin, end = changes(year, zone, rule)
    return zone + (HOUR if begin <= now < end else 0)


def until(quiet, zone, now):
    """`zone`: the customer's own, or None, or the name of a place. `now` itself when it isn't quiet."""
    if zone is None or (not isinstance(zone, str) and abs(zone) > 14 * HOUR):
        zone = quiet.get('otherwise', 0)
    zone, rule = zone if isinstance(zone, str) else int(zone), quiet.get('summer_time', 'none')

    def is_quiet(time):
        clock = (time + offset(time, zone, rule)) % DAY
        if quiet['from'] < quiet['to']:
            return quiet['from'] <= clock < quiet['to']
        return clock >= quiet['from'] or clock < quiet['to']

    instants = [now]
    if isinstance(zone, str):
        instants += place_changes(now, zone)
        aheads = {place_offset(time, zone) for time in (now, now + DAY, now + 2 * DAY)}
    else:
        aheads = (zone, zone + HOUR)
    for ahead in aheads:
        first = now + (quiet['to'] - now - ahead) % DAY
        instants += [first, first + DAY]
    if rule != 'none':
        year = datetime.datetime.utcfromtimestamp(now / 1000).year
        instants += [t for y in (year - 1, year, year + 1) for t in changes(y, zone, rule)]
    return min(t for t in instants if t >= now and not is_quiet(t))
