// Requests between processes and brokers. A request may be lost, be slow, be handled with its reply lost, or stay in a
// connection that was given up and be handled long after the same request was sent again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/task/delivery.h"
#include "tests/simulation/machine.h"

namespace ebb {

enum class Api : uint8_t {
  kInitProducer,
  kAddPartitions,
  kProduce,
  kAddOffsets,
  kCommitOffsets,
  kEndTransaction,
  kAskEnds,
  kFetchJournal,
  kJoinGroup,
  kHeartbeat,
};
std::string_view ApiName(Api api);

// As far as the difference matters to a client.
enum class KafkaError : uint8_t {
  kNone,
  kTimedOut,     // no answer came in time: it isn't known whether the request was handled
  kConcurrent,   // the transaction before is still being ended, or the group is still gathering: ask again
  kFenced,       // a newer epoch of the producer exists
  kBadState,     // the transaction isn't in a state for that
  kGeneration,   // the member isn't of this generation of the group, or of none
  kInstance,     // another process has joined under the member's name
  kRebalancing,  // the group gathers: join again
};
std::string_view KafkaErrorName(KafkaError error);

struct Reply {
  KafkaError error = KafkaError::kNone;
  int64_t number = 0;
  int64_t second = 0;
  std::vector<int64_t> numbers = {};
  std::vector<std::string> texts = {};
};

struct NetworkOptions {
  double lost = 0, reply_lost = 0, slow = 0, stuck = 0;
  int64_t latency_ms = 2;
  int64_t request_timeout_ms = 400;
};

// Confined to its task's thread.
class Network {
 public:
  static constexpr int kBrokers = 3;
  using Handler = std::function<Reply()>;

  Network(Scheduler* scheduler, const NetworkOptions& options) : scheduler_(*scheduler), options_(options) {}

  // From inside a thread. Sends again after each request_timeout, and after answers that ask for it, until `for_ms`
  // have passed; then kTimedOut or the last answer. `unanswered`: the copies that got no answer are added to it.
  Reply Call(Thread* thread, Api api, int broker, int64_t for_ms, const Handler& handler, int* unanswered = nullptr);

  bool away(int broker) const { return scheduler_.now_ms() < away_until_ms_[broker]; }
  void SetAway(int broker, int64_t ms) { away_until_ms_[broker] = scheduler_.now_ms() + ms; }

 private:
  struct Exchange;

  void Send(const std::shared_ptr<Exchange>& exchange);
  // `wait`: of the attempt whose copy this is.
  void Deliver(const std::shared_ptr<Exchange>& exchange, uint64_t wait);

  Scheduler& scheduler_;
  const NetworkOptions options_;
  int64_t away_until_ms_[kBrokers] = {};
};

}  // namespace ebb
