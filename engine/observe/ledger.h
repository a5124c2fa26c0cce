// The record ledger: for each source, read = used + late + filtered + duplicate + tombstone + quarantined, exactly.
// Every record is counted once, where it is released in the order, so that the figures belong to the committed state.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ebb {

// Counts of one source. `reasons` is indexed by the quarantine reason's number (engine/stream/reason.h).
struct SourceLedger {
  static constexpr int kReasons = 32;
  int64_t used = 0;
  int64_t late = 0;  // used, too, but behind the watermark: counted here and not in `used`
  int64_t filtered = 0;
  int64_t duplicate = 0;
  int64_t tombstone = 0;
  std::array<int64_t, kReasons> quarantined{};

  int64_t quarantined_total() const {
    int64_t sum = 0;
    for (int64_t count : quarantined) sum += count;
    return sum;
  }
  int64_t read() const { return used + late + filtered + duplicate + tombstone + quarantined_total(); }
  void Add(const SourceLedger& other) {
    used += other.used;
    late += other.late;
    filtered += other.filtered;
    duplicate += other.duplicate;
    tombstone += other.tombstone;
    for (int i = 0; i < kReasons; ++i) quarantined[i] += other.quarantined[i];
  }
};

}  // namespace ebb
