// Families are collected by hand from the board: nothing is counted twice, and what isn't known isn't there.
#include "serve/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

#include "engine/stream/reason.h"
#include "engine/task/operator.h"

namespace ebb {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

// Families in the order in which they are first named. Confined to its task's thread.
class Families {
 public:
  explicit Families(std::string pipeline) : pipeline_(std::move(pipeline)) {}

  void Gauge(const std::string& name, const std::string& help, double value, Labels labels = {}) {
    prometheus::ClientMetric& metric = Add(name, help, prometheus::MetricType::Gauge, std::move(labels));
    metric.gauge.value = value;
  }
  void Counter(const std::string& name, const std::string& help, double value, Labels labels = {}) {
    prometheus::ClientMetric& metric = Add(name, help, prometheus::MetricType::Counter, std::move(labels));
    metric.counter.value = value;
  }
  // How many there were, and their sum.
  void Summary(const std::string& name, const std::string& help, int64_t count, double sum, Labels labels) {
    prometheus::ClientMetric& metric = Add(name, help, prometheus::MetricType::Summary, std::move(labels));
    metric.summary.sample_count = static_cast<uint64_t>(count);
    metric.summary.sample_sum = sum;
  }
  std::string Text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  prometheus::ClientMetric& Add(const std::string& name, const std::string& help, prometheus::MetricType type,
                                Labels labels) {
    prometheus::MetricFamily* family = nullptr;
    for (prometheus::MetricFamily& known : families_) {
      if (known.name == name) family = &known;
    }
    if (family == nullptr) family = &families_.emplace_back(prometheus::MetricFamily{name, help, type, {}});
    prometheus::ClientMetric& metric = family->metric.emplace_back();
    metric.label.push_back({"pipeline", pipeline_});
    for (auto& [label, value] : labels) metric.label.push_back({label, value});
    return metric;
  }

