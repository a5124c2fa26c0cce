// Lines are read back only when they open something.
#include "cli/top_alerts.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "cli/terminal.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr std::string_view kOpened = "\"status\":\"opened\"";  // quotes inside texts are escaped
constexpr size_t kMaxNameColumns = 24;

bool Weightier(const TopAlerts::Entry& a, const TopAlerts::Entry& b) {
  const auto key = [](const TopAlerts::Entry& e) {
    return std::tuple(e.severity, e.alert.expected_value.value_or(0), e.alert.score, e.alert.event_time);
  };
  if (key(a) != key(b)) return key(a) > key(b);
  return std::tie(a.alert.customer, a.alert.rule) < std::tie(b.alert.customer, b.alert.rule);
}

// The texts of all rows, the head first.
struct Column {
  std::vector<std::string> texts;
  bool right = false;
};

std::vector<Column> ColumnsFor(const std::vector<TopAlerts::Entry>& entries) {
  std::vector<Column> columns;
  const auto add = [&](const char* head, bool right, const auto& text) {
    columns.push_back({{head}, right});
    for (const TopAlerts::Entry& entry : entries) columns.back().texts.push_back(text(entry.alert));
  };
  const auto any = [&](const auto& has) {
    return std::any_of(entries.begin(), entries.end(), [&](const TopAlerts::Entry& e) { return has(e.alert); });
  };
  add("customer", false, [](const AlertLine& a) { return a.customer; });
  add("when", false, [](const AlertLine& a) { return FormatTime(a.event_time).replace(10, 1, " ").substr(0, 16); });
  add("alert", false, [](const AlertLine& a) { return a.rule; });
  add("severity", false, [](const AlertLine& a) { return a.severity; });
  if (any([](const AlertLine& a) { return a.score != 0; })) {
    add("score", true, [](const AlertLine& a) { return fmt::format("{:.3f}", a.score); });
  }
  if (any([](const AlertLine& a) { return a.expected_value.has_value(); })) {
    add("value", true,
        [](const AlertLine& a) { return a.expected_value ? fmt::format("{:.2f}", *a.expected_value) : ""; });
  }
  if (any([](const AlertLine& a) { return !a.reasons.empty(); })) {
    add("why", false, [](const AlertLine& a) { return fmt::format("{}", fmt::join(a.reasons, ", ")); });
  }
  return columns;
}

std::string TableRow(const std::vector<Column>& columns, size_t row, bool utf8) {
  std::string line;
  for (const Column& column : columns) {
    size_t widest = 0;
    for (const std::string& text : column.texts) widest = std::max(widest, ColumnsOf(text));
    const bool last = &column == &columns.back();
    const size_t columns_wide = last ? widest : std::min(kMaxNameColumns, widest);
    const std::string text = Cut(column.texts[row], static_cast<int>(columns_wide), utf8);
    const std::string space(columns_wide - ColumnsOf(text), ' ');
    line += "  " + (column.right ? space + text : text + space);
  }
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

}  // namespace

absl::Status TopAlerts::Append(std::string_view lines) {
  for (std::string_view rest = lines; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (rest.substr(0, end).find(kOpened) != std::string_view::npos) {
      EBB_ASSIGN_OR_RETURN(AlertLine alert, ParseAlertLine(rest.substr(0, end)));
      Keep(std::move(alert));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return written_ == nullptr ? absl::OkStatus() : written_->Append(lines);
}

void TopAlerts::Keep(AlertLine alert) {
  ++opened_;
  Entry entry{std::move(alert), 0};
  for (const AlertPlan& rule : plan_.alerts) {
    for (size_t i = 0; rule.name == entry.alert.rule && i < rule.severities.size(); ++i) {
      if (rule.severities[i].name == entry.alert.severity) entry.severity = static_cast<int>(i) + 1;
    }
  }
  kept_.insert(std::upper_bound(kept_.begin(), kept_.end(), entry, Weightier), std::move(entry));
  if (kept_.size() > kKept) kept_.pop_back();
}

std::string TopAlertsTable(const TopAlerts& alerts, int width, bool colour, bool utf8) {
  if (alerts.kept().empty()) return "";
  const std::vector<Column> columns = ColumnsFor(alerts.kept());
  const std::string head =
      fmt::format("The weightiest warnings, {} of {}", alerts.kept().size(), Thousands(alerts.opened()));
  std::string out = Styled(head, Style::kBold, colour) + "\n";
  for (size_t row = 0; row <= alerts.kept().size(); ++row) {
    const std::string line = Cut(TableRow(columns, row, utf8), width, utf8);
    out += (row == 0 ? Styled(line, Style::kDim, colour) : line) + "\n";
  }
  return out;
}

}  // namespace ebb
