// Files as logs: one record per line (JSON) or per CSV record, in the file's order, numbered from 0. The header line of
// a CSV file isn't a record.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/stream/log.h"
#include "engine/stream/schema.h"

namespace ebb {

struct FileOptions {
  size_t block_bytes = 1 << 20;  // read at once; at least 1
};

// Opens a file, compressed or not, and its decoder; "-" is standard input. `schema` outlives both. NotFound,
// PermissionDenied, InvalidArgument for a directory, a format that isn't read, a header without a wanted column, or
// when the first records' times are plainly in another unit than the schema declares.
// Of a pipe it waits for the first 64 KiB or the end.
absl::StatusOr<LogInput> OpenFile(const SourceSchema& schema, const std::string& path, FileOptions options = {});

// The files that a shell pattern (* ? [a-z]) names, in bytewise order; a path without pattern, or "-", names itself.
// NotFound when there is none, InvalidArgument when one is a directory.
absl::StatusOr<std::vector<std::string>> ExpandGlob(const std::string& pattern);

}  // namespace ebb
