// A static member that repeats a join whose answer came late is fenced by itself, so being fenced once says nothing:
// the service joins anew. Two processes of one name fence each other again and again; whoever has been fenced for the
// fifth time within a minute gives up.
#include "serve/live_service.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "config/assemble.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr int kPollMs = 100;
constexpr int64_t kRetryMs = 2000;
constexpr size_t kMaxFenced = 5;
constexpr auto kFencedWithin = std::chrono::seconds(60);
constexpr int kStuckExitCode = 70;  // EX_SOFTWARE: whoever starts the service starts it again
constexpr DurationMs kJournalKept = 7 * kDay;
constexpr DurationMs kRereadAtMost = kDay;  // what a restart reads again is younger

DurationMs LongestWindow(const Plan& plan) {
  DurationMs longest = 0;
  for (const WindowPlan& window : plan.windows) longest = std::max(longest, window.length);
  return longest;
}

// Records must be there until two snapshots later, so that the loss of a disk and of a snapshot is no loss of state.
std::vector<TopicNeed> NeedsOf(const PipelineFile& file, DurationMs snapshot_interval) {
  std::vector<TopicNeed> needs;
  for (const SourceConfig& source : file.sources) {
    TopicNeed& need = needs.emplace_back();
    need.topic = source.location;
    need.named_by = fmt::format("source '{}'", source.schema.name);
    need.keep = source.schema.time.disorder + std::max(kRereadAtMost, 3 * snapshot_interval);
    need.rebuild = LongestWindow(file.plan);
  }
  for (int s = 0; s < kStreamCount; ++s) {
    const auto stream = static_cast<Stream>(s);
    const std::string& topic = OutputOf(file, stream).topic;
    if (topic.empty()) continue;
    TopicNeed& need = needs.emplace_back();
    need.topic = topic;
    need.use = TopicNeed::Use::kOutput;
    need.named_by = fmt::format("output '{}'", StreamName(stream));
  }
  TopicNeed& journal = needs.emplace_back();
  journal.topic = file.kafka->journal;
  journal.use = TopicNeed::Use::kJournal;
  journal.named_by = "the journal";
  journal.keep = std::max(kJournalKept, 3 * snapshot_interval);
  return needs;
}

