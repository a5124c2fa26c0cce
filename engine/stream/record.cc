// The hashes of keys and texts: xxh3-64, the same on every machine; part of the state's format.
#include "engine/stream/record.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ebb {

uint64_t HashKey(std::string_view key) { return XXH3_64bits(key.data(), key.size()); }

int64_t HashText(std::string_view text) { return static_cast<int64_t>(XXH3_64bits(text.data(), text.size())); }

}  // namespace ebb
