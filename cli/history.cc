// 1. A job of its own runs over the inputs up to the instant of the state, with decoders that pass over all others.
// 2. Before the customer's row moves on it is read at the instants in between, as cli/observer.cc does.
// 3. What it says at the end is held against what the state says.
#include "cli/history.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "cli/replay.h"
#include "cli/told_history.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

// Lets the records of one customer through. Confined to its task's thread.
class OnlyOf : public Decoder {
 public:
  OnlyOf(std::unique_ptr<Decoder> decoder, std::string customer)
      : decoder_(std::move(decoder)), customer_(std::move(customer)) {}

  Reason Decode(std::string_view bytes, RecordBuilder* out) override {
    const Reason reason = decoder_->Decode(bytes, out);
    return Passed(reason, out);
  }
  Reason DecodeTombstone(std::string_view key, RecordBuilder* out) override {
    return Passed(decoder_->DecodeTombstone(key, out), out);
  }

 private:
  Reason Passed(Reason reason, RecordBuilder* out) const {
    if (reason == Reason::kNone && out->key() != customer_) out->filtered = true;
    return reason;
  }

  const std::unique_ptr<Decoder> decoder_;
  const std::string customer_;
};

// What is asked of the row, and when. Confined to its task's thread.
struct Asking {
  const Pipeline& pipeline;
  const std::string& customer;
  std::vector<TimeMs> instants;  // ascending
  size_t next = 0;
  std::vector<Glance> glances;
  ToldHistory told;

  // Before the first record there is nothing to be asked.
  void Begin(TimeMs first) {
    next = static_cast<size_t>(std::lower_bound(instants.begin(), instants.end(), first) - instants.begin());
  }
  // Reads the row at all instants before `until` that are still to come.
  void Until(TimeMs until, RowRef* row) {
    for (; next < instants.size() && instants[next] < until; ++next) glances.push_back(At(instants[next], row));
  }

  Glance At(TimeMs at, RowRef* row) const {
    std::vector<double> registers = pipeline.NewRegisters(told.At(at));
    pipeline.Compute(row, at, registers.data());
    Glance glance{at, {}, {}, {}};
    for (const FeatureName& feature : pipeline.plan().features) glance.features.push_back(registers[feature.reg]);
    for (const Scorecard& score : pipeline.scores()) {
      glance.scores.push_back(registers[score.plan().target]);
      const std::vector<Contribution> reasons = score.Explain(registers.data());
      glance.reasons.push_back(reasons.empty() ? "" : reasons.front().code);
    }
    return glance;
  }
};

// Confined to its task's thread.
class AskingOperator : public WatchingOperator {
 public:
  explicit AskingOperator(Asking* asking) : WatchingOperator(asking->pipeline.NewOperator()), asking_(*asking) {}

  Effect OnRecord(const Record& record, RowRef* row, Outputs* outputs) override {
    if (row->key() == asking_.customer) {
      if (!begun_) asking_.Begin(record.effective);
      begun_ = true;
      asking_.Until(record.effective, row);
    }
    return work_->OnRecord(record, row, outputs);
  }
  void OnTimer(TimeMs now, RowRef* row, Outputs* outputs) override {
    if (row->key() == asking_.customer) asking_.Until(now, row);
    work_->OnTimer(now, row, outputs);
  }
  void Tell(TimeMs since, const std::vector<int64_t>& told) override {
    asking_.told.Add(since, told);
    work_->Tell(since, told);
  }

 private:
  Asking& asking_;
  bool begun_ = false;
};

bool Same(double a, double b) { return (IsNull(a) && IsNull(b)) || a == b; }

bool AgreesWith(const Plan& plan, const Glance& glance, const std::vector<double>& registers) {
  for (size_t i = 0; i < plan.features.size(); ++i) {
    if (!Same(glance.features[i], registers[plan.features[i].reg])) return false;
  }
  for (size_t i = 0; i < plan.scores.size(); ++i) {
    if (!Same(glance.scores[i], registers[plan.scores[i].target])) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<History> ReadHistory(const PipelineFile& file, const Pipeline& pipeline, const std::string& customer,
                                    TimeMs end, const std::vector<double>& registers, const HistoryOptions& options) {
  EBB_ASSIGN_OR_RETURN(const InputPaths paths, ParseInputs(file, options.inputs));
  EBB_ASSIGN_OR_RETURN(std::vector<SourceInput> inputs, OpenInputs(file, paths, options.generator));
  const bool alone = pipeline.plan().populations.empty();  // else what is usual among all customers is needed, too
  for (SourceInput& input : inputs) {
    if (!alone) break;
    for (LogInput& log : input.logs) log.decoder = std::make_unique<OnlyOf>(std::move(log.decoder), customer);
  }
  Asking asking{pipeline, customer, {}, 0, {}, {}};
  const DurationMs apart = std::max<DurationMs>(kHour, options.days * kDay / (kHistoryGlances - 1));
  for (int i = kHistoryGlances - 1; i >= 0; --i) asking.instants.push_back(end - i * apart);
  JobOptions job_options;
  job_options.range.to = end;
  JobParts parts;
  parts.pipeline = file.plan.pipeline;
  parts.fingerprint = file.plan.fingerprint;
  parts.layout = pipeline.layout();
  parts.make_operator = [&asking] { return std::make_unique<AskingOperator>(&asking); };
  parts.meeting = pipeline.NewMeeting();
  Job job(job_options, std::move(parts), std::move(inputs));
  EBB_RETURN_IF_ERROR(job.Start(std::nullopt));
  WatchStopSignals();
  EBB_ASSIGN_OR_RETURN(const bool done, RunToEnd(&job, false));
  if (!done) return absl::CancelledError("stopped before the history was read");
  History history;
  history.same = false;
  EBB_RETURN_IF_ERROR(job.ForEachRow([&](RowRef row) {
    if (row.key() != customer) return;
    asking.Until(end + 1, &row);
    history.same = !asking.glances.empty() && AgreesWith(pipeline.plan(), asking.glances.back(), registers);
  }));
  history.glances = std::move(asking.glances);
  return history;
}

}  // namespace ebb
