// What reads what, and the picture as text.
#include "config/flow.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "config/expression.h"
#include "config/expression_compile.h"

namespace ebb {
namespace {

constexpr size_t kShownNames = 10;

std::string Counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::vector<std::string> Shown(const std::vector<std::string>& names) {
  std::vector<std::string> lines(names.begin(), names.begin() + static_cast<long>(std::min(names.size(), kShownNames)));
  if (names.size() > kShownNames) lines.push_back(fmt::format("and {} more", names.size() - kShownNames));
  return lines;
}

// Confined to its task's thread.
class FlowMaker {
 public:
  explicit FlowMaker(const PipelineFile& file) : file_(file), plan_(file.plan) {}

  Flow Make() {
    flow_.title = plan_.pipeline;
    flow_.subtitle = fmt::format("{}, {}, {}, {}", Counted(file_.sources.size(), "source"),
                                 Counted(plan_.features.size(), "feature"), Counted(plan_.scores.size(), "score"),
                                 Counted(plan_.alerts.size(), "alert"));
    AddSources();
    AddFeatures();
    AddScores();
    AddAlerts();
    AddOutputs();
    std::sort(flow_.edges.begin(), flow_.edges.end());
    flow_.edges.erase(std::unique(flow_.edges.begin(), flow_.edges.end()), flow_.edges.end());
    return std::move(flow_);
  }

 private:
  int Add(FlowColumn column, std::string title, std::vector<std::string> lines) {
    flow_.nodes.push_back({column, std::move(title), std::move(lines)});
    return static_cast<int>(flow_.nodes.size()) - 1;
  }

  // Edges to `node` from whatever the expression kept under `key` reads.
  void Reads(const std::string& key, int node) {
    const auto text = file_.texts.find(key);
    if (text == file_.texts.end()) return;
    std::vector<ExpressionIssue> issues;
    for (const std::string& name : NamesIn(ParseExpression(text->second, &issues))) {
      const auto owner = owner_.find(name);
      if (owner != owner_.end() && owner->second != node) flow_.edges.emplace_back(owner->second, node);
    }
  }

  void AddSources() {
    for (const SourceConfig& source : file_.sources) {
      const char* kinds[] = {"file", "topic", "generator"};
      std::vector<std::string> lines = {
          fmt::format("{} {}", kinds[static_cast<int>(source.origin)], source.location),
          fmt::format("disorder {}", FormatDuration(source.schema.time.disorder)),
      };
      if (auto where = file_.texts.find("source " + source.schema.name); where != file_.texts.end()) {
        lines.push_back("where " + where->second);
      }
      sources_.push_back(Add(FlowColumn::kSources, source.schema.name, std::move(lines)));
    }
    for (const ReferencePlan& reference : plan_.references) {
      const std::string& source = plan_.sources[reference.source];
      for (const ReferencePlan::Field& field : reference.fields) {
        owner_[source + "." + field.name] = sources_[reference.source];
      }
    }
  }

  void AddFeatures() {
    std::vector<std::vector<std::string>> by_source(file_.sources.size());
    std::set<std::string> measured;
    for (const MeasurePlan& measure : plan_.measures) {
      by_source[measure.source].push_back(measure.name);
      measured.insert(measure.name);
    }
    for (size_t s = 0; s < by_source.size(); ++s) {
      if (by_source[s].empty()) continue;
      const int node = Add(FlowColumn::kFeatures, Counted(by_source[s].size(), "feature"), Shown(by_source[s]));
      flow_.edges.emplace_back(sources_[s], node);
      for (const std::string& name : by_source[s]) owner_[name] = node;
    }
    std::vector<std::string> computed;
    for (const FeatureName& feature : plan_.features) {
      if (!measured.contains(feature.name)) computed.push_back(feature.name);
    }
    if (computed.empty()) return;
    const int node = Add(FlowColumn::kComputed, Counted(computed.size(), "computed"), Shown(computed));
    flow_.nodes[node].title = fmt::format("{} computed", computed.size());
    for (const std::string& name : computed) owner_[name] = node;
    for (const std::string& name : computed) Reads("feature " + name, node);
  }

