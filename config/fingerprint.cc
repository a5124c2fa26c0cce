// The fingerprint: a canonical text of what decides a result, hashed. Comments, spelling of expressions, places of
// inputs and outputs, and tests don't change it; every number, name, order and instruction does.
#include <bit>
#include <iterator>

#include <fmt/format.h>
#include <xxhash.h>

#include "config/assembler.h"

namespace ebb {
namespace {

// Confined to its task's thread.
class CanonicalText {
 public:
  template <typename... Values>
  void Add(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    text_ += '\n';
  }
  // Names may hold any character, so each stands with its length.
  void Name(std::string_view name) { Add("{}:{}", name.size(), name); }
  void Number(double number) { Add("{:016x}", std::bit_cast<uint64_t>(number)); }
  void Run(const Segment& segment) { Add("run {} {}", segment.begin, segment.end); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// All that the machine's data said of the zone: other data may give other results.
void AddZone(const Zone& zone, CanonicalText* out) {
  out->Name(zone.name);
  for (const ZoneChange& change : zone.changes) out->Add("{} {}", change.from, change.offset);
}

void AddProgram(const Program& program, CanonicalText* out) {
  for (const Instruction& i : program.instructions) {
    out->Add("{} {} {} {} {}", static_cast<int>(i.op), i.target, i.a, i.b, i.c);
  }
  for (double value : program.initial) out->Number(value);
  for (const Zone& zone : program.zones) AddZone(zone, out);
}

void AddSource(const SourceConfig& source, CanonicalText* out) {
  const SourceSchema& s = source.schema;
  out->Add("source {} {} {} {}", s.ordinal, static_cast<int>(s.format), static_cast<int>(s.missing_key), s.key_is_int);
  if (s.id_slot >= 0) out->Add("id {} {}", s.id_slot, s.id_required);
  for (const std::string* name : {&s.name, &s.key_path, &s.missing_key_value, &s.time.path}) out->Name(*name);
  out->Add("{} {} {} {} {}", static_cast<int>(s.time.unit), s.time.disorder, s.time.max_jump.value_or(-1),
           s.time.quarantine_late, s.time.max_ahead.value_or(-1));
  for (const Field& field : s.fields) {
    out->Name(field.name);
    out->Name(field.path);
    out->Add("{} {} {} {} {}", static_cast<int>(field.type), field.decimals, field.required, field.missing.has_value(),
             field.missing.value_or(0));
  }
  for (const DerivedFieldsPlan::Load& l : source.derived.loads) out->Add("load {} {}", l.slot, l.reg);
  if (source.derived.time_reg >= 0) out->Add("time {}", source.derived.time_reg);
  for (const DerivedFieldsPlan::Computed& c : source.derived.computed) {
    out->Run(c.segment);
    out->Add("{} {} {} {} {}", c.reg, c.slot, static_cast<int>(c.type), c.decimals, c.stored);
  }
  out->Run(source.derived.filter);
  out->Add("{}", source.derived.filter_reg);
  AddProgram(source.derived.program, out);
}

// Only what isn't as it is by default.
void AddOptions(const MeasurePlan& m, CanonicalText* out) {
  const MeasurePlan defaults;
  if (m.last != defaults.last) out->Add("last {}", m.last);
  if (m.gap != defaults.gap) out->Add("gap {} {}", m.gap, m.max_sessions);
  const AggregateOptions& o = m.options;
  if (o == defaults.options) return;
  out->Add("options {} {} {} {} {}", o.quantile, o.rank, o.robust, o.latest_closed, o.upward);
  for (double number : {o.alpha, o.slack, o.min_spread}) out->Number(number);
}

void AddFeatures(const Plan& plan, CanonicalText* out) {
  for (const DedupPlan& d : plan.dedup) out->Add("dedup {} {} {} {}", d.source, d.slot, d.within, d.max_ids);
  for (const WindowPlan& window : plan.windows) {
    out->Add("window {} {}", window.length, window.tile);
    if (window.closed) out->Add("closed {}", window.offset);
  }
  for (const MeasurePlan& m : plan.measures) {
    out->Name(m.name);
    out->Add("{} {} {} {} {} {} {} {} {} {} {}", m.aggregate, m.source, m.slot, m.decimals, m.filter, m.window, m.exact,
             m.max_events, m.max_items, m.half_life, m.target);
    AddOptions(m, out);
  }
  out->Add("builtins {} {}", plan.builtins.tenure, fmt::join(plan.builtins.window_days, " "));
  if (plan.builtins.now >= 0) out->Add("now {}", plan.builtins.now);
  for (const ReferencePlan& reference : plan.references) {
    out->Add("reference {}", reference.source);
    for (const ReferencePlan::Field& field : reference.fields) out->Add("{} {}", field.slot, field.target);
  }
  for (const FeatureName& f : plan.features) {
    out->Name(f.name);
    out->Add("{} {} {}", f.reg, f.is_bool, f.is_duration);
  }
  out->Run(plan.derived);
  for (const PopulationPlan& p : plan.populations) {
    out->Name(p.name);
    out->Add("population {} {} {} {} {} {}", p.statistic, p.quantile, p.of, p.per, p.closes, p.target);
  }
}

void AddScores(const Plan& plan, CanonicalText* out) {
  for (int e = 0; e < plan.evaluation_count(); ++e) {
    const EvaluatePlan& evaluate = plan.evaluation(e);
    out->Add("evaluate {} {} {}", evaluate.on_sources, evaluate.at_most_every, evaluate.also_every);
    for (const ClosePlan& close : evaluate.at_close) out->Add("close {} {}", close.period, close.offset);
  }
  for (const ScorePlan& score : plan.scores) {
    out->Name(score.name);
    out->Run(score.segment);
    out->Number(score.intercept);
    out->Add("{} {} {}", score.logistic, score.target, score.evaluation);
    for (const PointPlan& point : score.points) {
      out->Name(point.reason);
      out->Add("{} {} {} {}", point.condition, point.value, point.feature, point.baseline);
      out->Number(point.weight);
    }
    for (const TermPlan& term : score.terms) {
      out->Name(term.reason);
      out->Add("{} {} {} {}", term.value, term.feature, term.baseline, term.edges.size());
      for (double number : {term.unit, term.weight, term.mean, term.scale, term.missing}) out->Number(number);
      for (double number : term.edges) out->Number(number);
      for (double number : term.values) out->Number(number);
    }
    out->Name(score.model_id);
    out->Name(score.model_version);
    out->Add("calibration {} {}", static_cast<int>(score.calibration.kind), score.calibration.x.size());
    out->Number(score.calibration.a);
    out->Number(score.calibration.b);
    for (double number : score.calibration.x) out->Number(number);
    for (double number : score.calibration.y) out->Number(number);
    for (const auto& [name, bound] : score.bands) {
      out->Name(name);
      out->Number(bound);
    }
  }
  for (const DeadlinePlan& d : plan.deadlines) {
    out->Add("deadline {} {} {} {}", d.measure, d.threshold, d.strict, d.evaluations);
    if (d.measure == DeadlinePlan::kNow) out->Add("base {} {}", d.base, d.falling);
  }
}

void AddAlerts(const Plan& plan, CanonicalText* out) {
  for (const AlertPlan& a : plan.alerts) {
    for (const std::string* name : {&a.name, &a.default_severity, &a.action_code, &a.action_class}) out->Name(*name);
    out->Run(a.segment);
    out->Add("{} {} {} {} {} {} {} {} {} {}", a.when, a.clear, a.confirm, a.cooldown, a.valid_for, a.score,
             a.holdout_basis_points, a.on_escalated, a.on_resolved, a.on_expired);
    for (const SeverityPlan& severity : a.severities) {
      out->Name(severity.name);
      out->Add("{}", severity.condition);
    }
    out->Add("{} {} {} {} {}", a.evaluation, a.on_updated, a.expected_value, a.priority, a.budget);
    out->Add("{} {} {} {} {}", a.quiet.from, a.quiet.to, a.quiet.zone, a.quiet.zone_register,
             static_cast<int>(a.quiet.summer_time));
    if (!a.quiet.place.changes.empty()) AddZone(a.quiet.place, out);
    out->Add("features {}", fmt::join(a.features, " "));
  }
  for (const CodeText& text : plan.reasons) {
    for (const std::string* part : {&text.code, &text.en, &text.zh}) out->Name(*part);
  }
  for (const BudgetPlan& b : plan.budgets) {
    out->Name(b.name);
    out->Add("{} {} {}", b.alerts, b.per, b.closes);
  }
  out->Add("limit {} {}", plan.customer_limit.alerts, plan.customer_limit.within);
  out->Add("scores {} {}", static_cast<int>(plan.outputs.scores), fmt::join(plan.outputs.score_features, " "));
}

}  // namespace

std::string Fingerprint(const PipelineFile& pipeline) {
  CanonicalText text;
  text.Add("ebb pipeline 1");
  text.Name(pipeline.plan.pipeline);
  text.Name(pipeline.entity_key);
  for (const SourceConfig& source : pipeline.sources) AddSource(source, &text);
  AddFeatures(pipeline.plan, &text);
  AddProgram(pipeline.plan.program, &text);
  AddScores(pipeline.plan, &text);
  AddAlerts(pipeline.plan, &text);
  return fmt::format("{:016x}", XXH3_64bits(text.text().data(), text.text().size()));
}

}  // namespace ebb
