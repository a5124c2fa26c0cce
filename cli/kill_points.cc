// Counting, and the store and sink that say where they are.
#include "cli/kill_points.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>

#include "engine/base/status_macros.h"

namespace ebb {
namespace {

// Confined to its task's thread.
class KilledStore : public StateStore {
 public:
  KilledStore(std::unique_ptr<StateStore> store, KillPoint reached)
      : store_(std::move(store)), reached_(std::move(reached)) {}

  absl::StatusOr<std::string> ReadProgress() override { return store_->ReadProgress(); }
  absl::StatusOr<std::vector<std::string>> ReadRows(const std::vector<std::string_view>& keys) override {
    reached_("thaw_begun");
    absl::StatusOr<std::vector<std::string>> rows = store_->ReadRows(keys);
    reached_("thawed");
    return rows;
  }
  absl::Status ScanRows(const std::function<absl::Status(std::string_view, std::string_view)>& visit) override {
    const absl::Status scanned = store_->ScanRows([this, &visit](std::string_view key, std::string_view row) {
      EBB_RETURN_IF_ERROR(visit(key, row));
      reached_("row_loaded");
      return absl::OkStatus();
    });
    if (scanned.ok()) reached_("rows_loaded");
    return scanned;
  }
  absl::Status Commit(const StateBatch& batch) override {
    reached_("state_begun");
    EBB_RETURN_IF_ERROR(store_->Commit(batch));
    reached_("state_written");
    return absl::OkStatus();
  }
  absl::Status Sync() override { return store_->Sync(); }
  absl::Status Checkpoint(const std::string& directory) override { return store_->Checkpoint(directory); }
  absl::StatusOr<std::unique_ptr<AwayTimers>> NewAwayTimers() override { return store_->NewAwayTimers(); }

 private:
  const std::unique_ptr<StateStore> store_;
  const KillPoint reached_;
};

// Confined to its task's thread.
class KilledSink : public Sink {
 public:
  KilledSink(Sink* sink, KillPoint reached) : sink_(sink), reached_(std::move(reached)) {}

  absl::Status Append(std::string_view lines) override {
    reached_("output_begun");
    EBB_RETURN_IF_ERROR(sink_->Append(lines.substr(0, lines.size() / 2)));
    reached_("output_half");
    EBB_RETURN_IF_ERROR(sink_->Append(lines.substr(lines.size() / 2)));
    reached_("output_appended");
    return absl::OkStatus();
  }
  absl::Status Sync() override {
    EBB_RETURN_IF_ERROR(sink_->Sync());
    reached_("output_synced");
    return absl::OkStatus();
  }
  int64_t bytes() const override { return sink_->bytes(); }

 private:
  Sink* const sink_;
  const KillPoint reached_;
};

}  // namespace

KillPoint KillPointOfEnvironment() {
  const char* text = std::getenv("EBB_TEST_KILL_AT");
  if (text == nullptr) return {};
  const std::string_view where(text);
  const size_t colon = where.find(':');
  auto left = std::make_shared<std::atomic<int>>(
      colon == std::string_view::npos ? 1 : std::atoi(std::string(where.substr(colon + 1)).c_str()));
  return [name = std::string(where.substr(0, colon)), left](std::string_view point) {
    if (point == name && --*left == 0) std::raise(SIGKILL);
  };
}

std::unique_ptr<StateStore> NewKilledStore(std::unique_ptr<StateStore> store, KillPoint reached) {
  return std::make_unique<KilledStore>(std::move(store), std::move(reached));
}

std::unique_ptr<Sink> NewKilledSink(Sink* sink, KillPoint reached) {
  return std::make_unique<KilledSink>(sink, std::move(reached));
}

}  // namespace ebb
