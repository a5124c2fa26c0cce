// Topics as the cluster has them, held against what a pipeline needs, before anything runs: what would go wrong
// silently and late is refused at once, with what to do. Missing topics can be made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/kafka/connection.h"
#include "engine/stream/time.h"

namespace ebb {

struct TopicNeed {
  enum class Use : uint8_t { kSource, kOutput, kJournal };

  std::string topic;
  Use use = Use::kSource;
  std::string named_by;       // "source 'calls'", for messages
  DurationMs keep = 0;        // records must be there this long
  DurationMs rebuild = 0;     // and should be this long, so that a state that is lost can be made anew
  int64_t message_bytes = 0;  // the largest message that will be written
};

struct TopicReport {
  std::string cluster;                // its id
  int32_t tasks = 0;                  // partitions of every source
  std::vector<std::string> warnings;  // sentences
};

struct TopicOptions {
  bool create = false;     // make what is missing
  int32_t partitions = 0;  // of new topics when no source exists yet; 0: 4
  int timeout_ms = 10000;
};

// Unavailable or PermissionDenied when the cluster can't be asked; NotFound or FailedPrecondition with all problems,
// one sentence a line, when the topics don't fit.
absl::StatusOr<TopicReport> CheckTopics(const KafkaConnection& connection, const std::vector<TopicNeed>& needs,
                                        const TopicOptions& options);

}  // namespace ebb
