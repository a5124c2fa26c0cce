// 1. The MANIFEST says which tables there are, with their checksums, up to which number the changes are in them, and
//    which logs are still needed.
// 2. Each table must have its checksum.
// 3. The first record of the needed logs must not lie beyond the next number.
// 4. Every further record must begin where the one before it ended, from log to log.
#include "engine/state/rocksdb_files.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "engine/base/status_macros.h"
#include "engine/state/rocksdb_log.h"

namespace ebb {
namespace {

// Tags of the fields of the MANIFEST's records (db/version_edit.h of RocksDB 7.8).
enum Tag : uint64_t {
  kComparator = 1,
  kLogNumber = 2,
  kNextFileNumber = 3,
  kLastSequence = 4,
  kCompactCursor = 5,
  kDeletedFile = 6,
  kPrevLogNumber = 9,
  kMinLogNumberToKeep = 10,
  kNewFile4 = 103,
  kColumnFamily = 200,
  kMaxColumnFamily = 203,
  kMayBeIgnored = 1 << 13,  // a text, whatever it is
};
// Fields of a new table.
constexpr uint64_t kEndOfFileFields = 1;
constexpr uint64_t kFileChecksum = 7;

// Takes fields off a record. Confined to its task's thread.
class Fields {
 public:
  explicit Fields(std::string_view record) : rest_(record) {}

