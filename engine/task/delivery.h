// The delivery contract: what a live task gives to the outside, in transactions. A transaction holds the messages of
// one epoch, its journal record and the logs' offsets, and becomes visible as a whole. Connectors implement it;
// everything that decides something stands on the engine's side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/task/operator.h"

namespace ebb {

struct OutputMessage {
  Stream stream;
  std::string key;  // the customer; of a quarantined record "": its customer may be unknown
  std::string value;
};

struct LogOffset {
  uint16_t source;      // ordinal
  int64_t next_offset;  // the low offset: what a new owner re-reads from
};

// One epoch, ready to become visible.
struct EpochCommit {
  std::vector<OutputMessage> messages;  // in the one order
  std::string journal;                  // the encoded journal record
  std::vector<LogOffset> offsets;       // of every log of the task
};

// Confined to its task's thread.
class Delivery {
 public:
  virtual ~Delivery() = default;

  // Fences every earlier owner of this task and resolves what it left in doubt (committed or aborted), then returns the
  // journal records of the epochs >= `first_epoch`, oldest first, as they were committed; those that the journal has no
  // more are left out. Called once, before Commit.
  virtual absl::StatusOr<std::vector<std::string>> Open(int64_t first_epoch) = 0;
  // All of it becomes visible to readers of committed data, or nothing. After any error it isn't known which: this
  // object must not be used any more, and the task recovers (the next owner's Open tells the truth).
  virtual absl::Status Commit(const EpochCommit& epoch) = 0;
};

}  // namespace ebb
