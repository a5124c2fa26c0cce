// A task begins without state, with the whole journal: recovery does every epoch again. What it would send is compared
// line by line, so that a difference is shown and not only known from its digest.
#include "serve/verify.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "config/assemble.h"
#include "engine/base/status_macros.h"
#include "engine/task/live_task.h"
#include "operators/pipeline_operator.h"

namespace ebb {
namespace {

constexpr size_t kBatchRecords = 2048;
constexpr int64_t kStepMs = 1000;  // of a clock that nobody waits for
constexpr size_t kShownBytes = 60;

// A committed journal that can be read but not written. Confined to its task's thread.
class KeptJournal final : public Delivery {
 public:
  explicit KeptJournal(std::vector<std::string> records) : records_(std::move(records)) {}

  absl::StatusOr<std::vector<std::string>> Open(int64_t first_epoch) override {
    const auto skip = std::min(static_cast<size_t>(first_epoch - 1), records_.size());
    return std::vector<std::string>(records_.begin() + static_cast<int64_t>(skip), records_.end());
  }
  absl::Status Commit(const EpochCommit&) override { return absl::InternalError("a verification sends nothing"); }

 private:
  const std::vector<std::string> records_;
};

// The values and keys of a captured output, one after another. Confined to its task's thread.
class SentLines {
 public:
  explicit SentLines(std::unique_ptr<LiveLog> log) : log_(std::move(log)) {}

  // Null at the end.
  absl::StatusOr<const RawRecord*> Next() {
    if (next_ == records_.size()) {
      next_ = 0;
      EBB_RETURN_IF_ERROR(log_->Read(kBatchRecords, &records_));
    }
    return next_ == records_.size() ? nullptr : &records_[next_++];
  }

 private:
  const std::unique_ptr<LiveLog> log_;
  std::vector<RawRecord> records_;
  size_t next_ = 0;
};

std::string Around(std::string_view text, size_t at) {
  const size_t from = at - std::min(at, kShownBytes);
  return fmt::format("{}{}{}", from > 0 ? "..." : "", text.substr(from, 2 * kShownBytes),
                     from + 2 * kShownBytes < text.size() ? "..." : "");
}

// What differs, or an empty text.
std::string Difference(const OutputMessage& ours, const RawRecord* sent) {
  if (sent == nullptr) return fmt::format("the topic ends; the replay goes on with\n  {}", Around(ours.value, 0));
  if (sent->key != ours.key) return fmt::format("the topic has the key '{}', the replay '{}'", sent->key, ours.key);
  if (sent->bytes == ours.value) return "";
  const std::string_view topic = sent->bytes;
  const size_t size = std::min(topic.size(), ours.value.size());
  const size_t at = static_cast<size_t>(
      std::mismatch(topic.begin(), topic.begin() + static_cast<int64_t>(size), ours.value.begin()).first -
      topic.begin());
  return fmt::format("from byte {} on\n  the topic:  {}\n  the replay: {}", at, Around(topic, at),
                     Around(ours.value, at));
}

// Confined to its task's thread.
class TaskVerifier {
 public:
  TaskVerifier(const PipelineFile& file, const Pipeline& pipeline, const CaptureIndex& index, std::string folder,
               int32_t task, ParityReport* report)
      : file_(file), pipeline_(pipeline), index_(index), folder_(std::move(folder)), task_(task), report_(*report) {}

  absl::Status Run();

 private:
  absl::StatusOr<std::unique_ptr<LiveLog>> Open(CapturedTopic::Role role, const std::string& name);
  absl::StatusOr<std::vector<std::string>> ReadJournal();
  absl::StatusOr<std::vector<LiveSource>> OpenSources();
  absl::Status OpenOutputs();
  void Compare(int64_t epoch, const std::vector<OutputMessage>& messages);

