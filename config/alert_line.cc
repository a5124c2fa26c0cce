// JSON is YAML, so the parser of pipeline files reads alerts, too.
#include "config/alert_line.h"

#include <fmt/format.h>

#include "config/reader.h"
#include "config/yaml.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

std::string TextAt(const YamlNode& node, std::string_view key) {
  const YamlNode* value = node.is_mapping() ? node.Find(key) : nullptr;
  return value != nullptr && value->is_scalar() ? value->text : "";
}

}  // namespace

absl::StatusOr<AlertLine> ParseAlertLine(std::string_view line) {
  Diagnostics diagnostics("alert");
  const std::optional<YamlNode> root = ParseYaml(std::string(line), &diagnostics);
  const std::optional<TimeMs> time =
      root && diagnostics.empty() ? ParseTime(TextAt(*root, "event_time")) : std::nullopt;
  if (!time) return absl::InternalError(fmt::format("this line is no alert: {}", Quoted(line)));
  AlertLine alert{TextAt(*root, "rule"),
                  TextAt(*root, "customer_id"),
                  TextAt(*root, "status"),
                  TextAt(*root, "severity"),
                  *time,
                  {},
                  0,
                  false,
                  std::nullopt};
  if (const YamlNode* score = root->Find("score")) {
    const std::string probability = TextAt(*score, "probability");
    alert.score = ParseNumber(probability.empty() ? TextAt(*score, "value") : probability).value_or(0);
  }
  if (const YamlNode* reasons = root->Find("reasons")) {
    for (const YamlNode& reason : reasons->values) alert.reasons.push_back(TextAt(reason, "code"));
  }
  if (const YamlNode* action = root->Find("action")) {
    alert.expected_value = ParseNumber(TextAt(*action, "expected_value"));
  }
  if (const YamlNode* experiment = root->Find("experiment")) alert.held_out = TextAt(*experiment, "arm") == "holdout";
  return alert;
}

absl::StatusOr<std::vector<AlertLine>> ParseAlertLines(std::string_view text) {
  std::vector<AlertLine> alerts;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    EBB_ASSIGN_OR_RETURN(AlertLine alert, ParseAlertLine(text.substr(0, end)));
    alerts.push_back(std::move(alert));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return alerts;
}

}  // namespace ebb
