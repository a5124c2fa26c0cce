// 1. A test's records become logs in memory, one per source, read by a decoder that knows their slots already.
// 2. A job runs over them until `until:` and its alerts are kept; a value expected earlier is read from a job that ends
// there.
// 3. Each expectation looks for what it wants, and says what was there instead, in words and as values.
#include "config/run_tests.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "config/alert_line.h"
#include "config/reader.h"
#include "config/value_text.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/state/store.h"
#include "engine/task/job.h"
#include "operators/pipeline_operator.h"

namespace ebb {
namespace {

constexpr size_t kShownAlerts = 6;

// The records of one source; the bytes of each are its number in the test. Confined to its task's thread.
class GivenLog : public Log {
 public:
  GivenLog(std::string source, const std::vector<size_t>& numbers) : name_(std::move(source)) {
    for (size_t number : numbers) texts_.push_back(std::to_string(number) + std::string(kReadPadding, '\0'));
  }

  absl::Status Read(size_t max_records, std::vector<RawRecord>* out) override {
    out->clear();
    for (; !ended() && out->size() < max_records; ++next_) {
      const std::string_view text = texts_[next_];
      out->push_back({static_cast<int64_t>(next_), text.substr(0, text.size() - kReadPadding)});
    }
    return absl::OkStatus();
  }
  bool ended() const override { return next_ == texts_.size(); }
  absl::Status Seek(int64_t offset) override {
    if (offset > static_cast<int64_t>(texts_.size())) return absl::OutOfRangeError(name_ + " is shorter");
    next_ = static_cast<size_t>(offset);
    return absl::OkStatus();
  }
  const std::string& name() const override { return name_; }
  const std::string& identity() const override { return name_; }
  double progress() const override { return ended() ? 1 : 0; }

 private:
  const std::string name_;
  std::vector<std::string> texts_;
  size_t next_ = 0;
};

// Confined to its task's thread.
class GivenDecoder : public Decoder {
 public:
  // Both outlive this.
  GivenDecoder(const PipelineTest* test, const SourceSchema* schema) : test_(*test), schema_(*schema) {}

  Reason Decode(std::string_view bytes, RecordBuilder* out) override {
    size_t number = 0;
    std::from_chars(bytes.data(), bytes.data() + bytes.size(), number);
    const TestRecord& record = test_.given[number];
    out->time = kTestStart + record.at;
    if (out->time >= kLatestTime) return Reason::kTimeOutOfRange;
    for (const auto& [slot, value] : record.slots) out->SetSlot(slot, value);
    for (const int slot : record.nulls) out->SetNull(slot);
    out->SetKey(record.customer);
    if (!record.customer.empty()) return Reason::kNone;
    if (schema_.missing_key == MissingKey::kQuarantine) return Reason::kMissingKey;
    if (schema_.missing_key == MissingKey::kUse) out->SetKey(schema_.missing_key_value);
    out->filtered = schema_.missing_key == MissingKey::kFilter;
    return Reason::kNone;
  }

