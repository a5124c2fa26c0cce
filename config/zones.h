// Time zones by their names in the IANA data base, such as Europe/Berlin, read from the machine's tzdata.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/stream/zone.h"

namespace ebb {

// Changes of clocks are known from here on, and up to here. Rules of the future are those of today.
inline constexpr TimeMs kFirstZoneChange = 0;             // 1970-01-01
inline constexpr TimeMs kLastZoneChange = 7258118400000;  // 2200-01-01

// Empty when there is no such zone, or the name means something else on each machine ("localtime").
std::optional<Zone> FindZone(std::string_view name);

// What to do about a name that isn't known.
std::string ZoneHint();

// 16 hexadecimal digits over the changes: two machines with equal digits have equal clocks.
std::string ZoneDigits(const Zone& zone);

}  // namespace ebb
