// What librdkafka does by itself (sending again, waiting for the end of a transaction) is Network::Call's; every other
// answer ends the delivery, as in connectors/kafka/kafka_delivery.cc.
#include "tests/simulation/kafka_ports.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr int64_t kFreshMs = 500;  // an answer is young enough to tell where a partition ends

// As KafkaClient::Failure.
absl::Status Failure(Api api, KafkaError error) {
  const std::string text = fmt::format("{}: {}", ApiName(api), KafkaErrorName(error));
  switch (error) {
    case KafkaError::kNone:
      return absl::OkStatus();
    case KafkaError::kTimedOut:
    case KafkaError::kConcurrent:
      return absl::UnavailableError(text);
    case KafkaError::kFenced:
    case KafkaError::kGeneration:
    case KafkaError::kInstance:
      return absl::AbortedError(text);
    default:
      return absl::InternalError(text);
  }
}

}  // namespace

// ---- Delivery

absl::Status SimulatedDelivery::Ask(Api api, int broker, const Network::Handler& handler, Reply* reply) {
  // Brokers know a repeated Produce by its sequence number.
  int* const unanswered = api == Api::kProduce ? nullptr : &unanswered_;
  *reply = context_.network->Call(context_.thread, api, broker, context_.timeout_ms, handler, unanswered);
  return Failure(api, reply->error);
}

absl::StatusOr<std::vector<std::string>> SimulatedDelivery::Open(int64_t first_epoch) {
  EBB_CHECK(!opened_, "a delivery is opened once");
  opened_ = true;
  Brokers* brokers = context_.brokers;
  const int task = context_.task;
  Reply reply;
  EBB_RETURN_IF_ERROR(Ask(
      Api::kInitProducer, Brokers::CoordinatorOf(task),
      [brokers, task, owner = owner_] { return brokers->InitProducer(task, owner); }, &reply));
  producer_ = {reply.number, static_cast<int32_t>(reply.second)};
  const int leader = Brokers::LeaderOf(task, kJournalLog);
  EBB_RETURN_IF_ERROR(Ask(
      Api::kAskEnds, leader, [brokers, task] { return brokers->AskEnds(task, kJournalLog); }, &reply));
  const int64_t end = reply.second;
  const int64_t deadline = context_.thread->machine().monotonic_ms() + context_.timeout_ms;
  for (;;) {
    EBB_RETURN_IF_ERROR(Ask(
        Api::kFetchJournal, leader,
        [brokers, task, first_epoch] { return brokers->Fetch(task, kJournalLog, first_epoch); }, &reply));
    if (reply.number >= end) {
      unanswered_ = 0;
      return std::move(reply.texts);
    }
    if (context_.thread->machine().monotonic_ms() > deadline) {
      return absl::UnavailableError("the journal can't be read to its end: a transaction hangs in it");
    }
    context_.thread->Sleep(50, "waiting for the journal");
  }
}

absl::Status SimulatedDelivery::Produce(int log, const std::vector<OutputRecord>& records) {
  Brokers* brokers = context_.brokers;
  const int task = context_.task;
  for (size_t at = 0; at < records.size(); at += kRecordsPerRequest) {
    const auto first = records.begin() + static_cast<int64_t>(at);
    const size_t count = std::min(kRecordsPerRequest, records.size() - at);
    // Shared by all copies of the request.
    const auto some = std::make_shared<const std::vector<OutputRecord>>(first, first + static_cast<int64_t>(count));
    Reply reply;
    EBB_RETURN_IF_ERROR(Ask(
        Api::kProduce, Brokers::LeaderOf(task, log),
        [=, producer = producer_, sequence = sequences_[log]] {
          return brokers->Produce(task, log, producer, sequence, *some);
        },
        &reply));
    sequences_[log] += static_cast<int64_t>(count);
  }
  return absl::OkStatus();
}

