// Both hashes as their clients compute them; murmur2 is Austin Appleby's MurmurHash2 with Kafka's seed.
#include "connectors/kafka/partitioner.h"

#include <array>

#include "engine/base/check.h"

namespace ebb {
namespace {

uint32_t Byte(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

uint32_t Murmur2(std::string_view key) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  uint32_t hash = 0x9747b28cU ^ static_cast<uint32_t>(key.size());
  size_t at = 0;
  for (; at + 4 <= key.size(); at += 4) {
    uint32_t k = Byte(key, at) | Byte(key, at + 1) << 8 | Byte(key, at + 2) << 16 | Byte(key, at + 3) << 24;
    k *= kMultiplier;
    k ^= k >> 24;
    hash = (hash * kMultiplier) ^ (k * kMultiplier);
  }
  const size_t rest = key.size() - at;
  if (rest >= 3) hash ^= Byte(key, at + 2) << 16;
  if (rest >= 2) hash ^= Byte(key, at + 1) << 8;
  if (rest >= 1) hash = (hash ^ Byte(key, at)) * kMultiplier;
  hash ^= hash >> 13;
  hash *= kMultiplier;
  return hash ^ hash >> 15;
}

// CRC-32 with the polynomial of zlib.
uint32_t Crc32(std::string_view key) {
  static const std::array<uint32_t, 256> kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320U : 0);
      table[i] = value;
    }
    return table;
  }();
  uint32_t crc = ~0U;
  for (size_t i = 0; i < key.size(); ++i) crc = (crc >> 8) ^ kTable[(crc ^ Byte(key, i)) & 0xff];
  return ~crc;
}

}  // namespace

int32_t PartitionOf(Partitioner partitioner, std::string_view key, int32_t partitions) {
  EBB_CHECK(partitions > 0 && partitioner != Partitioner::kNone);
  if (partitioner == Partitioner::kMurmur2) {
    return static_cast<int32_t>(Murmur2(key) & 0x7fffffffU) % partitions;
  }
  return static_cast<int32_t>(Crc32(key) % static_cast<uint32_t>(partitions));
}

}  // namespace ebb
