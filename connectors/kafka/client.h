// One librdkafka client: how each kind is configured, and what its errors mean to people. Used inside this folder.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "connectors/kafka/connection.h"

struct rd_kafka_s;
struct rd_kafka_error_s;

namespace ebb {

// What connections have complained of lately. Thread-safe.
class ConnectionTrouble {
 public:
  void Note(std::string_view line);
  std::string last() const;
  bool refused_credentials() const { return refused_credentials_; }

 private:
  mutable std::mutex mutex_;
  std::string last_;  // guarded by mutex_
  std::atomic<bool> refused_credentials_{false};
};

// When each broker last answered a fetch, by a monotonic clock: an end of a partition that was heard of long ago says
// nothing. Thread-safe.
class FetchAnswers {
 public:
  void Note(int32_t broker);
  // Whether this broker, or any when it has been silent for very long (the partition may have moved), answered lately.
  bool Fresh(int32_t broker) const;

 private:
  static constexpr int kBrokers = 64;  // a broker shares its place with those of the same remainder

  std::atomic<int64_t> answered_ms_[kBrokers]{};
  std::atomic<int64_t> any_ms_{0};
};

// Whether a request of a transaction went without an answer. librdkafka sends it again by itself, and the first copy,
// if it still lies somewhere, may be handled at any later time under the same epoch of the producer, even in the middle
// of its next transaction (KIP-890). Thread-safe.
class StrayRequests {
 public:
  void NoteUnanswered(int16_t request);
  bool any() const { return any_; }

 private:
  std::atomic<bool> any_{false};
};

// Milliseconds of a monotonic clock.
int64_t MonotonicMs();

using Properties = std::vector<std::pair<std::string, std::string>>;

// Confined to its task's thread.
class KafkaClient {
 public:
  enum class Kind : uint8_t { kReader, kWriter, kMember, kAdmin };

  // Callbacks of a kind, to be set before the client is made. `conf` is an rd_kafka_conf_t*.
  using Configure = std::function<void(void* conf)>;

  // InvalidArgument when librdkafka refuses a property. `more` wins over what is pinned.
  static absl::StatusOr<std::unique_ptr<KafkaClient>> Make(const KafkaConnection& connection, Kind kind,
                                                           const Properties& more = {},
                                                           const Configure& configure = {});
  ~KafkaClient();
  KafkaClient(const KafkaClient&) = delete;
  KafkaClient& operator=(const KafkaClient&) = delete;

  rd_kafka_s* get() const { return handle_; }
  const KafkaConnection& connection() const { return connection_; }
  const FetchAnswers& answers() const { return answers_; }
  // Of a writer.
  const StrayRequests& strays() const { return strays_; }
  // Whoever handles this client's callbacks.
  void set_owner(void* owner) { owner_ = owner; }
  void* owner() const { return owner_; }

  // The first and one past the last offset of a partition. A partition that has no leader for now (a topic that was
  // just made, a broker that went away) is asked again until `timeout_ms` have passed.
  absl::Status AskEnds(const std::string& topic, int32_t partition, int timeout_ms, int64_t* low, int64_t* end) const;

  // What went wrong, for people: `attempt` failed for `code` (an rd_kafka_resp_err_t). Unavailable: try again later;
  // PermissionDenied: credentials or rights; Aborted: another has taken over; OutOfRange: records are gone; Internal:
  // the rest.
  absl::Status Failure(std::string_view attempt, int code, std::string_view text = {}) const;
  // The same for an error object, which is destroyed; OK for null.
  absl::Status Failure(std::string_view attempt, rd_kafka_error_s* error) const;

 private:
  explicit KafkaClient(KafkaConnection connection) : connection_(std::move(connection)) {}

  const KafkaConnection connection_;
  ConnectionTrouble trouble_;
  FetchAnswers answers_;
  StrayRequests strays_;
  rd_kafka_s* handle_ = nullptr;
  void* owner_ = nullptr;

  friend struct KafkaCallbacks;
};

}  // namespace ebb
