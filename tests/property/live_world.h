// The outside of live tasks, in memory: partitions that grow, a cluster that commits transactions and fences, a store
// that fails. Each call can fail before or after it took effect, by chance.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "engine/base/random.h"
#include "engine/base/status_macros.h"
#include "engine/state/store.h"
#include "engine/stream/log.h"
#include "engine/task/delivery.h"
#include "tests/property/live_model.h"

namespace ebb {

// One chance of failure for each kind of call, and how many there were.
struct Faults {
  Random random{0};
  double chance = 0;
  int64_t injected = 0;

  bool Strike() {
    if (!random.Chance(chance)) return false;
    ++injected;
    return true;
  }
};

// Confined to its task's thread.
class PartitionLog : public LiveLog {
 public:
  // `shy`: how often a read gives nothing although there is something; less often the end isn't known.
  PartitionLog(const Partition* partition, Faults* faults, double shy)
      : partition_(*partition), faults_(faults), shy_(shy), position_(partition->begin) {}

  absl::Status Read(size_t max_records, std::vector<RawRecord>* out) override {
    out->clear();
    if (faults_->Strike()) return absl::UnavailableError("reading " + name());
    if (position_ < partition_.begin) return absl::OutOfRangeError(fmt::format("{}: {} is gone", name(), position_));
    known_end_ = faults_->random.Chance(shy_ / 6) ? -1 : partition_.end;
    if (faults_->random.Chance(shy_)) return absl::OkStatus();
    auto next = std::lower_bound(partition_.entries.begin(), partition_.entries.end(), position_,
                                 [](const Partition::Entry& entry, int64_t offset) { return entry.offset < offset; });
    bytes_.assign(max_records * sizeof(MemoryRecord) + kReadPadding, '\0');
    for (size_t i = 0; i < max_records && next != partition_.entries.end(); ++i, ++next) {
      char* place = bytes_.data() + i * sizeof(MemoryRecord);
      std::memcpy(place, &next->record, sizeof(MemoryRecord));
      RawRecord raw{.offset = next->offset, .bytes = std::string_view(place, sizeof(MemoryRecord))};
      raw.append_time = next->append_time;
      raw.null_value = next->null_value;
      if (raw.null_value) raw.bytes = std::string_view(place, 0);
      out->push_back(raw);
      position_ = next->offset + 1;
    }
    if (out->empty()) position_ = partition_.end;  // what is left are gaps
    return absl::OkStatus();
  }
  absl::Status Seek(int64_t offset) override {
    if (offset < partition_.begin) {
      return absl::OutOfRangeError(
          fmt::format("{}: offset {} is gone, it begins at {}", name(), offset, partition_.begin));
    }
    position_ = offset;
    return absl::OkStatus();
  }
  const std::string& name() const override { return partition_.name; }
  const std::string& identity() const override { return partition_.name; }
  int64_t position() const override { return position_; }
  int64_t end_offset() const override { return known_end_; }

 private:
  const Partition& partition_;
  Faults* faults_;
  double shy_;
  int64_t position_;
  int64_t known_end_ = -1;
  std::string bytes_;
};

// What is committed for one task.
struct Cluster {
  std::vector<std::string> journal;
  std::vector<OutputMessage> messages;
  std::vector<size_t> messages_after;  // of each epoch
  std::vector<std::vector<LogOffset>> offsets;
  std::optional<EpochCommit> in_doubt;
  int64_t owners = 0;

  void Apply(const EpochCommit& epoch) {
    journal.push_back(epoch.journal);
    messages.insert(messages.end(), epoch.messages.begin(), epoch.messages.end());
    messages_after.push_back(messages.size());
    offsets.push_back(epoch.offsets);
  }
};

// One owner's handle on the cluster. Confined to its task's thread.
class ClusterDelivery : public Delivery {
 public:
  ClusterDelivery(Cluster* cluster, Faults* faults) : cluster_(*cluster), faults_(faults) {}

  absl::StatusOr<std::vector<std::string>> Open(int64_t first_epoch) override {
    owner_ = ++cluster_.owners;
    if (cluster_.in_doubt && faults_->random.Chance(0.5)) cluster_.Apply(*cluster_.in_doubt);
    cluster_.in_doubt.reset();
    if (faults_->Strike()) return absl::UnavailableError("opening the delivery");
    const auto skip = std::min(static_cast<size_t>(first_epoch - 1), cluster_.journal.size());
    return std::vector<std::string>(cluster_.journal.begin() + static_cast<int64_t>(skip), cluster_.journal.end());
  }
  absl::Status Commit(const EpochCommit& epoch) override {
    if (owner_ != cluster_.owners) return absl::AbortedError("fenced");
    if (faults_->Strike()) {
      const uint64_t what = faults_->random.Below(3);
      if (what == 1) cluster_.Apply(epoch);
      if (what == 2) cluster_.in_doubt = epoch;
      return absl::UnavailableError("committing");
    }
    cluster_.Apply(epoch);
    return absl::OkStatus();
  }

 private:
  Cluster& cluster_;
  Faults* faults_;
  int64_t owner_ = 0;
};

// Confined to its task's thread.
class FaultyStore : public StateStore {
 public:
  FaultyStore(StateStore* store, Faults* faults) : store_(*store), faults_(faults) {}

  absl::StatusOr<std::string> ReadProgress() override {
    if (faults_->Strike()) return absl::UnavailableError("reading the state");
    return store_.ReadProgress();
  }
  absl::StatusOr<std::vector<std::string>> ReadRows(const std::vector<std::string_view>& keys) override {
    return store_.ReadRows(keys);
  }
  absl::Status ScanRows(const std::function<absl::Status(std::string_view, std::string_view)>& visit) override {
    return store_.ScanRows(visit);
  }
  absl::Status Commit(const StateBatch& batch) override {
    if (faults_->Strike()) {
      if (faults_->random.Chance(0.5)) EBB_RETURN_IF_ERROR(store_.Commit(batch));
      return absl::UnavailableError("writing the state");
    }
    return store_.Commit(batch);
  }
  absl::Status Sync() override { return store_.Sync(); }

 private:
  StateStore& store_;
  Faults* faults_;
};

}  // namespace ebb
