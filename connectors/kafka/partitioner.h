// The partition that a producer puts a key into. Two producers with different partitioners send one customer's records
// to different tasks, and every feature of that customer is silently wrong; so it is checked record by record.
#pragma once

#include <cstdint>
#include <string_view>

namespace ebb {

// murmur2: Java's default. crc32: librdkafka's default, and that of clients built on it (Python, Go, .NET, ...).
enum class Partitioner : uint8_t { kNone, kMurmur2, kCrc32 };

// What becomes of a record that lies in another partition than its key says.
enum class MisplacedRecords : uint8_t { kFail, kQuarantine, kWarn };

// `partitions` > 0; `partitioner` is not kNone.
int32_t PartitionOf(Partitioner partitioner, std::string_view key, int32_t partitions);

}  // namespace ebb
