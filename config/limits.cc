// What holds alerts back beside their own conditions: the section `limits:` (budgets over all customers, the limit of
// one customer over all rules), and of each alert its priority, its budget and its quiet hours.
#include <algorithm>

#include <fmt/format.h>

#include "config/assembler.h"
#include "config/zones.h"

namespace ebb {
namespace {

constexpr int kMaxAlertsWithin = 100;
constexpr int64_t kMaxPlaces = 1'000'000'000;
constexpr std::string_view kSummerTimes[] = {"none", "eu", "us"};

// "+01:00" or "UTC"; empty for anything else.
std::optional<DurationMs> FixedZone(std::string_view text) {
  if (text == "UTC") return 0;
  const auto digit = [&](size_t at) { return text[at] >= '0' && text[at] <= '9' ? text[at] - '0' : -100; };
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const int hours = digit(1) * 10 + digit(2);
  const int minutes = digit(4) * 10 + digit(5);
  if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59 || (hours == 14 && minutes > 0)) return std::nullopt;
  return (text[0] == '-' ? -1 : 1) * (hours * kHour + minutes * kMinute);
}

bool LooksLikeZone(std::string_view text) {
  return !text.empty() && (text[0] == '+' || (text[0] == '-' && text.find(':') != std::string_view::npos));
}

}  // namespace

void Assembler::ReadAlertLimits(const YamlNode& node, Span where) {
  MappingReader reader(node, where, "'limits:'", diagnostics_);
  if (const YamlNode* customer = reader.Take("per_customer")) {
    ReadCustomerLimit(*customer, reader.KeySpan("per_customer"));
  }
  if (const YamlNode* budgets = reader.Take("budgets")) {
    for (size_t i : NamedEntries(*budgets, "budgets")) ReadBudget(budgets->keys[i], budgets->values[i]);
  }
  reader.Finish();
}

void Assembler::ReadCustomerLimit(const YamlNode& node, Span where) {
  MappingReader reader(node, where, "'per_customer:'", diagnostics_);
  CustomerLimitPlan& limit = plan_.customer_limit;
  if (const YamlNode* alerts = reader.Require("alerts")) {
    limit.alerts = static_cast<int>(ReadInteger(*alerts, "alerts", 1, kMaxAlertsWithin, diagnostics_).value_or(1));
  }
  if (const YamlNode* within = reader.Require("within")) {
    limit.within = ReadDuration(*within, "within", diagnostics_).value_or(1);
    if (limit.within == 0) diagnostics_->Add("E0203", within->span, "'within:' must be longer than nothing");
  }
  reader.Finish();
}

void Assembler::ReadPeriod(MappingReader* reader, DurationMs* per, DurationMs* closes) {
  if (const YamlNode* node = reader->Take("per")) {
    *per = ReadDuration(*node, "per", diagnostics_).value_or(kDay);
    if (*per < kMinute) {
      diagnostics_->Add("E0203", node->span, "'per:' must be at least 1m");
      *per = kDay;
    }
  }
  if (const YamlNode* node = reader->Take("closes")) {
    *closes = ReadDuration(*node, "closes", diagnostics_).value_or(0);
    if (*closes >= *per) {
      diagnostics_->Add("E0203", node->span, "'closes:' counts from the beginning of a period, so it is below 'per:'",
                        fmt::format("less than {}", FormatDuration(*per)));
    }
  }
}

void Assembler::ReadBudget(const YamlNode& key, const YamlNode& node) {
  MappingReader reader(node, key.span, fmt::format("budget {}", Quoted(key.text)), diagnostics_);
  BudgetPlan budget;
  budget.name = key.text;
  if (const YamlNode* alerts = reader.Require("alerts")) {
    budget.alerts = ReadInteger(*alerts, "alerts", 0, kMaxPlaces, diagnostics_).value_or(0);
  }
  ReadPeriod(&reader, &budget.per, &budget.closes);
  reader.Finish();
  budget_names_.push_back(budget.name);
  plan_.budgets.push_back(std::move(budget));
}

int Assembler::CompileNumber(const YamlNode& node, const std::string& what, const std::string& name, Scope* scope) {
  std::optional<Expression> expression = Parse(node, what);
  if (!expression) return -1;
  out_.texts[what + " " + name] = expression->source;
  return Compile(node, *expression, Want::kNumber, scope).reg;
}

