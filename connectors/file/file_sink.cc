// Writing and syncing with every error kept: after a failed fsync the kernel may have dropped the pages, so trying
// again would report a success that isn't one.
#include "connectors/file/file_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "engine/base/status_macros.h"

namespace ebb {
namespace {

absl::Status WriteError(std::string_view attempt, const std::string& path, int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(fmt::format("{} {} failed: no space is left on its disk", attempt, path));
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(fmt::format("{} {} failed: its directory does not exist", attempt, path));
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(fmt::format("{} {} failed: no permission to write it", attempt, path));
    case EISDIR:
      return absl::InvalidArgumentError(fmt::format("{} {} failed: it is a directory", attempt, path));
    default:
      return absl::ErrnoToStatus(error, fmt::format("{} {} failed", attempt, path));
  }
}

int FsyncRetrying(int descriptor) {
  int result;
  do {
    result = fsync(descriptor);
  } while (result != 0 && errno == EINTR);
  return result;
}

// Makes a new file's name survive a crash, too.
absl::Status SyncDirectory(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return WriteError("opening the directory of", path, errno);
  const int result = FsyncRetrying(descriptor);
  const int error = errno;
  close(descriptor);
  // Some file systems can't sync a directory; they say EINVAL.
  if (result != 0 && error != EINVAL) return WriteError("syncing the directory of", path, error);
  return absl::OkStatus();
}

absl::Status CutTo(int descriptor, const std::string& path, int64_t committed_bytes) {
  struct stat facts;
  if (fstat(descriptor, &facts) != 0) return WriteError("opening", path, errno);
  if (!S_ISREG(facts.st_mode)) {
    if (committed_bytes <= 0) return absl::OkStatus();  // a device or a pipe has no length
    return absl::FailedPreconditionError(fmt::format("{} is not a regular file, so it can't be continued", path));
  }
  if (facts.st_size < committed_bytes) {
    return absl::FailedPreconditionError(
        fmt::format("{} was truncated or replaced: it has {} bytes, but {} bytes of it were committed", path,
                    static_cast<int64_t>(facts.st_size), committed_bytes));
  }
  const int64_t length = committed_bytes < 0 ? 0 : committed_bytes;
  if (ftruncate(descriptor, length) != 0) return WriteError("cutting", path, errno);
  if (lseek(descriptor, length, SEEK_SET) < 0) return WriteError("opening", path, errno);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileSink>> FileSink::Open(const std::string& path, int64_t committed_bytes) {
  const int64_t bytes = committed_bytes < 0 ? 0 : committed_bytes;
  if (path == "-") return std::unique_ptr<FileSink>(new FileSink(path, STDOUT_FILENO, true, bytes));
  constexpr mode_t kMode = 0666;  // narrowed by the umask
  // A file that should hold committed lines isn't made anew.
  const int create = committed_bytes > 0 ? 0 : O_CREAT;
  const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC | create, kMode);
  if (descriptor < 0) {
    if (errno == ENOENT && committed_bytes > 0) {
      return absl::FailedPreconditionError(
          fmt::format("{} was removed: {} bytes of it were committed", path, committed_bytes));
    }
    return WriteError("opening", path, errno);
  }
  std::unique_ptr<FileSink> sink(new FileSink(path, descriptor, false, bytes));
  EBB_RETURN_IF_ERROR(CutTo(descriptor, path, committed_bytes));
  if (create != 0) EBB_RETURN_IF_ERROR(SyncDirectory(path));
  return sink;
}

FileSink::~FileSink() {
  if (!is_stdout_) close(descriptor_);
}

absl::Status FileSink::Fail(std::string_view attempt, int error) {
  failure_ = WriteError(attempt, is_stdout_ ? "standard output" : path_, error);
  return failure_;
}

absl::Status FileSink::Append(std::string_view lines) {
  EBB_RETURN_IF_ERROR(failure_);
  while (!lines.empty()) {
    const ssize_t written = write(descriptor_, lines.data(), lines.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return Fail("writing", errno);
    }
    bytes_ += written;
    lines.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status FileSink::Sync() {
  EBB_RETURN_IF_ERROR(failure_);
  // EINVAL and ENOTSUP: a device or a pipe, which has nothing to sync.
  if (is_stdout_ || FsyncRetrying(descriptor_) == 0 || errno == EINVAL || errno == ENOTSUP) return absl::OkStatus();
  return Fail("syncing", errno);
}

}  // namespace ebb