absl::Status SimulatedDelivery::Commit(const EpochCommit& epoch) {
  EBB_CHECK(opened_ && !broken_, "a delivery after an error, or before Open");
  broken_ = true;  // until all is well
  context_.ambush();
  Brokers* brokers = context_.brokers;
  const int task = context_.task;
  std::array<std::vector<OutputRecord>, kOutputLogs> records;
  for (const OutputMessage& message : epoch.messages) {
    records[static_cast<size_t>(message.stream)].push_back({owner_, producer_, message.key, message.value});
  }
  records[kJournalLog].push_back({owner_, producer_, fmt::format("{}", task), epoch.journal});
  std::vector<int> logs;
  for (int log = 0; log < kOutputLogs; ++log) {
    if (!records[log].empty()) logs.push_back(log);
  }
  Reply reply;
  EBB_RETURN_IF_ERROR(Ask(
      Api::kAddPartitions, Brokers::CoordinatorOf(task),
      [=, producer = producer_] { return brokers->AddPartitions(task, producer, logs); }, &reply));
  for (int log : logs) EBB_RETURN_IF_ERROR(Produce(log, records[log]));
  EBB_RETURN_IF_ERROR(Ask(
      Api::kAddOffsets, Brokers::CoordinatorOf(task),
      [=, producer = producer_] { return brokers->AddOffsets(task, producer); }, &reply));
  EBB_RETURN_IF_ERROR(Ask(
      Api::kCommitOffsets, Brokers::kGroupCoordinator,
      [=, producer = producer_, owner = owner_, membership = membership_, offsets = epoch.offsets] {
        return brokers->CommitOffsets(task, producer, owner, membership, offsets);
      },
      &reply));
  EBB_RETURN_IF_ERROR(End());
  if (unanswered_ > 0) return absl::UnavailableError("a request of the transaction may still arrive");
  broken_ = false;
  return absl::OkStatus();
}

absl::Status SimulatedDelivery::End() {
  Reply reply;
  return Ask(
      Api::kEndTransaction, Brokers::CoordinatorOf(context_.task),
      [brokers = context_.brokers, task = context_.task, producer = producer_] {
        return brokers->EndTransaction(task, producer);
      },
      &reply);
}

// ---- Log

absl::StatusOr<std::unique_ptr<SimulatedLog>> SimulatedLog::Open(const PortContext& context, const Input* input,
                                                                 double read_failures) {
  std::unique_ptr<SimulatedLog> log(new SimulatedLog(context, input, read_failures));
  const Reply reply =
      context.network->Call(context.thread, Api::kAskEnds, input->broker(), context.timeout_ms, [input] {
        return Reply{KafkaError::kNone, input->partition().begin, input->stable_end()};
      });
  EBB_RETURN_IF_ERROR(Failure(Api::kAskEnds, reply.error));
  log->low_ = log->position_ = log->fetched_to_ = reply.number;
  log->high_ = reply.second;
  return log;
}

absl::Status SimulatedLog::Seek(int64_t offset) {
  if (offset < low_)
    return absl::OutOfRangeError(fmt::format("{}: offset {} is gone, {} is left", name(), offset, low_));
  if (offset > high_) return absl::OutOfRangeError(fmt::format("{}: offset {} of {}", name(), offset, high_));
  position_ = fetched_to_ = offset;
  return absl::OkStatus();
}

void SimulatedLog::Fetch() {
  Scheduler& scheduler = context_.thread->machine().scheduler();
  const int64_t now = scheduler.now_ms();
  if (now < next_fetch_ms_) return;
  next_fetch_ms_ = now + scheduler.random().Between(1, 20);
  if (context_.network->away(input_.broker())) return;
  fetched_to_ = std::max(fetched_to_, input_.stable_end());
  answered_ms_ = now;
}

absl::Status SimulatedLog::Read(size_t max_records, std::vector<RawRecord>* out) {
  out->clear();
  Scheduler& scheduler = context_.thread->machine().scheduler();
  if (scheduler.Strike(Fault::kReadFailed, read_failures_)) return absl::UnavailableError("reading " + name());
  Fetch();
  const Partition& partition = input_.partition();
  if (position_ < partition.begin) {
    return absl::OutOfRangeError(fmt::format("{}: the records from offset {} on are gone", name(), position_));
  }
  auto next = std::lower_bound(partition.entries.begin(), partition.entries.end(), position_,
                               [](const Partition::Entry& entry, int64_t offset) { return entry.offset < offset; });
  bytes_.assign(max_records * sizeof(MemoryRecord) + kReadPadding, '\0');  // what an earlier Read gave is gone
  for (; out->size() < max_records && next != partition.entries.end() && next->offset < fetched_to_; ++next) {
    char* place = bytes_.data() + out->size() * sizeof(MemoryRecord);
    std::memcpy(place, &next->record, sizeof(MemoryRecord));
    RawRecord raw{next->offset, std::string_view(place, next->null_value ? 0 : sizeof(MemoryRecord))};
    raw.append_time = next->append_time;
    raw.null_value = next->null_value;
    out->push_back(raw);
    position_ = next->offset + 1;
  }
  if (out->size() < max_records) position_ = std::max(position_, fetched_to_);  // what is left are gaps
  end_ = answered_ms_ >= 0 && scheduler.now_ms() - answered_ms_ <= kFreshMs ? fetched_to_ : -1;
  return absl::OkStatus();
}

}  // namespace ebb
