// The ports of a task to the simulated Kafka, each with the steps of the real one (connectors/kafka): a delivery that
// takes over, reads the journal back and commits in transactions, and a log that is fetched in the background.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/stream/log.h"
#include "engine/task/delivery.h"
#include "tests/simulation/brokers.h"
#include "tests/simulation/input.h"

namespace ebb {

// What a task's ports share. All outlives them.
struct PortContext {
  Thread* thread;
  Network* network;
  Brokers* brokers;
  int task;
  int64_t timeout_ms;
  std::function<void()> ambush;  // called where a commit begins; may prepare the end of the process
};

// Confined to its task's thread.
class SimulatedDelivery : public Delivery {
 public:
  SimulatedDelivery(const PortContext& context, const Membership& membership, int64_t owner)
      : context_(context), membership_(membership), owner_(owner) {}

  absl::StatusOr<std::vector<std::string>> Open(int64_t first_epoch) override;
  absl::Status Commit(const EpochCommit& epoch) override;

 private:
  static constexpr size_t kRecordsPerRequest = 8;

  absl::Status Ask(Api api, int broker, const Network::Handler& handler, Reply* reply);
  absl::Status Produce(int log, const std::vector<OutputRecord>& records);
  absl::Status End();

  const PortContext context_;
  const Membership membership_;
  const int64_t owner_;
  Producer producer_;
  std::array<int64_t, kOutputLogs> sequences_{};
  int unanswered_ = 0;  // requests that may be handled at any later time
  bool opened_ = false;
  bool broken_ = false;
};

// Confined to its task's thread.
class SimulatedLog : public LiveLog {
 public:
  // Asks where the partition begins and ends.
  static absl::StatusOr<std::unique_ptr<SimulatedLog>> Open(const PortContext& context, const Input* input,
                                                            double read_failures);

  absl::Status Read(size_t max_records, std::vector<RawRecord>* out) override;
  absl::Status Seek(int64_t offset) override;
  const std::string& name() const override { return input_.partition().name; }
  const std::string& identity() const override { return input_.partition().name; }
  int64_t position() const override { return position_; }
  int64_t end_offset() const override { return end_; }

 private:
  SimulatedLog(const PortContext& context, const Input* input, double read_failures)
      : context_(context), input_(*input), read_failures_(read_failures) {}

  void Fetch();

  const PortContext context_;
  const Input& input_;
  const double read_failures_;
  int64_t low_ = 0, high_ = 0;  // when it was opened
  int64_t position_ = 0;
  int64_t fetched_to_ = 0;
  int64_t next_fetch_ms_ = 0;
  int64_t answered_ms_ = -1;
  int64_t end_ = -1;
  std::string bytes_;
};

}  // namespace ebb
