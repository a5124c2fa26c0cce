// The values are our own JSON, with the members that are wanted in their beginning, in front of any text of a
// customer's: they are found without parsing.
#include "connectors/kafka/alert_headers.h"

#include <fmt/format.h>

namespace ebb {
namespace {

// The text or number behind `"name":` in the value; empty when it isn't there.
std::string_view Member(std::string_view value, std::string_view name) {
  const std::string pattern = fmt::format("\"{}\":", name);
  const size_t at = value.find(pattern);
  if (at == std::string_view::npos) return {};
  std::string_view rest = value.substr(at + pattern.size());
  if (rest.empty()) return {};
  if (rest.front() == '"') {
    rest.remove_prefix(1);
    return rest.substr(0, rest.find('"'));
  }
  return rest.substr(0, rest.find_first_of(",}"));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> MessageHeaders(Stream stream, std::string_view pipeline,
                                                                std::string_view value, std::string_view place) {
  std::string type = "ebb.quarantine", id(place), time;
  if (stream == Stream::kAlerts || stream == Stream::kShadow) {
    type = fmt::format("ebb.{}.{}", stream == Stream::kAlerts ? "alert" : "shadow", Member(value, "status"));
    id = fmt::format("{}.{}", Member(value, "alert_id"), Member(value, "revision"));
    time = Member(value, "event_time");
  } else if (stream == Stream::kScores) {
    type = "ebb.score";
    time = Member(value, "as_of");
  }
  std::vector<std::pair<std::string, std::string>> headers = {{"ce_specversion", "1.0"},
                                                              {"ce_id", std::move(id)},
                                                              {"ce_type", std::move(type)},
                                                              {"ce_source", fmt::format("ebb/{}", pipeline)}};
  if (!time.empty()) headers.emplace_back("ce_time", time);
  headers.emplace_back("content-type", "application/json");
  return headers;
}

}  // namespace ebb