 private:
  const PipelineTest& test_;
  const SourceSchema& schema_;
};

// Confined to its task's thread.
class MemorySink : public Sink {
 public:
  absl::Status Append(std::string_view lines) override {
    text_ += lines;
    return absl::OkStatus();
  }
  absl::Status Sync() override { return absl::OkStatus(); }
  int64_t bytes() const override { return static_cast<int64_t>(text_.size()); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct Variation {
  const char* name;
  size_t batch_records;
  int tasks;
  bool restart;  // after one record, two more, and so on
};
constexpr Variation kVariations[] = {{"straight", 2048, 1, false},
                                     {"batches of 1", 1, 1, false},
                                     {"4 tasks", 2048, 4, false},
                                     {"stopped and resumed", 1, 1, true}};

std::vector<SourceInput> Inputs(const PipelineFile& file, const PipelineTest& test) {
  std::vector<SourceInput> inputs;
  for (const SourceConfig& source : file.sources) {
    std::vector<size_t> numbers;
    for (size_t i = 0; i < test.given.size(); ++i) {
      if (test.given[i].source == source.schema.ordinal) numbers.push_back(i);
    }
    SourceInput input{&source.schema, {}, source.slot_count()};
    if (!numbers.empty()) {
      std::unique_ptr<Decoder> decoder = std::make_unique<GivenDecoder>(&test, &source.schema);
      if (!source.derived.empty()) decoder = std::make_unique<DerivingDecoder>(std::move(decoder), &source.derived);
      input.logs.push_back({std::make_unique<GivenLog>(source.schema.name, numbers), std::move(decoder)});
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

// What a job over the test's records left behind.
struct Ending {
  std::unique_ptr<StateStore> store;
  std::unique_ptr<Job> job;
  std::string alerts;  // lines of alerts and of the shadow
};

absl::StatusOr<Ending> RunUntil(const PipelineFile& file, const Pipeline& pipeline, const PipelineTest& test,
                                const Variation& variation, DurationMs until) {
  JobOptions options;
  options.tasks = variation.tasks;
  options.batch_records = variation.batch_records;
  options.range.to = kTestStart + until;
  JobParts parts;
  parts.pipeline = file.plan.pipeline;
  parts.fingerprint = file.plan.fingerprint;
  parts.layout = pipeline.layout();
  parts.make_operator = [&pipeline] { return pipeline.NewOperator(); };
  parts.meeting = pipeline.NewMeeting();
  Ending ending;
  if (variation.restart) ending.store = NewMemoryStore();
  parts.store = ending.store.get();
  MemorySink alerts;
  MemorySink shadow;
  bool done = false;
  for (int run = 1; !done; ++run) {
    std::optional<Progress> resume;
    if (run > 1) {
      EBB_ASSIGN_OR_RETURN(resume, ReadProgress(parts.store));
    }
    ending.job = std::make_unique<Job>(options, parts, Inputs(file, test));
    EBB_RETURN_IF_ERROR(ending.job->Start(resume));
    std::array<Sink*, kStreamCount> sinks{};
    sinks[static_cast<int>(Stream::kAlerts)] = &alerts;
    sinks[static_cast<int>(Stream::kShadow)] = &shadow;
    ending.job->SetSinks(sinks);
    // A run begins with the records that wait for the watermark, so each must go a record further than the one before.
    for (int step = 0; !done && (!variation.restart || step < run); ++step) {
      EBB_ASSIGN_OR_RETURN(done, ending.job->Step());
    }
    if (!done) EBB_RETURN_IF_ERROR(ending.job->Commit());
  }
  ending.alerts = alerts.text() + shadow.text();
  return ending;
}

std::string Since(TimeMs time) { return FormatDuration(time - kTestStart); }

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string Described(const AlertLine& alert) {
  std::string text = fmt::format("{} {} at {}", alert.rule, alert.status, Since(alert.event_time));
  if (!alert.reasons.empty()) text += " (" + Joined(alert.reasons) + ")";
  return alert.held_out ? text + ", held out" : text;
}

// Records that the test gave and the pipeline refused: often the reason why something else didn't happen.
std::vector<std::string> Refused(const Progress& progress) {
  std::vector<std::string> facts;
  for (const auto& [source, ledger] : progress.ledger) {
    for (int r = 1; r < kReasonCount; ++r) {
      const auto reason = static_cast<Reason>(r);
      if (ledger.quarantined[r] == 0) continue;
      facts.push_back(fmt::format("{} of the records of {} went to the quarantine: {} ({})", ledger.quarantined[r],
                                  source, ReasonName(reason), ReasonText(reason)));
    }
  }
  return facts;
}

// How far the alert is from the time at which it is expected.
DurationMs TimeAway(const AlertLine& alert, const TestExpectation& expectation) {
  const DurationMs at = alert.event_time - kTestStart;
  return at < expectation.from ? expectation.from - at : std::max<DurationMs>(0, at - expectation.to);
}

bool HasReason(const AlertLine& alert, const TestExpectation& expectation) {
  return expectation.reason.empty() ||
         std::find(alert.reasons.begin(), alert.reasons.end(), expectation.reason) != alert.reasons.end();
}

// What the expectation would have to say to mean this alert of the same rule and status. A stretch of time keeps its
// length.
std::vector<NewValue> ValuesOf(const AlertLine& alert, const TestExpectation& expectation) {
  std::vector<NewValue> values;
  if (TimeAway(alert, expectation) > 0) {
    const DurationMs at = alert.event_time - kTestStart;
    if (expectation.at_place.begin.line > 0) {
      values.push_back({expectation.at_place, FormatDuration(at)});
    } else if (expectation.from_place.begin.line > 0) {
      values.push_back({expectation.from_place, FormatDuration(at)});
      values.push_back({expectation.to_place, FormatDuration(at + expectation.to - expectation.from)});
    }
  }
  if (!HasReason(alert, expectation)) {
    if (alert.reasons.empty()) return {};
    values.push_back({expectation.reason_place, alert.reasons.front()});
  }
  return values;
}

// A number with as few decimals as the tolerance allows, or all of them without one.
std::string NumberText(double value, double tolerance) {
  constexpr int kMaxDecimals = 12;
  for (int decimals = 0; tolerance > 0 && decimals <= kMaxDecimals; ++decimals) {
    const std::string text = fmt::format("{:.{}f}", value, decimals);
    if (std::fabs(ParseNumber(text).value_or(kNull) - value) <= tolerance / 2) return text;
  }
  return fmt::format("{}", value);
}

// What `is:` would have to say; nothing when the language has no word for the value: durations are whole milliseconds.
std::vector<NewValue> ValueInstead(const FeatureName* feature, double value, const TestExpectation& expectation) {
  std::string text = ValueText(feature, value);
  if (feature != nullptr && feature->is_duration && !IsNull(value)) {
    const double whole = std::nearbyint(value);
    if (std::fabs(whole - value) > expectation.tolerance || whole < 0) return {};
    text = ValueText(feature, whole);
  } else if (!IsNull(value) && (feature == nullptr || !feature->is_bool)) {
    text = NumberText(value, expectation.tolerance);
  }
  return {{expectation.is_place, text}};
}

ExpectationOutcome CheckAlert(const PipelineFile& file, const TestExpectation& expectation,
                              const std::vector<AlertLine>& alerts, const std::vector<std::string>& refused) {
  const std::string& rule = file.plan.alerts[expectation.alert].name;
  const std::string status = expectation.status.empty() ? "opened" : expectation.status;
  ExpectationOutcome outcome{&expectation, false, "", {}, {}};
  outcome.expected = fmt::format(
      "{}alert {} {} for {} {}", expectation.none ? "no " : "", rule, status, expectation.customer,
      expectation.from == expectation.to
          ? "at " + FormatDuration(expectation.from)
          : fmt::format("between {} and {}", FormatDuration(expectation.from), FormatDuration(expectation.to)));
  if (!expectation.reason.empty()) outcome.expected += " with reason " + expectation.reason;
  bool found = false;
  const AlertLine* nearest = nullptr;
  for (const AlertLine& alert : alerts) {
    if (alert.customer != expectation.customer) continue;
    outcome.happened.push_back(Described(alert));
    if (alert.rule != rule || alert.status != status) continue;
    found |= TimeAway(alert, expectation) == 0 && HasReason(alert, expectation);
    if (nearest == nullptr || TimeAway(alert, expectation) < TimeAway(*nearest, expectation)) nearest = &alert;
  }
  outcome.passed = found != expectation.none;
  if (!outcome.passed && nearest != nullptr && !expectation.none) outcome.instead = ValuesOf(*nearest, expectation);
  if (outcome.happened.empty()) outcome.happened.push_back("no alert for " + expectation.customer);
  if (outcome.happened.size() > kShownAlerts) {
    const size_t more = outcome.happened.size() - kShownAlerts;
    outcome.happened.resize(kShownAlerts);
    outcome.happened.push_back(fmt::format("and {} more", more));
  }
  outcome.happened.insert(outcome.happened.end(), refused.begin(), refused.end());
  return outcome;
}

ExpectationOutcome CheckValue(const PipelineFile& file, const Pipeline& pipeline, const TestExpectation& expectation,
                              Job* job) {
  const FeatureName* feature = expectation.feature < 0 ? nullptr : &file.plan.features[expectation.feature];
  const ScorePlan* score = expectation.score < 0 ? nullptr : &file.plan.scores[expectation.score];
  double value = kNull;
  bool known = false;
  const absl::Status read = job->ForEachRow([&](RowRef row) {
    if (row.key() != expectation.customer) return;
    std::vector<double> registers = pipeline.NewRegisters(job->progress().told);
    pipeline.Compute(&row, kTestStart + expectation.to, registers.data());
    value = registers[feature != nullptr ? feature->reg : score->target];
    known = true;
  });
  EBB_CHECK(read.ok(), "without a store all rows are in memory");
  ExpectationOutcome outcome{&expectation, false, "", {}, {}};
  const std::string subject = fmt::format("{} {} of {} at {}", feature != nullptr ? "feature" : "score",
                                          feature != nullptr ? feature->name : score->name, expectation.customer,
                                          FormatDuration(expectation.to));
  outcome.expected = fmt::format("{} is {}", subject, ValueText(feature, expectation.value.value_or(kNull)));
  if (expectation.tolerance > 0) outcome.expected += ", near " + ValueText(feature, expectation.tolerance);
  outcome.happened.push_back("it is " + ValueText(feature, value));
  if (expectation.value) {
    outcome.passed = !IsNull(value) && std::fabs(value - *expectation.value) <= expectation.tolerance;
    const bool close = std::fabs(value - *expectation.value) <= 1e-3 * std::max(1.0, std::fabs(value));
    if (!outcome.passed && close) outcome.happened.push_back("that is close: `near:` beside `is:` allows a distance");
  } else {
    outcome.passed = IsNull(value);
  }
  if (!outcome.passed) outcome.instead = ValueInstead(feature, value, expectation);
  if (!known) outcome.happened.push_back("there is no record of " + expectation.customer + " up to then");
  for (std::string& fact : Refused(job->progress())) outcome.happened.push_back(std::move(fact));
  return outcome;
}

absl::StatusOr<TestOutcome> RunOne(const PipelineFile& file, const Pipeline& pipeline, const PipelineTest& test,
                                   const Variation& variation) {
  TestOutcome outcome{&test, variation.name, {}};
  std::map<DurationMs, Ending> endings;
  const auto at = [&](DurationMs until) -> absl::StatusOr<Ending*> {
    const auto found = endings.find(until);
    if (found != endings.end()) return &found->second;
    EBB_ASSIGN_OR_RETURN(Ending ending, RunUntil(file, pipeline, test, variation, until));
    return &endings.emplace(until, std::move(ending)).first->second;
  };
  EBB_ASSIGN_OR_RETURN(Ending * whole, at(test.until));
  EBB_ASSIGN_OR_RETURN(std::vector<AlertLine> alerts, ParseAlertLines(whole->alerts));
  const std::vector<std::string> refused = Refused(whole->job->progress());
  for (const TestExpectation& expectation : test.expect) {
    if (expectation.alert >= 0) {
      outcome.expectations.push_back(CheckAlert(file, expectation, alerts, refused));
    } else {
      EBB_ASSIGN_OR_RETURN(Ending * ending, at(expectation.to));
      outcome.expectations.push_back(CheckValue(file, pipeline, expectation, ending->job.get()));
    }
  }
  return outcome;
}

}  // namespace

bool TestOutcome::passed() const {
  return std::all_of(expectations.begin(), expectations.end(), [](const ExpectationOutcome& e) { return e.passed; });
}

absl::StatusOr<std::vector<TestOutcome>> RunTests(const PipelineFile& file, bool thorough) {
  EBB_ASSIGN_OR_RETURN(std::unique_ptr<Pipeline> pipeline, Pipeline::Build(file.plan));
  std::vector<TestOutcome> outcomes;
  for (const PipelineTest& test : file.tests) {
    for (const Variation& variation : kVariations) {
      EBB_ASSIGN_OR_RETURN(TestOutcome outcome, RunOne(file, *pipeline, test, variation));
      outcomes.push_back(std::move(outcome));
      if (!thorough) break;
    }
  }
  return outcomes;
}

}  // namespace ebb