// Without a priority the expected value ranks, and without that the score that explains the alert.
void Assembler::ReadBudgetOf(MappingReader* reader, const YamlNode* priority, Scope* scope, AlertPlan* alert) {
  if (priority != nullptr) {
    alert->priority = CompileNumber(*priority, "priority", alert->name, scope);
  } else if (alert->expected_value >= 0) {
    alert->priority = alert->expected_value;
  } else if (alert->score >= 0) {
    alert->priority = plan_.scores[alert->score].target;
  }
  const YamlNode* budget = reader->Take("budget");
  if (budget == nullptr) return;
  alert->budget = FindName(*budget, "E0115", "budget", budget_names_);
  if (priority == nullptr && alert->priority < 0 && alert->budget >= 0) {
    diagnostics_->Add("E0113", reader->KeySpan("budget"),
                      fmt::format("alert {} has a budget, but nothing says who comes first", Quoted(alert->name)),
                      "add 'priority:', or 'expected_value:' to its action");
  }
}

void Assembler::ReadQuiet(const YamlNode& node, Span where, Scope* scope, AlertPlan* alert) {
  MappingReader reader(node, where, "'quiet:'", diagnostics_);
  if (!reader.ok()) return;
  QuietPlan& quiet = alert->quiet;
  const std::pair<std::string_view, DurationMs*> kEnds[] = {{"from", &quiet.from}, {"to", &quiet.to}};
  bool good = true;
  for (auto [name, end] : kEnds) {
    const YamlNode* value = reader.Require(name);
    const std::optional<DurationMs> time = value != nullptr ? ReadDuration(*value, name, diagnostics_) : std::nullopt;
    good = good && time;
    if (!time) continue;
    *end = *time;
    if (*time >= kDay) {
      diagnostics_->Add("E0203", value->span, fmt::format("'{}:' is a time of the day, so it is below 24h", name));
    }
  }
  if (good && quiet.from == quiet.to) {
    diagnostics_->Add("E0113", where, "quiet hours that begin and end at the same time are none",
                      "leave 'quiet:' away");
  }
  if (const YamlNode* zone = reader.Take("zone")) ReadZone(*zone, scope, alert);
  if (const YamlNode* otherwise = reader.Take("otherwise")) {
    if (quiet.zone_register < 0) {
      diagnostics_->Add("E0113", reader.KeySpan("otherwise"), "'otherwise:' stands in for an unknown 'zone:'",
                        "beside a fixed zone it has no meaning");
    }
    ReadFixedZone(*otherwise, "otherwise", &quiet.zone);
  }
  if (const YamlNode* summer = reader.Take("summer_time")) {
    if (!quiet.place.changes.empty()) {
      diagnostics_->Add("E0113", reader.KeySpan("summer_time"),
                        fmt::format("the zone {} has its own summer time", quiet.place.name),
                        "leave 'summer_time:' away");
    }
    quiet.summer_time =
        static_cast<SummerTime>(ReadWord(*summer, "summer_time", kSummerTimes, diagnostics_).value_or(0));
  }
  reader.Finish();
}

void Assembler::ReadFixedZone(const YamlNode& node, std::string_view what, DurationMs* zone) {
  const std::optional<std::string> text = ReadText(node, what, diagnostics_);
  if (!text) return;
  if (const std::optional<DurationMs> fixed = FixedZone(*text)) {
    *zone = *fixed;
    return;
  }
  diagnostics_->Add("E0213", node.span, fmt::format("{} is no time zone", ShownText(node)),
                    "write UTC, or a distance from it, such as \"+01:00\"");
}

// A name of the IANA data base, unless it is one of the pipeline's; false when it is neither that nor meant as one.
bool Assembler::ReadNamedZone(const YamlNode& node, const Scope& scope, QuietPlan* quiet) {
  if (!node.is_scalar() || node.secret || node.unknown) return false;
  const std::string first = node.text.substr(0, node.text.find('/'));
  if (scope.names->contains(first)) return false;
  if (std::optional<Zone> zone = FindZone(node.text)) {
    quiet->place = *std::move(zone);
    return true;
  }
  const bool meant = first.size() < node.text.size() && first[0] >= 'A' && first[0] <= 'Z' &&
                     node.text.find_first_of(" (") == std::string::npos;
  if (meant) diagnostics_->Add("E0213", node.span, fmt::format("{} is no time zone", ShownText(node)), ZoneHint());
  return meant;
}

void Assembler::ReadZone(const YamlNode& node, Scope* scope, AlertPlan* alert) {
  if (node.is_scalar() && (FixedZone(node.text) || LooksLikeZone(node.text))) {
    ReadFixedZone(node, "zone", &alert->quiet.zone);
    return;
  }
  if (ReadNamedZone(node, *scope, &alert->quiet)) return;
  std::optional<Expression> expression = Parse(node, "zone");
  if (!expression) return;
  out_.texts["zone " + alert->name] = expression->source;
  alert->quiet.zone_register = Compile(node, *expression, Want::kDuration, scope).reg;
}

}  // namespace ebb