  void AddScores() {
    for (const ScorePlan& score : plan_.scores) {
      std::vector<std::string> lines = {Counted(score.points.size(), "point")};
      std::vector<std::string> reasons;
      for (const PointPlan& point : score.points) {
        const bool known = std::find(reasons.begin(), reasons.end(), point.reason) != reasons.end();
        if (!point.reason.empty() && !known) reasons.push_back(point.reason);
      }
      for (std::string& line : Shown(reasons)) lines.push_back(std::move(line));
      const int node = Add(FlowColumn::kScores, score.name, std::move(lines));
      for (size_t i = 0; i < score.points.size(); ++i) {
        Reads(fmt::format("point {} {}", score.name, i), node);
        Reads(fmt::format("condition {} {}", score.name, i), node);
        const int feature = score.points[i].feature;
        if (feature < 0) continue;
        const auto owner = owner_.find(plan_.features[feature].name);
        if (owner != owner_.end()) flow_.edges.emplace_back(owner->second, node);
      }
      owner_[score.name] = node;
      scores_.push_back(node);
    }
  }

  void AddAlerts() {
    for (const AlertPlan& alert : plan_.alerts) {
      std::vector<std::string> lines;
      const auto when = file_.texts.find("when " + alert.name);
      if (when != file_.texts.end()) lines.push_back("when " + when->second);
      if (alert.cooldown > 0) lines.push_back("cooldown " + FormatDuration(alert.cooldown));
      if (!alert.action_code.empty()) lines.push_back("action " + alert.action_code);
      const int node = Add(FlowColumn::kAlerts, alert.name, std::move(lines));
      for (const char* what : {"when ", "clear "}) Reads(what + alert.name, node);
      for (const SeverityPlan& severity : alert.severities) {
        Reads(fmt::format("severity {} {}", alert.name, severity.name), node);
      }
      alerts_.push_back(node);
    }
  }

  static std::vector<std::string> PlaceOf(const OutputConfig& output, const char* otherwise) {
    if (!output.file.empty()) return {"file " + output.file};
    return {output.topic.empty() ? otherwise : "topic " + output.topic};
  }

  void AddOutputs() {
    const bool held = std::any_of(plan_.alerts.begin(), plan_.alerts.end(),
                                  [](const AlertPlan& alert) { return alert.holdout_basis_points > 0; });
    if (!alerts_.empty()) {
      const int node = Add(FlowColumn::kOutputs, "alerts", PlaceOf(file_.alerts, "standard output"));
      for (int alert : alerts_) flow_.edges.emplace_back(alert, node);
    }
    if (held) {
      const int node = Add(FlowColumn::kOutputs, "shadow", PlaceOf(file_.shadow, "counted"));
      for (size_t i = 0; i < alerts_.size(); ++i) {
        if (plan_.alerts[i].holdout_basis_points > 0) flow_.edges.emplace_back(alerts_[i], node);
      }
    }
    if (plan_.outputs.scores != OutputPlan::Scores::kNone) {
      const int node = Add(FlowColumn::kOutputs, "scores", PlaceOf(file_.scores, "counted"));
      for (int score : scores_) flow_.edges.emplace_back(score, node);
    }
  }

