// Abseil reads the data; what is kept of it is a table of changes.
#include "config/zones.h"

#include <algorithm>

#include <fmt/format.h>
#include <xxhash.h>

#include "absl/time/time.h"

namespace ebb {
namespace {

// Abseil takes paths and names of its own, too; here only the data base's.
bool IsZoneName(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto good = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' || c == '+';
  };
  return !name.empty() && letter(name[0]) && name != "localtime" && name != "posixrules" &&
         !name.starts_with("Fixed/") && std::all_of(name.begin(), name.end(), good);
}

DurationMs OffsetAt(const absl::TimeZone& zone, absl::Time time) { return zone.At(time).offset * kSecond; }

}  // namespace

std::optional<Zone> FindZone(std::string_view name) {
  absl::TimeZone zone;
  if (!IsZoneName(name) || !absl::LoadTimeZone(std::string(name), &zone)) return std::nullopt;
  absl::Time at = absl::FromUnixMillis(kFirstZoneChange);
  Zone out{std::string(name), {{kFirstZoneChange, OffsetAt(zone, at)}}};
  absl::TimeZone::CivilTransition next;
  while (zone.NextTransition(at, &next)) {
    at = zone.At(next.to).trans;
    if (at >= absl::FromUnixMillis(kLastZoneChange)) break;
    const DurationMs offset = OffsetAt(zone, at);  // some transitions only change the name of the time
    if (offset != out.changes.back().offset) out.changes.push_back({absl::ToUnixMillis(at), offset});
  }
  return out;
}

std::string ZoneHint() {
  return FindZone("Europe/London") ? "a name of the IANA data base, such as Europe/Berlin"
                                   : "this machine has no time zone data: install the package tzdata";
}

std::string ZoneDigits(const Zone& zone) {
  std::string text;
  for (const ZoneChange& change : zone.changes) text += fmt::format("{} {}\n", change.from, change.offset);
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

}  // namespace ebb