  uint64_t Number() {
    uint64_t number = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      number |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return number;
    }
    ok_ = false;
    return 0;
  }
  void SkipNumbers(int count) {
    for (int i = 0; i < count; ++i) Number();
  }
  std::string_view Text() {
    const uint64_t length = Number();
    ok_ = ok_ && length <= rest_.size();
    if (!ok_) return {};
    const std::string_view text = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return text;
  }
  bool ok() const { return ok_; }
  bool left() const { return ok_ && !rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// What the MANIFEST says, record by record.
struct Tables {
  uint64_t last_sequence = 0;
  uint64_t first_log = 0;
  std::map<uint64_t, std::string> checksums;  // by the number of the table: CRC-32C, big-endian; empty: not known
};

void ReadNewFile(Fields* fields, Tables* tables) {
  fields->Number();  // level
  std::string& checksum = tables->checksums[fields->Number()];
  fields->Number();  // size
  fields->Text();    // smallest and largest key
  fields->Text();
  fields->SkipNumbers(2);  // smallest and largest change
  while (fields->ok()) {
    const uint64_t tag = fields->Number();
    if (tag == kEndOfFileFields) return;
    const std::string_view value = fields->Text();
    if (tag == kFileChecksum) checksum = value;
  }
}

// False for a record with fields that ebb's stores don't have.
bool ReadEdit(std::string_view record, Tables* tables, std::optional<uint64_t>* last_sequence) {
  Fields fields(record);
  std::vector<uint64_t> deleted;
  Tables added;
  while (fields.left()) {
    const uint64_t tag = fields.Number();
    if ((tag & kMayBeIgnored) != 0 || tag == kComparator) {
      fields.Text();
    } else if (tag == kLogNumber) {
      tables->first_log = std::max(tables->first_log, fields.Number());
    } else if (tag == kLastSequence) {
      *last_sequence = fields.Number();
    } else if (tag == kCompactCursor) {
      fields.SkipNumbers(1);
      fields.Text();
    } else if (tag == kDeletedFile) {
      fields.Number();  // level
      deleted.push_back(fields.Number());
    } else if (tag == kNextFileNumber || tag == kPrevLogNumber || tag == kMinLogNumberToKeep || tag == kColumnFamily ||
               tag == kMaxColumnFamily) {
      fields.SkipNumbers(1);
    } else if (tag == kNewFile4) {
      ReadNewFile(&fields, &added);
    } else {
      return false;
    }
  }
  // A table that changes its level is taken away and added in one record.
  for (const uint64_t number : deleted) tables->checksums.erase(number);
  tables->checksums.merge(added.checksums);
  return fields.ok();
}

absl::Status Damaged(const std::string& directory, const std::string& what) {
  return absl::DataLossError(fmt::format(
      "the state in '{}' is damaged: {}; restore it from a copy, or remove it and replay", directory, what));
}

// Empty when RocksDB alone can judge it.
absl::StatusOr<std::optional<Tables>> ReadManifest(const std::string& directory, const std::string& name) {
  std::ifstream file(directory + "/" + name, std::ios::binary);
  LogReader reader(&file, std::numeric_limits<size_t>::max());
  Tables tables;
  std::string record;
  while (reader.Next(&record) == LogReader::Found::kRecord) {
    std::optional<uint64_t> last_sequence;
    if (!ReadEdit(record, &tables, &last_sequence)) return std::optional<Tables>();
    if (!last_sequence) continue;
    if (*last_sequence < tables.last_sequence) {
      return Damaged(directory, fmt::format("its file {} goes back from change {} to change {}", name,
                                            tables.last_sequence, *last_sequence));
    }
    tables.last_sequence = *last_sequence;
  }
  return std::optional<Tables>(tables);
}

std::map<uint64_t, std::string> LogsFrom(const std::string& directory, uint64_t first) {
  std::map<uint64_t, std::string> logs;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    uint64_t number = 0;
    const auto [stop, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (wrong == std::errc() && std::string_view(stop) == ".log" && number >= first) logs.emplace(number, name);
  }
  return logs;
}

// The checksum of a file as the MANIFEST has it; nothing when the file can't be read.
std::optional<std::string> ChecksumOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return std::nullopt;
  std::string block(size_t{256} << 10, '\0');
  uint32_t crc = ~0u;
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    crc = LogCrcStep(crc, std::string_view(block).substr(0, static_cast<size_t>(file.gcount())));
  }
  if (file.bad()) return std::nullopt;
  crc = ~crc;
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(crc >> shift);
  return bytes;
}

absl::Status CheckTables(const std::string& directory, const Tables& tables) {
  for (const auto& [number, checksum] : tables.checksums) {
    if (checksum.empty()) continue;
    const std::string name = fmt::format("{:06}.sst", number);
    const std::optional<std::string> found = ChecksumOf(directory + "/" + name);
    if (found && *found != checksum) {
      return Damaged(directory, fmt::format("its file {} has another checksum than when it was written", name));
    }
  }
  return absl::OkStatus();
}

// Follows the changes through the logs.
absl::Status FollowLogs(const std::string& directory, const Tables& tables) {
  constexpr size_t kBatchHeaderBytes = 12;  // number of the first change (8 bytes), and how many there are (4)
  std::optional<uint64_t> next;
  bool cut_off = false;
  for (const auto& [number, name] : LogsFrom(directory, tables.first_log)) {
    std::ifstream file(directory + "/" + name, std::ios::binary);
    LogReader reader(&file, kBatchHeaderBytes);
    std::string record;
    LogReader::Found found;
    while ((found = reader.Next(&record)) == LogReader::Found::kRecord && record.size() == kBatchHeaderBytes) {
      const uint64_t first = LogNumber(record, 8);
      const bool follows = next ? first == *next : first <= tables.last_sequence + 1;
      // What doesn't follow on a damaged log isn't used: the state ends before it.
      if (!follows && cut_off) return absl::OkStatus();
      if (!follows) {
        return Damaged(directory, fmt::format("in its file {} change {} comes where change {} should", name, first,
                                              next.value_or(tables.last_sequence + 1)));
      }
      cut_off = false;
      next = first + LogNumber(std::string_view(record).substr(8), 4);
    }
    cut_off = cut_off || found != LogReader::Found::kEnd;
  }
  return absl::OkStatus();
}

absl::Status CheckOnce(const std::string& directory) {
  std::ifstream file(directory + "/CURRENT");
  std::string name;
  std::getline(file, name);
  EBB_ASSIGN_OR_RETURN(const std::optional<Tables> tables, ReadManifest(directory, name));
  if (!tables) return absl::OkStatus();
  EBB_RETURN_IF_ERROR(CheckTables(directory, *tables));
  return FollowLogs(directory, *tables);
}

}  // namespace

absl::Status CheckFiles(const std::string& directory) {
  // Who only looks may look while another process writes: a log that went into a table between two of our steps is
  // missing once, not three times.
  constexpr int kLooks = 3;
  absl::Status status;
  for (int look = 0; look < kLooks; ++look) {
    status = CheckOnce(directory);
    if (status.ok()) break;
  }
  return status;
}

}  // namespace ebb
