// The MANIFEST is a log of blocks of 32 KiB. A record: masked CRC-32C of type and payload (4 bytes), payload length
// (2), type (1), payload; no record crosses a block, and a block's last bytes stay empty where no header fits.
#include "engine/state/rocksdb_manifest.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace ebb {
namespace {

constexpr size_t kBlockBytes = 32768;
constexpr size_t kHeaderBytes = 7;

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0u);
    table[byte] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

uint32_t Byte(std::string_view bytes, size_t at) { return static_cast<unsigned char>(bytes[at]); }

// True when the stored checksum of the record is that of its type and some number of the bytes that follow.
bool ChecksumFitsAPrefix(std::string_view record) {
  uint32_t stored = Byte(record, 0) | Byte(record, 1) << 8 | Byte(record, 2) << 16 | Byte(record, 3) << 24;
  uint32_t crc = ~0u;
  for (size_t i = kHeaderBytes - 1; i < record.size(); ++i) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ Byte(record, i)) & 0xFF];
    uint32_t sum = ~crc;
    if (((sum >> 15) | (sum << 17)) + 0xA282EAD8u == stored) return true;
  }
  return false;
}

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

bool HasDamagedLength(std::string_view manifest) {
  size_t at = 0;
  while (manifest.size() - at >= kHeaderBytes) {
    size_t block_left = kBlockBytes - at % kBlockBytes;
    if (block_left < kHeaderBytes) {
      at += std::min(block_left, manifest.size() - at);
      continue;
    }
    size_t record_bytes = kHeaderBytes + (Byte(manifest, at + 4) | Byte(manifest, at + 5) << 8);
    if (record_bytes > block_left) return true;
    if (record_bytes > manifest.size() - at) return ChecksumFitsAPrefix(manifest.substr(at));
    at += record_bytes;
  }
  return false;
}

absl::Status CheckManifest(const std::string& directory) {
  std::string name = FileBytes(directory + "/CURRENT");
  while (!name.empty() && name.back() == '\n') name.pop_back();
  if (!HasDamagedLength(FileBytes(directory + "/" + name))) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("the state in '{}' is damaged: its file {} has a record of the wrong length; restore it from a copy, "
                  "or remove it "
                  "and replay",
                  directory, name));
}

}  // namespace ebb
