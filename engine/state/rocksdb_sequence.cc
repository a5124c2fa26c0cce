// 1. The MANIFEST says up to which number the changes are in tables, and which logs are still needed.
// 2. The first record of the needed logs must not lie beyond the next number.
// 3. Every further record must begin where the one before it ended, from log to log.
#include "engine/state/rocksdb_sequence.h"

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
constexpr uint64_t kEndOfFileFields = 1;

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
  void SkipText() {
    const uint64_t length = Number();
    ok_ = ok_ && length <= rest_.size();
    if (ok_) rest_.remove_prefix(length);
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
};

void SkipNewFile(Fields* fields) {
  fields->SkipNumbers(3);  // level, number, size
  fields->SkipText();      // smallest and largest key
  fields->SkipText();
  fields->SkipNumbers(2);  // smallest and largest change
  while (fields->ok() && fields->Number() != kEndOfFileFields) fields->SkipText();
}

// False for a record with fields that ebb's stores don't have.
bool ReadEdit(std::string_view record, Tables* tables, std::optional<uint64_t>* last_sequence) {
  Fields fields(record);
  while (fields.left()) {
    const uint64_t tag = fields.Number();
    if ((tag & kMayBeIgnored) != 0 || tag == kComparator) {
      fields.SkipText();
    } else if (tag == kLogNumber) {
      tables->first_log = std::max(tables->first_log, fields.Number());
    } else if (tag == kLastSequence) {
      *last_sequence = fields.Number();
    } else if (tag == kCompactCursor) {
      fields.SkipNumbers(1);
      fields.SkipText();
    } else if (tag == kDeletedFile) {
      fields.SkipNumbers(2);
    } else if (tag == kNextFileNumber || tag == kPrevLogNumber || tag == kMinLogNumberToKeep || tag == kColumnFamily ||
               tag == kMaxColumnFamily) {
      fields.SkipNumbers(1);
    } else if (tag == kNewFile4) {
      SkipNewFile(&fields);
    } else {
      return false;
    }
  }
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
  return tables ? FollowLogs(directory, *tables) : absl::OkStatus();
}

}  // namespace

absl::Status CheckSequence(const std::string& directory) {
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