  const PipelineFile& file_;
  const Plan& plan_;
  Flow flow_;
  std::map<std::string, int> owner_;  // of a feature or score: the node that it belongs to
  std::vector<int> sources_, scores_, alerts_;
};

// ---- Text
// ------------------------------------------------------------------------------------------------------------

struct TextColumn {
  std::vector<std::string> items;
  size_t width = 0;
};

// The columns of the picture: a source and its features share one.
std::vector<TextColumn> TextColumns(const Flow& flow, bool utf8) {
  std::vector<TextColumn> columns(kFlowColumns);
  size_t widest = 0, count = 0;
  for (const Flow::Node& node : flow.nodes) {
    if (node.column != FlowColumn::kSources) continue;
    widest = std::max(widest, node.title.size());
  }
  std::map<int, int> features;  // node of a source -> node of its features
  for (auto [from, to] : flow.edges) {
    if (flow.nodes[from].column != FlowColumn::kSources) continue;
    features[from] = to;
    count = std::max(count, flow.nodes[to].title.size());
  }
  for (size_t n = 0; n < flow.nodes.size(); ++n) {
    const Flow::Node& node = flow.nodes[n];
    if (node.column == FlowColumn::kFeatures) continue;
    std::string text = node.title;
    if (node.column == FlowColumn::kSources) {
      const auto own = features.find(static_cast<int>(n));
      text = own == features.end() ? fmt::format("{:<{}}", text, widest + count + 4)
                                   : fmt::format("{:<{}} {} {:>{}}", text, widest, utf8 ? "─▶" : "->",
                                                 flow.nodes[own->second].title, count);
    }
    columns[static_cast<int>(node.column)].items.push_back(std::move(text));
  }
  columns.erase(std::remove_if(columns.begin(), columns.end(), [](const TextColumn& c) { return c.items.empty(); }),
                columns.end());
  for (TextColumn& column : columns) {
    for (const std::string& item : column.items) column.width = std::max(column.width, item.size());
  }
  // The arrow takes more bytes than places.
  if (utf8 && !features.empty() && !columns.empty()) columns[0].width = widest + count + 4;
  return columns;
}

size_t FirstRow(const TextColumn& column, size_t rows) { return (rows - column.items.size()) / 2; }

bool Holds(const TextColumn& column, size_t row, size_t rows) {
  const size_t first = FirstRow(column, rows);
  return row >= first && row < first + column.items.size();
}

// The lines between two columns in one row: everything on the left meets everything on the right.
std::string Junction(const TextColumn& left, const TextColumn& right, size_t row, size_t rows, bool utf8) {
  const bool from = Holds(left, row, rows), to = Holds(right, row, rows);
  const size_t first = std::min(FirstRow(left, rows), FirstRow(right, rows));
  const size_t last =
      std::max(FirstRow(left, rows) + left.items.size(), FirstRow(right, rows) + right.items.size()) - 1;
  const bool up = row > first && row <= last, down = row >= first && row < last;
  static constexpr const char* kLines[] = {" ", "─", "─", "─", "│", "┐", "┌", "┬",
                                           "│", "┘", "└", "┴", "│", "┤", "├", "┼"};
  const int index = (from ? 1 : 0) | (to ? 2 : 0) | (down ? 4 : 0) | (up ? 8 : 0);
  if (!utf8) {
    const char* middle = index == 0 ? " " : (index < 4 ? "-" : (from || to ? "+" : "|"));
    return fmt::format(" {}{}{} ", from ? "-" : " ", middle, to ? ">" : " ");
  }
  return fmt::format(" {}{}{} ", from ? "─" : " ", kLines[index], to ? "▶" : " ");
}

}  // namespace

Flow FlowOf(const PipelineFile& file) { return FlowMaker(file).Make(); }

std::string FlowText(const Flow& flow, bool utf8) {
  const std::vector<TextColumn> columns = TextColumns(flow, utf8);
  size_t rows = 0;
  for (const TextColumn& column : columns) rows = std::max(rows, column.items.size());
  std::string out;
  for (size_t row = 0; row < rows; ++row) {
    std::string line = "  ";
    for (size_t c = 0; c < columns.size(); ++c) {
      if (c > 0) line += Junction(columns[c - 1], columns[c], row, rows, utf8);
      const size_t first = FirstRow(columns[c], rows);
      const std::string item = Holds(columns[c], row, rows) ? columns[c].items[row - first] : "";
      line += fmt::format("{:<{}}", item, columns[c].width);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace ebb
