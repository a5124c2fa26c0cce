// What a partition held, in a file: every record with its offset, append time, key and bytes, whatever these are. Such
// a file is a live log that never grows, so that what ran on the partition can be done again without the cluster.
//
//   OFFSET APPEND_TIME KEY_BYTES VALUE_BYTES      (VALUE_BYTES -1: no value at all)
//   the key
//   the value
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "connectors/file/file_sink.h"
#include "engine/stream/log.h"

namespace ebb {

// What else must be known of the partition. Plain data.
struct CapturedPartition {
  std::string file;                // its name in the folder
  std::string name, identity;      // the log's
  int64_t begin = 0, end = 0;      // offsets
  int64_t records = 0, bytes = 0;  // of the file
  uint64_t checksum = 0;           // of the file's bytes
};

// Confined to its task's thread.
class CaptureWriter {
 public:
  static absl::StatusOr<std::unique_ptr<CaptureWriter>> Open(const std::string& path);

  absl::Status Append(const RawRecord& record);
  // All is on the disk; fills in records, bytes and checksum.
  absl::Status Finish(CapturedPartition* partition);

 private:
  explicit CaptureWriter(std::unique_ptr<FileSink> sink) : sink_(std::move(sink)) {}
  absl::Status Flush();

  const std::unique_ptr<FileSink> sink_;
  std::string waiting_;
  int64_t records_ = 0;
  uint64_t checksum_ = 0;
};

// The file as the log that it was. DataLoss by the Read that meets what isn't as it was written. NotFound as OpenFile.
absl::StatusOr<std::unique_ptr<LiveLog>> OpenCaptured(const std::string& folder, const CapturedPartition& partition);

}  // namespace ebb
