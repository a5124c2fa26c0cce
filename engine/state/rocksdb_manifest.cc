// Going from piece to piece by their lengths.
#include "engine/state/rocksdb_manifest.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "engine/state/rocksdb_log.h"

namespace ebb {
namespace {

// True when the stored checksum of the record is that of its type and some number of the bytes that follow.
bool ChecksumFitsAPrefix(std::string_view record) {
  const uint64_t stored = LogNumber(record, 4);
  uint32_t crc = ~0u;
  for (size_t i = kLogHeaderBytes - 1; i < record.size(); ++i) {
    crc = LogCrcStep(crc, record.substr(i, 1));
    if (MaskedLogCrc(crc) == stored) return true;
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
  while (manifest.size() - at >= kLogHeaderBytes) {
    size_t block_left = kLogBlockBytes - at % kLogBlockBytes;
    if (block_left < kLogHeaderBytes) {
      at += std::min(block_left, manifest.size() - at);
      continue;
    }
    size_t record_bytes = kLogHeaderBytes + LogNumber(manifest.substr(at + 4), 2);
    if (record_bytes > block_left) return true;
    if (record_bytes > manifest.size() - at) return ChecksumFitsAPrefix(manifest.substr(at));
    at += record_bytes;
  }
  return false;
}

absl::Status CheckManifest(const std::string& directory) {
  std::string name = FileBytes(directory + "/CURRENT");
  while (!name.empty() && name.back() == '\n') name.pop_back();
  if (!name.starts_with("MANIFEST-") || name.find('/') != std::string::npos) {
    return absl::DataLossError(
        fmt::format("the state in '{}' is damaged: its file CURRENT names no MANIFEST; restore it from a copy, or "
                    "remove it and replay",
                    directory));
  }
  if (!HasDamagedLength(FileBytes(directory + "/" + name))) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("the state in '{}' is damaged: its file {} has a record of the wrong length; restore it from a copy, "
                  "or remove it and replay",
                  directory, name));
}

}  // namespace ebb