absl::Status CheckLive(const PipelineFile& file) {
  if (!file.kafka) {
    return absl::InvalidArgumentError(
        fmt::format("{} has no `kafka:`, so there is nothing to run against; add kafka: {{brokers: \"HOST:9092\"}}, or "
                    "use ebb replay for files",
                    file.path));
  }
  for (const SourceConfig& source : file.sources) {
    if (source.origin != SourceConfig::Origin::kTopic) {
      return absl::InvalidArgumentError(
          fmt::format("source '{0}' is no topic; ebb run reads topics only: topic: NAME instead of '{1}'",
                      source.schema.name, source.origin == SourceConfig::Origin::kFile ? "file:" : "generate:"));
    }
    if (source.schema.format != Format::kJson) {
      return absl::InvalidArgumentError(
          fmt::format("source '{}' has the format csv; the records of a topic are JSON", source.schema.name));
    }
  }
  for (int s = 0; s < kStreamCount; ++s) {
    const auto stream = static_cast<Stream>(s);
    if (OutputOf(file, stream).file.empty()) continue;
    return absl::InvalidArgumentError(
        fmt::format("output '{}' goes to a file; ebb run writes topics only, since only they are exactly once: topic: "
                    "NAME",
                    StreamName(stream)));
  }
  if (file.alerts.topic.empty()) {
    return absl::InvalidArgumentError("the alerts go nowhere; add outputs: {alerts: {topic: NAME}}");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<LiveService>> LiveService::Open(const PipelineFile& file, ServiceOptions options,
                                                               const EventLog* log, StatusBoard* board) {
  EBB_RETURN_IF_ERROR(CheckLive(file));
  std::unique_ptr<LiveService> service(new LiveService(file, std::move(options), log, board));
  EBB_ASSIGN_OR_RETURN(service->pipeline_, Pipeline::Build(file.plan));
  EBB_ASSIGN_OR_RETURN(service->lock_, DirectoryLock::Take(service->options_.directory));
  service->context_.pipeline = service->pipeline_.get();
  return service;
}

LiveService::LiveService(const PipelineFile& file, ServiceOptions options, const EventLog* log, StatusBoard* board)
    : file_(file), options_(std::move(options)), log_(*log), board_(*board) {
  watchdog_ = std::make_unique<Watchdog>([log](const std::string& call, int64_t after_ms) {
    // A stuck call can't be called off. Nothing is lost with the process: it recovers when it is started again.
    log->Error("stuck", {{"call", call}, {"after_ms", after_ms}});
    _exit(kStuckExitCode);
  });
  context_.file = &file_;
  context_.connection = {file_.kafka->brokers, file_.kafka->client, [log](int level, std::string_view line) {
                           if (level <= 3) log->Warn("kafka", {{"text", line}});
                         }};
  context_.directory = options_.directory;
  context_.live = options_.live;
  context_.snapshots = options_.snapshots;
  context_.snapshot_interval = options_.snapshot_interval;
  context_.timeout_ms = options_.timeout_ms;
  context_.log = &log_;
  context_.board = &board_;
  context_.watchdog = watchdog_.get();
  context_.reached = options_.reached;
}

LiveService::~LiveService() { Revoked(true); }

void LiveService::Wait(int64_t ms) const {
  for (int64_t waited = 0; waited < ms && !stopping(); waited += kPollMs) {
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
}

absl::StatusOr<TopicReport> LiveService::CheckTopicsOnce() {
  TopicOptions options;
  options.create = options_.create_topics;
  options.partitions = options_.partitions;
  return CheckTopics(context_.connection, NeedsOf(file_, options_.snapshots.empty() ? 0 : options_.snapshot_interval),
                     options);
}

absl::Status LiveService::CheckCluster() {
  while (!stopping()) {
    absl::StatusOr<TopicReport> report = CheckTopicsOnce();
    if (report.ok()) {
      for (const std::string& warning : report->warnings) log_.Warn("topics", {{"text", warning}});
      log_.Info("topics", {{"cluster", report->cluster}, {"tasks", report->tasks}});
      context_.tasks = report->tasks;
      context_.cluster = report->cluster;
      board_.Update([](ServiceStatus* status) { status->trouble.clear(); });
      return absl::OkStatus();
    }
    if (IsForGood(report.status()) || absl::IsPermissionDenied(report.status())) return report.status();
    board_.Update([&](ServiceStatus* status) { status->trouble = std::string(report.status().message()); });
    log_.Warn("kafka_unavailable", {{"retry_in_ms", kRetryMs}, {"reason", report.status()}});
    Wait(kRetryMs);
  }
  return absl::OkStatus();
}

absl::Status LiveService::Run() {
  log_.Info("starting", {{"pipeline", file_.plan.pipeline},
                         {"fingerprint", file_.plan.fingerprint},
                         {"group", file_.kafka->group},
                         {"state", options_.directory},
                         {"librdkafka", KafkaLibraryVersion()}});
  absl::Status status = CheckCluster();
  if (status.ok() && !stopping()) status = BeMember();
  board_.Update([](ServiceStatus* now) { now->draining = true; });
  log_.Info("stopped", {{"state", options_.directory}});
  return status;
}

absl::Status LiveService::BeMember() {
  MembershipOptions options;
  options.group = file_.kafka->group;
  options.instance = file_.kafka->instance.empty() ? "ebb-" + lock_->name() : file_.kafka->instance;
  for (const SourceConfig& source : file_.sources) options.topics.push_back(source.location);
  std::deque<std::chrono::steady_clock::time_point> fenced;
  while (!stopping()) {
    log_.Info("joining", {{"group", options.group}, {"instance", options.instance}});
    EBB_ASSIGN_OR_RETURN(const std::unique_ptr<Membership> member,
                         Membership::Join(context_.connection, options,
                                          {[this](const Assignment& assignment) { Assigned(assignment); },
                                           [this](bool lost) { Revoked(lost); }}));
    const absl::Status status = PollUntilStopped(member.get());
    const bool for_good = IsForGood(status) || absl::IsPermissionDenied(status);
    if (status.ok() || for_good) {
      // The tasks that work end well, also when this process gives up.
      if (status.ok()) {
        board_.Update([](ServiceStatus* now) { now->draining = true; });
        log_.Info("draining", {{"tasks", runners_.size()}});
      }
      member->Leave();
      return status;
    }
    Revoked(true);
    log_.Warn("membership_lost", {{"reason", status}});
    if (absl::IsAborted(status)) {
      const auto now = std::chrono::steady_clock::now();
      fenced.push_back(now);
      while (now - fenced.front() > kFencedWithin) fenced.pop_front();
      if (fenced.size() >= kMaxFenced) return absl::FailedPreconditionError(status.message());
    }
    Wait(kRetryMs);
  }
  return absl::OkStatus();
}

absl::Status LiveService::PollUntilStopped(Membership* member) {
  while (!stopping()) {
    EBB_RETURN_IF_ERROR(member->Poll(kPollMs));
    EBB_RETURN_IF_ERROR(CheckTasks());
  }
  return absl::OkStatus();
}

absl::Status LiveService::CheckTasks() const {
  if (runners_.empty()) return absl::OkStatus();
  const bool all = std::all_of(runners_.begin(), runners_.end(), [](const auto& r) { return r.second->refused(); });
  if (!all) return absl::OkStatus();
  const ServiceStatus status = board_.Get();
  const auto& [number, task] = *status.tasks.begin();
  return absl::FailedPreconditionError(
      status.tasks.size() == 1
          ? fmt::format("task {}: {}", number, task.why)
          : fmt::format("none of the {} tasks can go on; task {}: {}", status.tasks.size(), number, task.why));
}

void LiveService::Assigned(const Assignment& assignment) {
  if (options_.reached) options_.reached("assigned");
  log_.Info("assigned", {{"tasks", fmt::format("{}", fmt::join(assignment.tasks, ","))}});
  board_.Update([&](ServiceStatus* status) {
    status->joined = true;
    ++status->assignments;
    for (int32_t task : assignment.tasks) status->tasks[task] = {};
  });
  for (int32_t task : assignment.tasks) {
    runners_[task] = std::make_unique<TaskRunner>(&context_, task, assignment.membership);
  }
}

void LiveService::Revoked(bool lost) {
  if (!runners_.empty()) {
    log_.Info("revoked", {{"lost", lost ? "yes" : "no"}});
    if (options_.reached) options_.reached("revoked");
  }
  for (const auto& [task, runner] : runners_) {
    runner->Stop(lost ? TaskRunner::End::kAbandon : TaskRunner::End::kFinish);
  }
  for (const auto& [task, runner] : runners_) runner->Wait();
  runners_.clear();
  board_.Update([](ServiceStatus* status) {
    status->joined = false;
    status->tasks.clear();
  });
}

}  // namespace ebb
