// Membership in the consumer group: which tasks are ours. A task is a partition number; the range assignment of equal
// partition counts brings equal numbers of all topics to the same member. This client fetches nothing: tasks read with
// consumers of their own (TaskConsumer), and are fenced by what is captured here when they are assigned.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/kafka/connection.h"

namespace ebb {

struct MembershipOptions {
  std::string group;
  std::string instance;  // of static membership: stable over restarts, unique in the group
  std::vector<std::string> topics;
};

// What an assignment says. Immutable after construction.
struct Assignment {
  std::vector<int32_t> tasks;  // ascending
  // For KafkaDelivery: valid for these tasks until they are revoked, and of no other use. (Metadata fetched later would
  // let a task that was lost commit.)
  std::string membership;
};

// Confined to its task's thread.
class Membership {
 public:
  struct Events {
    // All tasks of before have been given up by then.
    std::function<void(const Assignment&)> assigned;
    // All tasks must have stopped when it returns. `lost`: others may have them already, so nothing may be committed.
    std::function<void(bool lost)> revoked;
  };

  virtual ~Membership() = default;

  // Joins; the first assignment comes by Poll.
  static absl::StatusOr<std::unique_ptr<Membership>> Join(const KafkaConnection& connection,
                                                          const MembershipOptions& options, Events events);

  // Waits up to `timeout_ms` for something to happen; events are called from inside. To be called more often than the
  // group's max.poll.interval.ms. An error ends this membership. Aborted: somebody has joined under our name; that may
  // have been this process itself, when the answer to its own join came too late.
  virtual absl::Status Poll(int timeout_ms) = 0;
  // Calls `revoked` and leaves. A static member's tasks stay reserved for it until its session times out, so that a
  // quick restart moves nothing.
  virtual void Leave() = 0;
};

}  // namespace ebb
