// The mapping goes by RocksDB's codes where there are any; a lock held by another process has none, only a text.
#include "engine/state/rocksdb_error.h"

#include <algorithm>

#include <fmt/format.h>
#include <rocksdb/status.h>

namespace ebb {
namespace {

// RocksDB ends some of its texts with a line end.
std::string OnOneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

bool Says(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

}  // namespace

absl::Status StateError(const std::string& attempt, const std::string& directory, const rocksdb::Status& status) {
  std::string detail = OnOneLine(status.ToString());
  auto sentence = [&](std::string_view what) {
    return fmt::format("cannot {}: {}: directory '{}' ({})", attempt, what, directory, detail);
  };
  if (Says(detail, "lock hold by current process") || Says(detail, "While lock file")) {
    return absl::FailedPreconditionError(sentence("another process holds it; stop that one, or use another directory"));
  }
  if (status.IsNoSpace() || Says(detail, "No space left on device") || Says(detail, "Disk quota exceeded")) {
    return absl::ResourceExhaustedError(sentence("the disk is full; free some space and start again"));
  }
  if (Says(detail, "Permission denied") || Says(detail, "Read-only file system")) {
    return absl::PermissionDeniedError(sentence("this user may not use it"));
  }
  // Beyond these, an open store that lacks a file, or has one of a form that nobody wrote, is damaged.
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsNotSupported() || status.IsInvalidArgument()) {
    return absl::DataLossError(sentence("it is damaged; restore it from a copy, or remove it and replay"));
  }
  return absl::UnavailableError(sentence("the disk did not do what was asked"));
}

}  // namespace ebb
