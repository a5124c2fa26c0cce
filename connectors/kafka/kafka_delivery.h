// A task's delivery as a Kafka transaction: messages, journal record and offsets become visible together. The
// transactional id is the group's name and the task's number, so that opening it fences whoever had the task before.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/kafka/connection.h"
#include "connectors/kafka/watchdog.h"
#include "engine/task/delivery.h"

namespace ebb {

struct KafkaDeliveryOptions {
  std::string pipeline;
  std::string group;
  int32_t task = 0;              // the partition of every topic
  std::string group_membership;  // captured when the task was assigned (Membership); empty: offsets aren't committed
  std::array<std::string, kStreamCount> topics;  // by stream; "": counted, not sent
  std::string journal_topic;
  std::vector<std::string> source_topics;  // by ordinal
  // The epoch of a journal record. An error says that it can't be read.
  std::function<absl::StatusOr<int64_t>(std::string_view record)> epoch_of;
  int timeout_ms = 30000;  // of each call
  Watchdog* watchdog = nullptr;
  // Told of the points taken_over, journal_read, commit_begun, commit_sent and committed; for tests that stop the
  // process there.
  std::function<void(std::string_view point)> reached;
  // The wall clock in milliseconds, for the header `emitted_at`, which is no part of any result.
  std::function<int64_t()> wall_now_ms;
};

std::unique_ptr<Delivery> NewKafkaDelivery(const KafkaConnection& connection, KafkaDeliveryOptions options);

}  // namespace ebb
