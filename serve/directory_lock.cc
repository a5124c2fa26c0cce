// The lock is the kernel's (flock), so that nothing is left behind by a process that was killed.
#include "serve/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace ebb {

absl::StatusOr<std::unique_ptr<DirectoryLock>> DirectoryLock::Take(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return absl::InvalidArgumentError(
        fmt::format("the state directory {} can't be made: {}", directory, error.message()));
  }
  const std::string path = directory + "/instance";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return absl::InvalidArgumentError(fmt::format("{} can't be opened: {}", path, std::strerror(errno)));
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(file));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(fmt::format(
        "the state directory {} is in use by another process; give each process its own: --state DIR", directory));
  }
  char text[17] = "";
  if (pread(file, text, 16, 0) == 16) {
    lock->name_ = text;
    return lock;
  }
  uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) {
    return absl::InternalError(fmt::format("no random number for {}: {}", path, std::strerror(errno)));
  }
  lock->name_ = fmt::format("{:016x}", random);
  if (pwrite(file, lock->name_.data(), 16, 0) != 16 || fsync(file) != 0) {
    return absl::ResourceExhaustedError(fmt::format("{} can't be written: {}", path, std::strerror(errno)));
  }
  return lock;
}

DirectoryLock::~DirectoryLock() { close(file_); }

}  // namespace ebb