  const PipelineFile& file_;
  const Pipeline& pipeline_;
  const CaptureIndex& index_;
  const std::string folder_;
  const int32_t task_;
  ParityReport& report_;
  std::array<std::unique_ptr<SentLines>, kStreamCount> sent_;
  absl::Status failure_;
};

absl::StatusOr<std::unique_ptr<LiveLog>> TaskVerifier::Open(CapturedTopic::Role role, const std::string& name) {
  const CapturedTopic* topic = index_.Find(role, name, task_);
  if (topic == nullptr) return absl::NotFoundError(fmt::format("the capture has no '{}' of task {}", name, task_));
  return OpenCaptured(folder_, topic->partition);
}

absl::StatusOr<std::vector<std::string>> TaskVerifier::ReadJournal() {
  EBB_ASSIGN_OR_RETURN(const std::unique_ptr<LiveLog> log, Open(CapturedTopic::Role::kJournal, "journal"));
  std::vector<std::string> journal;
  std::vector<RawRecord> records;
  do {
    EBB_RETURN_IF_ERROR(log->Read(kBatchRecords, &records));
    for (const RawRecord& record : records) journal.emplace_back(record.bytes);
  } while (!records.empty());
  return journal;
}

absl::StatusOr<std::vector<LiveSource>> TaskVerifier::OpenSources() {
  std::vector<LiveSource> sources;
  for (const SourceConfig& source : file_.sources) {
    EBB_ASSIGN_OR_RETURN(std::unique_ptr<LiveLog> log, Open(CapturedTopic::Role::kSource, source.schema.name));
    sources.push_back({&source.schema, std::move(log), NewTopicDecoder(source), source.slot_count()});
  }
  return sources;
}

absl::Status TaskVerifier::OpenOutputs() {
  for (int s = 0; s < kStreamCount; ++s) {
    if (OutputOf(file_, static_cast<Stream>(s)).topic.empty()) continue;
    EBB_ASSIGN_OR_RETURN(std::unique_ptr<LiveLog> log,
                         Open(CapturedTopic::Role::kOutput, std::string(StreamName(static_cast<Stream>(s)))));
    sent_[s] = std::make_unique<SentLines>(std::move(log));
  }
  return absl::OkStatus();
}

void TaskVerifier::Compare(int64_t epoch, const std::vector<OutputMessage>& messages) {
  ++report_.epochs;
  for (const OutputMessage& message : messages) {
    SentLines* sent = sent_[static_cast<int>(message.stream)].get();
    if (sent == nullptr || !failure_.ok() || !report_.difference.empty()) continue;
    const absl::StatusOr<const RawRecord*> line = sent->Next();
    if (!line.ok()) {
      failure_ = line.status();
      return;
    }
    const std::string difference = Difference(message, *line);
    int64_t& identical = report_.identical[static_cast<int>(message.stream)];
    if (difference.empty()) {
      ++identical;
    } else {
      report_.difference = fmt::format("task {}, epoch {}, {} of customer '{}': {}", task_, epoch,
                                       StreamName(message.stream), message.key, difference);
    }
  }
}

absl::Status TaskVerifier::Run() {
  EBB_ASSIGN_OR_RETURN(std::vector<std::string> journal, ReadJournal());
  EBB_ASSIGN_OR_RETURN(std::vector<LiveSource> sources, OpenSources());
  EBB_RETURN_IF_ERROR(OpenOutputs());
  if (journal.empty()) return absl::OkStatus();  // nothing was ever committed
  const std::unique_ptr<StateStore> store = NewMemoryStore();
  KeptJournal delivery(std::move(journal));
  LiveOptions options;
  options.task = task_;
  LiveParts parts;
  parts.pipeline = file_.plan.pipeline;
  parts.fingerprint = file_.plan.fingerprint;
  parts.layout = pipeline_.layout();
  parts.work = pipeline_.NewOperator();
  parts.store = store.get();
  parts.delivery = &delivery;
  parts.meeting = pipeline_.NewMeeting({task_, index_.tasks});
  parts.redone = [this](int64_t epoch, const std::vector<OutputMessage>& messages) { Compare(epoch, messages); };
  LiveTask task(options, std::move(parts), std::move(sources));
  EBB_RETURN_IF_ERROR(task.Recover());
  for (int64_t now = 0; task.epochs_left() > 0 && report_.difference.empty(); now += kStepMs) {
    const absl::Status stepped = task.Step(now, now).status();
    EBB_RETURN_IF_ERROR(failure_);
    if (!report_.difference.empty()) break;
    if (!stepped.ok()) return stepped;
  }
  report_.cursor = std::max(report_.cursor, task.progress().cursor);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ParityReport> VerifyCapture(const PipelineFile& file, const std::string& folder) {
  EBB_ASSIGN_OR_RETURN(const CaptureIndex index, ReadCaptureIndex(folder));
  if (index.pipeline != file.plan.pipeline || index.fingerprint != file.plan.fingerprint) {
    return absl::FailedPreconditionError(
        fmt::format("the capture is of pipeline '{}' with the fingerprint {}, not of '{}' with {}", index.pipeline,
                    index.fingerprint, file.plan.pipeline, file.plan.fingerprint));
  }
  EBB_ASSIGN_OR_RETURN(const std::unique_ptr<Pipeline> pipeline, Pipeline::Build(file.plan));
  ParityReport report;
  report.tasks = index.tasks;
  for (int32_t task = 0; task < index.tasks && report.difference.empty(); ++task) {
    EBB_RETURN_IF_ERROR(TaskVerifier(file, *pipeline, index, folder, task, &report).Run());
  }
  return report;
}

}  // namespace ebb
