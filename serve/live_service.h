// A pipeline as a service: a member of the consumer group that runs the tasks it is given, each on a thread of its own,
// and gives them up again when the group says so. What it knows of itself stands on the status board.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "config/pipeline.h"
#include "connectors/kafka/membership.h"
#include "connectors/kafka/topics.h"
#include "serve/directory_lock.h"
#include "serve/task_runner.h"

namespace ebb {

struct ServiceOptions {
  std::string directory;  // of the state; made if it isn't there
  bool create_topics = false;
  int32_t partitions = 0;  // of topics that are made; 0: as many as the sources have, or 4
  LiveOptions live;        // its memory is that of all tasks
  std::string snapshots;   // directory; empty: none
  DurationMs snapshot_interval = 10 * kMinute;
  int timeout_ms = 30000;                               // of a call to the cluster
  std::function<bool()> stop_requested;                 // asked several times a second
  std::function<void(std::string_view point)> reached;  // see TaskContext; also told of assigned and revoked
};

// Confined to its task's thread.
class LiveService {
 public:
  // Holds the directory. InvalidArgument when the pipeline can't be run live: no `kafka:`, or a source that is no
  // topic. FailedPrecondition when another process holds the directory. `file`, `log` and `board` outlive the service.
  static absl::StatusOr<std::unique_ptr<LiveService>> Open(const PipelineFile& file, ServiceOptions options,
                                                           const EventLog* log, StatusBoard* board);
  ~LiveService();

  // Works until a stop is requested, and then ends well: all that was done is committed. A cluster that can't be
  // reached is waited for. An error is what somebody has to do something about.
  absl::Status Run();

 private:
  LiveService(const PipelineFile& file, ServiceOptions options, const EventLog* log, StatusBoard* board);

  // OK, or no longer wanted.
  absl::Status CheckCluster();
  absl::StatusOr<TopicReport> CheckTopicsOnce();
  absl::Status BeMember();
  // OK when the membership ended because it is no longer wanted, or was lost but may be had again.
  absl::Status PollUntilStopped(Membership* member);
  void Assigned(const Assignment& assignment);
  void Revoked(bool lost);
  // An error when no task is left that works.
  absl::Status CheckTasks() const;
  bool stopping() const { return options_.stop_requested(); }
  void Wait(int64_t ms) const;

  const PipelineFile& file_;
  const ServiceOptions options_;
  const EventLog& log_;
  StatusBoard& board_;
  std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Watchdog> watchdog_;
  TaskContext context_;
  std::map<int32_t, std::unique_ptr<TaskRunner>> runners_;
};

}  // namespace ebb
