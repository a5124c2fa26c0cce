// AwayTimers on the disk.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/state/store.h"

namespace ebb {

// In `directory`, which is made anew, and removed with the object. Some three times `buffer_bytes` are held in memory.
absl::StatusOr<std::unique_ptr<AwayTimers>> OpenRocksDbAwayTimers(const std::string& directory, size_t buffer_bytes);

}  // namespace ebb
