// An output file of JSON lines that is exactly once: its committed length stands in the state, and what a crash left
// behind it is cut off when the file is opened again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/task/sink.h"

namespace ebb {

// Confined to its task's thread.
class FileSink : public Sink {
 public:
  // Opens the file and cuts it to `committed_bytes`; -1 is a fresh run, which replaces the file. "-" is standard
  // output, which is neither cut nor synced. FailedPrecondition when the file is shorter than that, NotFound when its
  // directory doesn't exist.
  static absl::StatusOr<std::unique_ptr<FileSink>> Open(const std::string& path, int64_t committed_bytes);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  // Writes whole lines at the end. After an error, which may have written a part, every call returns that error: only
  // opening again at the committed length goes on. ResourceExhausted when the disk is full.
  absl::Status Append(std::string_view lines) override;
  // All that was appended survives a crash of the machine.
  absl::Status Sync() override;
  // The file's length with all that was appended.
  int64_t bytes() const override { return bytes_; }
  const std::string& path() const { return path_; }

 private:
  FileSink(std::string path, int descriptor, bool is_stdout, int64_t bytes)
      : path_(std::move(path)), descriptor_(descriptor), is_stdout_(is_stdout), bytes_(bytes) {}
  absl::Status Fail(std::string_view attempt, int error);

  const std::string path_;
  const int descriptor_;
  const bool is_stdout_;
  int64_t bytes_;
  absl::Status failure_;
};

}  // namespace ebb
