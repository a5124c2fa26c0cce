// A customer's history as bars, and as JSON.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/history.h"
#include "cli/sparkline.h"
#include "cli/terminal.h"
#include "config/value_text.h"
#include "engine/observe/json_text.h"

namespace ebb {
namespace {

constexpr size_t kShownReasons = 12;

std::string Short(const FeatureName* feature, double value) {
  if (feature == nullptr || !(feature->is_bool || feature->is_duration)) return fmt::format("{:.4g}", value);
  // Of a duration days and hours say enough.
  const bool rough = feature->is_duration && value >= kHour && value < 1e15;
  constexpr auto kUnit = static_cast<double>(kHour);
  return ValueText(feature, rough ? std::floor(value / kUnit) * kUnit : value);
}

struct Line {
  std::string name, range;
  std::vector<double> values;
};

template <typename Value>
Line LineOf(const std::string& name, const FeatureName* feature, const std::vector<const Glance*>& glances,
            const Value& value_of) {
  Line line{name, "null", {}};
  double low = kNull;
  double high = kNull;
  for (const Glance* glance : glances) {
    const double value = value_of(*glance);
    line.values.push_back(value);
    if (IsNull(value)) continue;
    low = IsNull(low) ? value : std::min(low, value);
    high = IsNull(high) ? value : std::max(high, value);
  }
  if (IsNull(low)) return line;
  const std::string from = Short(feature, low);
  const std::string to = Short(feature, high);
  line.range = from == to ? from : from + " .. " + to;
  return line;
}

std::vector<Line> LinesOf(const Plan& plan, const std::vector<const Glance*>& glances) {
  std::vector<Line> lines;
  for (size_t i = 0; i < plan.features.size(); ++i) {
    const FeatureName& feature = plan.features[i];
    lines.push_back(LineOf(feature.name, &feature, glances, [i](const Glance& m) { return m.features[i]; }));
  }
  for (size_t i = 0; i < plan.scores.size(); ++i) {
    lines.push_back(LineOf(plan.scores[i].name, nullptr, glances, [i](const Glance& m) { return m.scores[i]; }));
  }
  return lines;
}

// When the weightiest reason of a score changed, the latest last.
std::string ReasonChanges(const Plan& plan, const History& history, bool colour) {
  std::string out;
  for (size_t s = 0; s < plan.scores.size(); ++s) {
    std::vector<std::string> changes;
    std::string before;
    for (const Glance& glance : history.glances) {
      const std::string& reason = glance.reasons[s];
      if (reason == before) continue;
      before = reason;
      changes.push_back(fmt::format("  {}  {:.3f}  {}\n", FormatTime(glance.at).substr(0, 10), glance.scores[s],
                                    reason.empty() ? "no reason any more" : reason));
    }
    if (changes.empty()) continue;
    out += "\n" + Styled("Why " + plan.scores[s].name, Style::kBold, colour) + "\n";
    const size_t skipped = changes.size() - std::min(changes.size(), kShownReasons);
    for (size_t i = skipped; i < changes.size(); ++i) out += changes[i];
  }
  return out;
}

}  // namespace

std::string HistoryText(const Plan& plan, const History& history, int width, bool colour, bool utf8) {
  if (history.glances.empty()) return "\nThe inputs have no record of this customer up to then\n";
  std::vector<const Glance*> glances;
  for (const Glance& glance : history.glances) glances.push_back(&glance);
  size_t name = 0;
  size_t range = 0;
  for (const Line& line : LinesOf(plan, glances)) {
    name = std::max(name, line.name.size());
    range = std::max(range, line.range.size());
  }
  // A narrow terminal shows the newest.
  const int room = std::max(8, width - static_cast<int>(name + range) - 6);
  const size_t shown = std::min(glances.size(), static_cast<size_t>(room));
  glances.erase(glances.begin(), glances.end() - static_cast<long>(shown));
  const std::string head = fmt::format("History, {} to {}", FormatTime(glances.front()->at).substr(0, 10),
                                       FormatTime(glances.back()->at).substr(0, 10));
  std::string out = "\n" + Styled(head, Style::kBold, colour) + "\n";
  for (const Line& line : LinesOf(plan, glances)) {
    out += fmt::format("  {:<{}}  {}  {}\n", line.name, name,
                       Styled(Sparkline(line.values, utf8), Style::kCyan, colour), line.range);
  }
  out += ReasonChanges(plan, history, colour);
  if (!history.same) out += "\nThe inputs don't give what the state says: they aren't all that made it\n";
  return out;
}

std::string HistoryJson(const Plan& plan, const History& history) {
  std::string out;
  const auto list = [&](const auto& append) {
    out += '[';
    for (const Glance& glance : history.glances) {
      if (&glance != &history.glances.front()) out += ',';
      append(glance);
    }
    out += ']';
  };
  const auto name = [&](size_t i, const std::string& text) {
    if (i > 0) out += ',';
    AppendJsonString(text, &out);
    out += ':';
  };
  out += "{\"at\":";
  list([&](const Glance& m) { AppendJsonString(FormatTime(m.at), &out); });
  out += ",\"features\":{";
  for (size_t i = 0; i < plan.features.size(); ++i) {
    name(i, plan.features[i].name);
    list([&](const Glance& m) { AppendFeatureValue(plan.features[i], m.features[i], &out); });
  }
  out += "},\"scores\":{";
  for (size_t i = 0; i < plan.scores.size(); ++i) {
    name(i, plan.scores[i].name);
    list([&](const Glance& m) { AppendJsonNumber(m.scores[i], &out); });
  }
  out += "},\"reasons\":{";
  for (size_t i = 0; i < plan.scores.size(); ++i) {
    name(i, plan.scores[i].name);
    list([&](const Glance& m) {
      if (m.reasons[i].empty()) {
        out += "null";
      } else {
        AppendJsonString(m.reasons[i], &out);
      }
    });
  }
  return out + fmt::format("}},\"same\":{}}}", history.same);
}

}  // namespace ebb
