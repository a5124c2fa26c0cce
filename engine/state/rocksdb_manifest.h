// A look at RocksDB's MANIFEST before RocksDB reads it. RocksDB takes a record that reaches beyond the file's end for
// one that a crash cut off, and forgets it and all that follows; but a damaged length looks the same, and then the
// store would silently go back to an older set of tables with the newest log on top.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace ebb {

// DataLoss when CURRENT of the store in `directory` names no MANIFEST, or one with a record whose length is damaged.
// Other damage is left to RocksDB, which finds it by checksums.
absl::Status CheckManifest(const std::string& directory);

// True when the last record of `manifest` reaches beyond its end although its checksum fits fewer bytes.
bool HasDamagedLength(std::string_view manifest);

}  // namespace ebb
