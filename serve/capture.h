// A captured run: the topics that a pipeline reads and writes, as files in a folder. With them, and nothing else, the
// run can be done again and every line that it sent compared.
//
//   DIR/index                       the partitions, sealed by a checksum; written last
//   DIR/source.orders.0.records     one file per partition
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/pipeline.h"
#include "connectors/file/capture_file.h"

namespace ebb {

struct CapturedTopic {
  enum class Role : uint8_t { kSource, kOutput, kJournal };
  Role role = Role::kSource;
  std::string name;  // of the source or the stream; of the journal "journal"
  int32_t task = 0;  // partition
  CapturedPartition partition;
};

struct CaptureIndex {
  std::string pipeline, fingerprint;
  int32_t tasks = 0;
  std::vector<CapturedTopic> topics;

  // Null when it isn't there.
  const CapturedTopic* Find(CapturedTopic::Role role, std::string_view name, int32_t task) const;
};

// Copies every topic of the pipeline, from its oldest record to its end, into the folder, which is made. The journal
// first, so that whatever it tells of is there. `stop` is asked often; with true the capture is Cancelled. Errors as
// CheckTopics and TaskConsumer::Open say them; FailedPrecondition when the folder holds a capture already.
absl::StatusOr<CaptureIndex> CaptureTopics(const PipelineFile& file, const std::string& folder,
                                           const std::function<bool()>& stop);
// NotFound when the folder holds no complete capture; DataLoss when the index is damaged.
absl::StatusOr<CaptureIndex> ReadCaptureIndex(const std::string& folder);

}  // namespace ebb
