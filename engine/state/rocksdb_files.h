// A look at what RocksDB will find, before it does. RocksDB numbers all changes, and every file holds a stretch of the
// numbers; but it doesn't compare the stretches. Where a MANIFEST or a log lacks its end, or a log is lost, or written
// twice, it would make a state of what is left, with changes missing in its middle. And a table's blocks have
// checksums, but not of where they stand: in another's place a block is taken for it.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace ebb {

// DataLoss when the changes in the logs of the store in `directory` don't follow one another and those in its tables,
// without a gap and without doing one twice, or a table isn't the one that was written (known of tables since this was
// introduced). A log that is cut off or damaged ends there, as RocksDB has it, so a store whose last commits are lost
// is good. Damage that RocksDB itself will find is left to it. Reads all files.
absl::Status CheckFiles(const std::string& directory);

}  // namespace ebb
