// A state directory that belongs to one process at a time, and the name under which that process is known in its group:
// made once and kept there, so that a restart keeps its tasks.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace ebb {

// Held until it is destroyed, or the process ends in whatever way. Confined to its task's thread.
class DirectoryLock {
 public:
  // Makes the directory if it isn't there. FailedPrecondition when another process holds it.
  static absl::StatusOr<std::unique_ptr<DirectoryLock>> Take(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  // 16 hexadecimal digits, the same for the life of the directory.
  const std::string& name() const { return name_; }

 private:
  explicit DirectoryLock(int file) : file_(file) {}

  const int file_;
  std::string name_;
};

}  // namespace ebb
