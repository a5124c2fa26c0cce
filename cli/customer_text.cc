// Both ways show the same facts in the order of the pipeline file.
#include "cli/customer_text.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "cli/terminal.h"
#include "config/value_text.h"
#include "engine/observe/json_text.h"

namespace ebb {
namespace {

std::string SeverityOf(const AlertPlan& plan, const EpisodeView& episode) {
  return episode.severity < 0 ? plan.default_severity : plan.severities[episode.severity].name;
}

std::string ReasonOf(const Pipeline& pipeline, const AlertPlan& plan, const EpisodeView& episode) {
  return episode.reason < 0 ? "" : ReasonCodes(pipeline.plan().scores[plan.score])[episode.reason];
}

std::string EpisodeText(const Pipeline& pipeline, const AlertRule& rule, const RowRef& row) {
  const EpisodeView episode = rule.View(row);
  static constexpr const char* kWaits[] = {"", "a place in its budget", "the end of quiet hours",
                                           "the end of quiet hours, to escalate"};
  const std::string waits = episode.waiting == Waiting::kNo
                                ? ""
                                : fmt::format("waits until {} for {}", FormatTime(episode.wait_until),
                                              kWaits[static_cast<int>(episode.waiting)]);
  if (episode.opened_at == 0) return waits.empty() ? "never" : waits;
  std::string text = fmt::format("{}, opened {}", episode.open ? "open" : "closed", FormatTime(episode.opened_at));
  if (episode.valid_until != 0) text += ", valid until " + FormatTime(episode.valid_until);
  text += ", severity " + SeverityOf(rule.plan(), episode);
  const std::string reason = ReasonOf(pipeline, rule.plan(), episode);
  if (!reason.empty()) text += ", " + reason;
  return waits.empty() ? text : text + "; " + waits;
}

void AppendEpisode(const Pipeline& pipeline, const AlertRule& rule, const RowRef& row, std::string* out) {
  const EpisodeView episode = rule.View(row);
  if (episode.opened_at == 0) {
    *out += "null";
    return;
  }
  *out += fmt::format("{{\"open\":{},\"opened_at\":\"{}\",\"revision\":{},\"severity\":", episode.open,
                      FormatTime(episode.opened_at), episode.revision);
  AppendJsonString(SeverityOf(rule.plan(), episode), out);
  if (episode.valid_until != 0) *out += fmt::format(",\"valid_until\":\"{}\"", FormatTime(episode.valid_until));
  if (const std::string reason = ReasonOf(pipeline, rule.plan(), episode); !reason.empty()) {
    *out += ",\"reason\":";
    AppendJsonString(reason, out);
  }
  *out += '}';
}

// When the customer's last event was.
std::string LastRecordText(const Pipeline& pipeline, const RowRef& row) {
  const TimeMs last = pipeline.LastRecord(row);
  return FormatTime(last == 0 ? kBeforeTime : last);
}

// A field of a reference source. Of a text only the hash is known.
std::string KnownText(const ReferencePlan::Field& field, double value) {
  if (field.type == FieldType::kString) {
    const auto bits = std::bit_cast<uint64_t>(value);
    return bits == std::bit_cast<uint64_t>(kNull) ? "null" : fmt::format("text {:016x}", bits);
  }
  if (IsNull(value)) return "null";
  if (field.type == FieldType::kTime) return FormatTime(static_cast<TimeMs>(value));
  if (field.type == FieldType::kBool) return value == 1 ? "true" : "false";
  std::string text;
  AppendJsonNumber(value, &text);
  return text;
}

// The same for programs: a text as its hash in hexadecimal digits.
void AppendKnown(const ReferencePlan::Field& field, double value, std::string* out) {
  const std::string text = KnownText(field, value);
  if (text == "null" || (field.type != FieldType::kString && field.type != FieldType::kTime)) {
    *out += text;
  } else {
    AppendJsonString(field.type == FieldType::kString ? text.substr(text.find(' ') + 1) : text, out);
  }
}

void AppendReferences(const Plan& plan, const std::vector<double>& registers, std::string* out) {
  *out += ",\"references\":{";
  for (size_t r = 0; r < plan.references.size(); ++r) {
    const ReferencePlan& reference = plan.references[r];
    if (r > 0) *out += ',';
    AppendJsonString(plan.sources[reference.source], out);
    *out += ":{";
    for (size_t i = 0; i < reference.fields.size(); ++i) {
      if (i > 0) *out += ',';
      AppendJsonString(reference.fields[i].name, out);
      *out += ':';
      AppendKnown(reference.fields[i], registers[reference.fields[i].target], out);
    }
    *out += '}';
  }
  *out += '}';
}

}  // namespace

std::string CustomerTable(const PipelineFile& file, const Pipeline& pipeline, const RowRef& row, TimeMs as_of,
                          const std::vector<double>& registers, bool colour) {
  const Plan& plan = pipeline.plan();
  size_t width = 10;
  for (const FeatureName& feature : plan.features) width = std::max(width, feature.name.size());
  for (const ScorePlan& score : plan.scores) width = std::max(width, score.name.size());
  for (const AlertPlan& alert : plan.alerts) width = std::max(width, alert.name.size());
  std::string out = fmt::format("{} {}  as of {}, last record {}\n", file.entity_key,
                                Styled(std::string(row.key()), Style::kBold, colour), FormatTime(as_of),
                                LastRecordText(pipeline, row));
  const auto head = [&](const char* name) { out += fmt::format("\n{}\n", Styled(name, Style::kBold, colour)); };
  for (const ReferencePlan& reference : plan.references) {
    head(plan.sources[reference.source].c_str());
    for (const ReferencePlan::Field& field : reference.fields) {
      out += fmt::format("  {:<{}}  {}\n", field.name, width, KnownText(field, registers[field.target]));
    }
  }
  head("Features");
  for (const FeatureName& feature : plan.features) {
    out += fmt::format("  {:<{}}  {}\n", feature.name, width, ValueText(&feature, registers[feature.reg]));
  }
  if (!plan.scores.empty()) head("Scores");
  for (const Scorecard& score : pipeline.scores()) {
    const double value = registers[score.plan().target];
    const int band = score.Band(value);
    out += fmt::format("  {:<{}}  {}{}\n", score.plan().name, width, ValueText(nullptr, value),
                       band < 0 ? "" : "  " + score.plan().bands[band].first);
    for (const Contribution& reason : score.Explain(registers.data())) {
      out +=
          fmt::format("  {:<{}}    {} {:+.2f} ({:.0f} %)\n", "", width, reason.code, reason.amount, reason.share * 100);
    }
  }
  if (!plan.alerts.empty()) head("Alerts");
  for (const AlertRule& rule : pipeline.alerts()) {
    out += fmt::format("  {:<{}}  {}\n", rule.plan().name, width, EpisodeText(pipeline, rule, row));
  }
  return out;
}

std::string CustomerJson(const Pipeline& pipeline, const RowRef& row, TimeMs as_of,
                         const std::vector<double>& registers) {
  const Plan& plan = pipeline.plan();
  std::string out = "{\"customer_id\":";
  AppendJsonString(row.key(), &out);
  out += fmt::format(",\"as_of\":\"{}\",\"last_record\":\"{}\",\"features\":{{", FormatTime(as_of),
                     LastRecordText(pipeline, row));
  for (size_t i = 0; i < plan.features.size(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(plan.features[i].name, &out);
    out += ':';
    AppendFeatureValue(plan.features[i], registers[plan.features[i].reg], &out);
  }
  out += '}';
  if (!plan.references.empty()) AppendReferences(plan, registers, &out);
  out += ",\"scores\":{";
  for (size_t i = 0; i < plan.scores.size(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(plan.scores[i].name, &out);
    out += ':';
    AppendJsonNumber(registers[plan.scores[i].target], &out);
  }
  out += "},\"alerts\":{";
  for (size_t i = 0; i < plan.alerts.size(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(plan.alerts[i].name, &out);
    out += ':';
    AppendEpisode(pipeline, pipeline.alerts()[i], row, &out);
  }
  return out + "}}\n";
}

}  // namespace ebb
