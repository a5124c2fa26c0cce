// The partitions of one task, read by a consumer of its own: partition p of every topic, each as a LiveLog. A consumer
// per task (beside the one that is member of the group) makes tasks crash-only: whatever is wrong with one is thrown
// away as a whole. Where reading begins is said by Seek, never by a committed offset.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/kafka/connection.h"
#include "connectors/kafka/partitioner.h"
#include "engine/stream/log.h"

namespace ebb {

// One partition to read.
struct PartitionSpec {
  std::string topic;
  int32_t partition = 0;
  int32_t partitions = 0;  // of the topic, for the check of keys
  Partitioner partitioner = Partitioner::kNone;
  MisplacedRecords misplaced = MisplacedRecords::kFail;
};

// Confined to its task's thread.
class TaskConsumer {
 public:
  struct Figures {
    int64_t records = 0;
    int64_t bytes = 0;      // of values
    int64_t repeated = 0;   // below the expected offset, dropped
    int64_t misplaced = 0;  // in another partition than the key says
    int64_t end_offset = -1;
    int64_t position = 0;
  };

  virtual ~TaskConsumer() = default;

  // Asks the brokers where the partitions begin and end, which takes up to `timeout_ms`; a log that no Seek moves
  // begins at its oldest record. Unavailable, PermissionDenied or NotFound as KafkaClient::Failure says.
  static absl::StatusOr<std::unique_ptr<TaskConsumer>> Open(const KafkaConnection& connection,
                                                            std::vector<PartitionSpec> partitions, int timeout_ms);

  // A log per partition, in the order they were given. The logs may be destroyed in any order, before or after this.
  virtual std::vector<std::unique_ptr<LiveLog>> TakeLogs() = 0;
  // Returns when a log has records that came since the last wait, or after `timeout_ms`.
  virtual void WaitForRecords(int timeout_ms) = 0;
  // By partition, in the order they were given.
  virtual Figures figures(size_t partition) const = 0;
};

}  // namespace ebb
