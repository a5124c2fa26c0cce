// RocksDB's errors as ours: one sentence that says what was attempted and what to do, and the code that store.h
// promises.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace rocksdb {
class Status;
}  // namespace rocksdb

namespace ebb {

// `attempt` is what failed, as in "commit to the state"; `directory` is the store's. `status` isn't OK.
absl::Status StateError(const std::string& attempt, const std::string& directory, const rocksdb::Status& status);

}  // namespace ebb
