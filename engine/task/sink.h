// Where lines of output go: append-only, with a length that a commit can name and recovery can go back to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace ebb {

// Confined to its task's thread.
class Sink {
 public:
  virtual ~Sink() = default;

  // Adds whole lines. After an error the sink refuses everything.
  virtual absl::Status Append(std::string_view lines) = 0;
  // Returns when everything appended would survive a power loss.
  virtual absl::Status Sync() = 0;
  // Length so far; what a commit stores. -1: it can't be gone back to (standard output).
  virtual int64_t bytes() const = 0;
};

}  // namespace ebb
