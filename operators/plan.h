// What the pipeline file asks of the operators, as plain data: config fills it, operators are built from it. Registers
// are numbers in the one register file of Plan::program (operators/feature/program.h).
//
// Order of an evaluation: feature registers are read from the customer's row; the derived segment runs; then for each
// score its segment and its sum (written to its register), for each alert its segment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/stream/schema.h"
#include "engine/stream/time.h"
#include "operators/aggregate/aggregate.h"
#include "operators/alert/quiet_hours.h"
#include "operators/feature/program.h"

namespace ebb {

struct Segment {
  size_t begin = 0;
  size_t end = 0;
};

struct WindowPlan {
  std::string name;
  DurationMs length = 0;  // 0: for ever
  DurationMs tile = 0;    // 0 with length 0
  bool closed = false;    // ends with the last tile that has closed: a tumbling or hopping window
  DurationMs offset = 0;  // closed only: tiles begin at multiples of `tile` plus this; 0 <= offset < tile
};

// One aggregate of one field under one filter over one window: one feature.
struct MeasurePlan {
  std::string name;       // "calls_week"
  std::string aggregate;  // a name of the table in operators/aggregate/aggregate.h
  int source = 0;         // ordinal
  int slot = -1;          // `of:`; -1 when the aggregate takes no field
  int decimals = 0;       // of the slot
  int filter = -1;        // a bool slot that must be 1; -1: every record
  int window = -1;  // index into Plan::windows; -1 for aggregates without window (recency, decayed_sum), and `last`
  bool exact = false;
  int last = 0;              // > 0: over so many newest events instead of a window
  int max_events = 256;      // exact only: events kept per customer
  int max_items = 64;        // distinct: items counted exactly; tallies: pairs of tile and item kept
  int max_sessions = 64;     // sessions kept
  DurationMs half_life = 0;  // decayed_sum only
  DurationMs gap = 0;        // sessions only: the longest time between two events of one session
  AggregateOptions options;
  int target = -1;  // register
};

// How duplicates of one source are told: by the hash in a slot, for a while after the record that was used.
struct DedupPlan {
  int source = 0;
  int slot = 0;
  DurationMs within = 0;
  int max_ids = 256;  // kept per customer
};

// A source whose records say what is so of a customer: the latest value of each field is kept in the row.
struct ReferencePlan {
  struct Field {
    std::string name;
    int slot = 0;
    FieldType type = FieldType::kInt;
    int decimals = 0;
    int target = -1;  // register
  };
  int source = 0;
  std::vector<Field> fields;
};

// A register that is filled with something that isn't a measure, when >= 0.
struct BuiltinPlan {
  int tenure = -1;               // ms since the customer's first event
  int now = -1;                  // the instant of the evaluation
  std::vector<int> window_days;  // per window: its effective length in days (sawtooth: edge to now); -1: unused
};

// A feature that is the same for all customers: a statistic of what a register holds of each of them.
struct PopulationPlan {
  std::string name;       // of the feature
  std::string statistic;  // a name of the table in operators/feature/population.h
  int64_t quantile = 0;   // in millionths, for statistics that take one
  int of = -1;            // register
  DurationMs per = kDay;  // taken at the close of each period
  DurationMs closes = 0;  // periods end at multiples of `per` since 1970, plus this
  int target = -1;        // register
};

struct FeatureName {
  std::string name;
  int reg = -1;
  bool is_bool = false;
  bool is_duration = false;  // milliseconds in the register; written in seconds outside
};

// A comparison in a condition that turns true as time passes: the instant at which it does is a timer.
struct DeadlinePlan {
  static constexpr int kTenure = -1, kNow = -2;

