// The ways of a request.
#include "tests/simulation/network.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace ebb {
namespace {

constexpr int64_t kRetryMs = 30;
constexpr int64_t kLongestStuckMs = 4000;

}  // namespace

std::string_view ApiName(Api api) {
  static constexpr std::string_view kNames[] = {"init producer",  "add partitions",  "produce",  "add offsets",
                                                "commit offsets", "end transaction", "ask ends", "fetch journal",
                                                "join group",     "heartbeat"};
  return kNames[static_cast<size_t>(api)];
}

std::string_view KafkaErrorName(KafkaError error) {
  static constexpr std::string_view kNames[] = {"no error",  "timed out",  "concurrent", "fenced",
                                                "bad state", "generation", "instance",   "rebalancing"};
  return kNames[static_cast<size_t>(error)];
}

// One request with all its copies.
struct Network::Exchange {
  Api api;
  int broker;
  Handler handler;
  std::weak_ptr<Thread> thread;
  uint64_t wait = 0;  // of the attempt that waits
  int handled = 0;
  std::optional<Reply> reply;
};

Reply Network::Call(Thread* thread, Api api, int broker, int64_t for_ms, const Handler& handler, int* unanswered) {
  const int64_t deadline = scheduler_.now_ms() + for_ms;
  auto exchange = std::make_shared<Exchange>();
  exchange->api = api;
  exchange->broker = broker;
  exchange->handler = handler;
  exchange->thread = thread->weak_from_this();
  for (;;) {
    exchange->reply.reset();
    exchange->wait = thread->NextWait();
    Send(exchange);
    const int64_t patience = std::clamp<int64_t>(deadline - scheduler_.now_ms(), 1, options_.request_timeout_ms);
    scheduler_.After(patience, [waiting = exchange->thread, wait = exchange->wait] {
      if (const std::shared_ptr<Thread> alive = waiting.lock()) alive->Wake(wait);
    });
    thread->Wait(ApiName(api));
    const bool answered = exchange->reply.has_value();
    if (!answered && unanswered != nullptr) ++*unanswered;
    if (answered && exchange->reply->error != KafkaError::kConcurrent) return *std::move(exchange->reply);
    if (scheduler_.now_ms() >= deadline) return answered ? *exchange->reply : Reply{KafkaError::kTimedOut};
    if (answered) thread->Sleep(kRetryMs, ApiName(api));
  }
}

void Network::Send(const std::shared_ptr<Exchange>& exchange) {
  Random& random = scheduler_.random();
  int64_t delay = random.Between(0, options_.latency_ms);
  const bool ends = exchange->api == Api::kEndTransaction;
  if (scheduler_.Strike(Fault::kRequestLost, options_.lost)) {
    if (ends) scheduler_.Note(Fault::kCommitUnheard);
    scheduler_.Trace("      {} is lost", ApiName(exchange->api));
    return;
  }
  if (scheduler_.Strike(Fault::kStuckInConnection, options_.stuck)) {
    delay += options_.request_timeout_ms + random.Between(0, random.Chance(0.5) ? 300 : kLongestStuckMs);
    scheduler_.Trace("      {} is stuck for {} ms", ApiName(exchange->api), delay);
  } else if (scheduler_.Strike(Fault::kSlow, options_.slow)) {
    delay += random.Between(10, options_.request_timeout_ms);
  }
  scheduler_.After(delay, [this, exchange, wait = exchange->wait] { Deliver(exchange, wait); });
}

void Network::Deliver(const std::shared_ptr<Exchange>& exchange, uint64_t wait) {
  if (away(exchange->broker)) {
    scheduler_.Note(Fault::kBrokerAway);
    return;
  }
  const bool ends = exchange->api == Api::kEndTransaction;
  Reply reply = exchange->handler();
  if (reply.error != KafkaError::kConcurrent && exchange->handled++ > 0) {
    scheduler_.Note(Fault::kHandledTwice);
    if (ends) scheduler_.Note(Fault::kCommitTwice);
  }
  const bool late = exchange->wait != wait;  // nobody listens at that connection any more
  scheduler_.Trace("      {}: {}{}", ApiName(exchange->api), KafkaErrorName(reply.error), late ? " (late)" : "");
  if (late) return;
  if (scheduler_.Strike(Fault::kReplyLost, options_.reply_lost)) {
    if (ends && reply.error == KafkaError::kNone) scheduler_.Note(Fault::kCommitInDoubt);
    return;
  }
  scheduler_.After(scheduler_.random().Between(0, options_.latency_ms),
                   [exchange, wait, reply = std::move(reply)]() mutable {
                     const std::shared_ptr<Thread> thread = exchange->thread.lock();
                     if (thread == nullptr || exchange->wait != wait) return;
                     if (!exchange->reply) exchange->reply = std::move(reply);
                     thread->Wake(wait);
                   });
}

}  // namespace ebb
