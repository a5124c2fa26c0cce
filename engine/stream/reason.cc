// The names and sentences of the quarantine reasons.
#include "engine/stream/reason.h"

#include <array>

namespace ebb {
namespace {

struct Text {
  std::string_view name;
  std::string_view sentence;
};

constexpr std::array<Text, kReasonCount> kTexts = {{
    {"none", "nothing is wrong"},
    {"json_syntax", "it is not one complete JSON object"},
    {"csv_syntax", "its quotes don't match, or it has another number of columns than the header"},
    {"encoding", "it has bytes that are not UTF-8, or a NUL"},
    {"too_large", "it is longer than 1 MiB"},
    {"too_deep", "it is nested deeper than 32 levels"},
    {"too_many_fields", "it has more than 256 fields"},
    {"duplicate_field", "a field that the pipeline reads occurs twice"},
    {"missing_key", "it names no customer"},
    {"bad_key",
     "its customer key is no text or integer, is longer than 256 bytes, has control characters, or "
     "belongs into another partition"},
    {"missing_time", "it has no event time"},
    {"bad_time", "its event time is not in the declared unit"},
    {"time_out_of_range", "its event time lies before 1980 or after 2199"},
    {"time_jump", "its event time lies further ahead of the newest record than max_jump"},
    {"missing_field", "a field without `missing:` is absent or null"},
    {"bad_type", "a field has another type than the pipeline declares"},
    {"out_of_range", "a number is too large for its type"},
    {"null_value", "it is empty"},
    {"late", "it is older than the source's disorder allows, and the source says `late: quarantine`"},
    {"missing_id", "it has no id, by which its source tells duplicates"},
    {"time_ahead", "its event time lies further ahead of the time at which the log took it than max_ahead"},
    {"skipped", "its offset was skipped by hand"},
}};

}  // namespace

std::string_view ReasonName(Reason reason) { return kTexts[static_cast<size_t>(reason)].name; }
std::string_view ReasonText(Reason reason) { return kTexts[static_cast<size_t>(reason)].sentence; }

}  // namespace ebb