  int measure = kTenure;     // `recency > threshold`: index of the measure, or kTenure; kNow: see base
  int threshold = -1;        // register, milliseconds
  bool strict = true;        // > and < (one millisecond later), or >= and <=
  int base = -1;             // kNow only, register: `now - base > threshold`,
  bool falling = false;      // or `base - now < threshold`
  uint64_t evaluations = 1;  // bit per evaluation that it brings about
};

struct PointPlan {
  int condition = -1;  // bool register; -1: always
  int value = -1;      // register multiplied by weight; -1: weight alone
  double weight = 0;
  std::string reason;  // reason code; may be empty
  int feature = -1;    // index into Plan::features shown with the reason: the first that the term names; -1: none
  int baseline = -1;   // register: what that feature usually is; -1: unknown
};

// One term of a model from a file: a weight on the distance from the mean, or a table of bins.
struct TermPlan {
  int value = -1;                          // register
  double unit = 1;                         // the register divided by it is what the model knows: seconds of a duration
  double weight = 0, mean = 0, scale = 1;  // weight * (x - mean) / scale
  std::vector<double> edges, values;       // bins: values[i] for edges[i - 1] <= x < edges[i]; none: weight
  double missing = 0;                      // what null adds
  std::string reason;                      // as of a point
  int feature = -1;
  int baseline = -1;
};

// What makes a probability of a sum f.
struct CalibrationPlan {
  enum class Kind : uint8_t { kNone, kPlatt, kIsotonic };
  Kind kind = Kind::kNone;
  double a = 0, b = 0;       // kPlatt: 1 / (1 + e^(a f + b))
  std::vector<double> x, y;  // kIsotonic: straight lines between the points, flat outside; x ascending
};

struct ScorePlan {
  std::string name;
  int evaluation = 0;  // see Plan::evaluation
  Segment segment;     // computes the points' conditions and values
  double intercept = 0;
  bool logistic = true;         // link: logistic (a probability), or none (the sum itself)
  CalibrationPlan calibration;  // takes the place of the link
  std::vector<PointPlan> points;
  std::vector<TermPlan> terms;                        // of a model file; then there are no points
  std::string model_id = "scorecard";                 // written with alerts
  std::string model_version;                          // empty: the pipeline's fingerprint
  int target = -1;                                    // register of the result
  std::vector<std::pair<std::string, double>> bands;  // name, lower bound; ascending; may be empty
};

// What a reason code means, for people. English is required, Chinese may be empty.
struct CodeText {
  std::string code, en, zh;
};

struct SeverityPlan {
  std::string name;
  int condition = -1;  // bool register
};

// A capacity for alerts of some rules over all customers: the first `alerts` of each period by priority.
struct BudgetPlan {
  std::string name;
  int64_t alerts = 0;
  DurationMs per = kDay;
  DurationMs closes = 0;  // periods end at multiples of `per` since 1970, plus this
};

// At most so many openings of all rules for one customer within a span of time. 0: no limit.
struct CustomerLimitPlan {
  int alerts = 0;
  DurationMs within = 0;
};

struct AlertPlan {
  std::string name;
  int evaluation = 0;  // see Plan::evaluation
  Segment segment;     // computes when, clear, severities, priority, expected value and zone
  int when = -1;
  int clear = -1;            // -1: as soon as `when` is not true
  int confirm = 1;           // evaluations in a row
  DurationMs cooldown = 0;   // after the opening of an episode no other opens within it
  DurationMs valid_for = 0;  // 0: until cleared
  std::string default_severity = "medium";
  std::vector<SeverityPlan> severities;  // mildest first; the last that holds counts
  std::string action_code, action_class;
  int score = -1;                // index into Plan::scores that explains it; -1: none
  int holdout_basis_points = 0;  // 0..5000 of 10000 customers by stable hash
  // Which revisions are written beside `opened`. Without on_updated there are none of that kind.
  bool on_escalated = true, on_updated = false, on_resolved = true, on_expired = true;
  int expected_value = -1;  // register; -1: none
  int priority = -1;        // register; -1: all are equal
  int budget = -1;          // index into Plan::budgets; -1: none
  QuietPlan quiet;
  std::vector<int> features;  // indexes into Plan::features written with the alert
};

// Periods at whose end rows are evaluated: [p * period + offset, (p + 1) * period + offset).
struct ClosePlan {
  DurationMs period = 0;
  DurationMs offset = 0;
  friend bool operator==(const ClosePlan&, const ClosePlan&) = default;
};

struct EvaluatePlan {
  uint64_t on_sources = ~uint64_t{0};  // bit per source ordinal
  DurationMs at_most_every = 0;        // 0: at every record
  DurationMs also_every = 0;           // 0: no schedule
  std::vector<ClosePlan> at_close;
  friend bool operator==(const EvaluatePlan&, const EvaluatePlan&) = default;
};

struct OutputPlan {
  enum class Scores : uint8_t { kNone, kEvery, kBandChange };
  Scores scores = Scores::kNone;
  std::vector<int> score_features;  // indexes into Plan::features written with each score line
};

// Immutable after construction.
struct Plan {
  std::string pipeline;              // its name
  std::string fingerprint;           // 16 hex digits over everything that decides a result
  std::vector<std::string> sources;  // names by ordinal
  std::vector<DedupPlan> dedup;      // at most one per source
  std::vector<ReferencePlan> references;
  std::vector<WindowPlan> windows;
  std::vector<MeasurePlan> measures;
  BuiltinPlan builtins;
  Program program;
  Segment derived;  // derived features, in dependency order
  std::vector<PopulationPlan> populations;
  std::vector<FeatureName> features;          // all features by name, as declared
  EvaluatePlan evaluate;                      // evaluation 0
  std::vector<EvaluatePlan> own_evaluations;  // evaluations 1 and on, each different from the others
  std::vector<ScorePlan> scores;
  std::vector<CodeText> reasons;
  std::vector<AlertPlan> alerts;
  std::vector<BudgetPlan> budgets;
  CustomerLimitPlan customer_limit;
  std::vector<DeadlinePlan> deadlines;
  OutputPlan outputs;

  // What is evaluated together: some scores and alerts.
  const EvaluatePlan& evaluation(int number) const { return number == 0 ? evaluate : own_evaluations[number - 1]; }
  int evaluation_count() const { return 1 + static_cast<int>(own_evaluations.size()); }
};

inline constexpr int kMaxEvaluations = 64;

}  // namespace ebb
