// The store of tests and of replays that keep nothing: an ordered map. It holds what was committed and nothing else.
#include <map>
#include <set>

#include "engine/state/store.h"

namespace ebb {
namespace {

// Confined to its task's thread.
class MemoryStore final : public StateStore {
 public:
  absl::StatusOr<std::string> ReadProgress() override { return progress_; }

  absl::StatusOr<std::vector<std::string>> ReadRows(const std::vector<std::string_view>& keys) override {
    std::vector<std::string> rows;
    rows.reserve(keys.size());
    for (std::string_view key : keys) {
      auto found = rows_.find(key);
      rows.push_back(found == rows_.end() ? std::string() : found->second);
    }
    return rows;
  }

  absl::Status ScanRows(const std::function<absl::Status(std::string_view, std::string_view)>& visit) override {
    for (const auto& [key, row] : rows_) {
      if (absl::Status status = visit(key, row); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Commit(const StateBatch& batch) override {
    CheckAscending(batch);
    for (const auto& [key, row] : batch.rows) {
      auto place = rows_.lower_bound(key);
      bool present = place != rows_.end() && place->first == key;
      if (row.empty()) {
        if (present) rows_.erase(place);
      } else if (present) {
        place->second = row;
      } else {
        rows_.emplace_hint(place, key, row);
      }
    }
    progress_ = batch.progress;
    return absl::OkStatus();
  }

  absl::Status Sync() override { return absl::OkStatus(); }

 private:
  // Persistent, as far as memory is.
  std::map<std::string, std::string, std::less<>> rows_;
  std::string progress_;
};

// Confined to its task's thread.
class MemoryAwayTimers final : public AwayTimers {
 public:
  absl::Status Add(TimeMs time, std::string_view key) override {
    timers_.emplace(time, key);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<AwayTimer>> Take(TimeMs limit, size_t most) override {
    std::vector<AwayTimer> taken;
    while (!timers_.empty() && timers_.begin()->first < limit && taken.size() < most) {
      auto [time, key] = std::move(timers_.extract(timers_.begin()).value());
      taken.push_back({time, std::move(key)});
    }
    return taken;
  }

  TimeMs earliest() const override { return timers_.empty() ? kAfterTime : timers_.begin()->first; }

 private:
  std::set<std::pair<TimeMs, std::string>> timers_;
};

}  // namespace

std::unique_ptr<AwayTimers> NewMemoryAwayTimers() { return std::make_unique<MemoryAwayTimers>(); }

std::unique_ptr<StateStore> NewMemoryStore() { return std::make_unique<MemoryStore>(); }

}  // namespace ebb