  const std::string pipeline_;
  std::vector<prometheus::MetricFamily> families_;
};

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

void AddLedger(const std::string& source, const SourceLedger& ledger, const Labels& task, Families* out) {
  const auto add = [&](std::string_view fate, std::string_view reason, int64_t count) {
    Labels labels = task;
    labels.insert(labels.end(), {{"source", source}, {"fate", std::string(fate)}, {"reason", std::string(reason)}});
    out->Counter("ebb_records_total", "Records that were applied, by what became of them", static_cast<double>(count),
                 std::move(labels));
  };
  add("used", "", ledger.used);
  add("late", "", ledger.late);
  add("filtered", "", ledger.filtered);
  add("duplicate", "", ledger.duplicate);
  add("tombstone", "", ledger.tombstone);
  for (int r = 1; r < kReasonCount; ++r) {
    if (ledger.quarantined[r] > 0) add("quarantined", ReasonName(static_cast<Reason>(r)), ledger.quarantined[r]);
  }
}

void AddSource(const SourceSchema& schema, const SourceStatus& source, const Labels& task, Families* out) {
  Labels labels = task;
  labels.emplace_back("source", schema.name);
  out->Counter("ebb_source_records_total", "Records read since the start", static_cast<double>(source.records), labels);
  out->Counter("ebb_source_bytes_total", "Bytes of their values", static_cast<double>(source.bytes), labels);
  out->Counter("ebb_source_misplaced_total", "Records in another partition than their key says",
               static_cast<double>(source.misplaced), labels);
  if (source.lag >= 0) {
    out->Gauge("ebb_source_lag_records", "Records that wait in the topic", static_cast<double>(source.lag), labels);
  }
  out->Gauge("ebb_source_idle", "1 while the partition is at its end and holds no watermark", source.idle ? 1 : 0,
             labels);
  if (source.watermark > kEarliestTime && source.watermark < kLatestTime) {
    out->Gauge("ebb_source_watermark_timestamp_seconds", "Event time up to which the source is known to be complete",
               Seconds(source.watermark), labels);
  }
}

void AddTask(const PipelineFile& file, int32_t number, const TaskStatus& task, Families* out) {
  const Labels labels = {{"task", std::to_string(number)}};
  for (TaskPhase phase :
       {TaskPhase::kOpening, TaskPhase::kRecovering, TaskPhase::kLive, TaskPhase::kWaiting, TaskPhase::kRefused}) {
    out->Gauge("ebb_task_phase", "1 for the phase that the task is in", task.phase == phase ? 1 : 0,
               {labels[0], {"phase", std::string(TaskPhaseName(phase))}});
  }
  out->Counter("ebb_task_attempts_total", "Times that the task was opened", static_cast<double>(task.attempts), labels);
  out->Gauge("ebb_task_epoch", "Last committed epoch", static_cast<double>(task.epoch), labels);
  out->Gauge("ebb_task_recovery_epochs_left", "Committed epochs that are still to be done again",
             static_cast<double>(task.epochs_left), labels);
  out->Gauge("ebb_task_state_epoch", "Epoch up to which the state is written", static_cast<double>(task.state_epoch),
             labels);
  if (task.watermark > kEarliestTime && task.watermark < kLatestTime) {
    out->Gauge("ebb_watermark_timestamp_seconds",
               "Event time up to which everything has happened, by the source that "
               "holds it back",
               Seconds(task.watermark), {labels[0], {"holder", task.holder}});
  }
  out->Gauge("ebb_customers", "Customers with state", static_cast<double>(task.customers), labels);
  out->Gauge("ebb_uncommitted_bytes", "Changed rows and outputs that wait for a commit or a write of the state",
             static_cast<double>(task.uncommitted_bytes), labels);
  out->Gauge("ebb_waiting_bytes", "Records that were read and wait for the watermark",
             static_cast<double>(task.waiting_bytes), labels);
  out->Summary("ebb_commit_seconds", "Transactions and how long they took", task.commits,
               static_cast<double>(task.commit_us) / 1e6, labels);
  if (task.committed_ms > 0) {
    out->Gauge("ebb_last_commit_timestamp_seconds", "When the last transaction was committed",
               Seconds(task.committed_ms), labels);
  }
  if (task.snapshot_ms > 0) {
    out->Gauge("ebb_snapshot_epoch", "Epoch of the last snapshot", static_cast<double>(task.snapshot_epoch), labels);
    out->Gauge("ebb_last_snapshot_timestamp_seconds", "When it was begun", Seconds(task.snapshot_ms), labels);
  }
  for (size_t s = 0; s < task.sources.size(); ++s) AddSource(file.sources[s].schema, task.sources[s], labels, out);
  for (size_t s = 0; s < task.ledger.size(); ++s) AddLedger(file.sources[s].schema.name, task.ledger[s], labels, out);
  for (size_t s = 0; s < task.lines.size(); ++s) {
    out->Counter("ebb_output_lines_total", "Lines of output, since the first epoch", static_cast<double>(task.lines[s]),
                 {labels[0], {"stream", std::string(StreamName(static_cast<Stream>(s)))}});
  }
}

}  // namespace

std::string MetricsText(const PipelineFile& file, const ServiceStatus& status, const std::string& version) {
  Families out(file.plan.pipeline);
  out.Gauge("ebb_build_info", "1, with the version and the pipeline's fingerprint", 1,
            {{"version", version}, {"fingerprint", file.plan.fingerprint}});
  out.Gauge("ebb_ready", "1 while every task of this process is live", status.NotReady().empty() ? 1 : 0);
  out.Gauge("ebb_tasks", "Tasks of this process", static_cast<double>(status.tasks.size()));
  out.Counter("ebb_assignments_total", "Times that the group shared out the tasks",
              static_cast<double>(status.assignments));
  for (const auto& [number, task] : status.tasks) AddTask(file, number, task, &out);
  return out.Text();
}

}  // namespace ebb
