// A transaction, as the coordinator sees it: empty -> ongoing -> committing or aborting (decided, markers on their way)
// -> complete. A new owner's InitProducer bumps the epoch and has what it finds open aborted before it gets an answer.
#include "tests/simulation/brokers.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace ebb {
namespace {

// The second number of the journal record's line `epoch TASK EPOCH ...`.
int64_t EpochIn(const std::string& journal) {
  const size_t at = journal.find("\nepoch ");
  if (at == std::string::npos) return 0;
  return std::strtoll(journal.c_str() + journal.find(' ', at + 7), nullptr, 10);
}

}  // namespace

Brokers::Brokers(Scheduler* scheduler, Network* network, Group* group, int tasks, const BrokerOptions& options,
                 BrokerObserver* observer)
    : scheduler_(*scheduler),
      network_(*network),
      group_(*group),
      options_(options),
      observer_(*observer),
      logs_(static_cast<size_t>(tasks)),
      transactions_(static_cast<size_t>(tasks)) {
  for (size_t i = 0; i < transactions_.size(); ++i) transactions_[i].producer.id = static_cast<int64_t>(i) + 1000;
}

Reply Brokers::InitProducer(int task, int64_t owner) {
  Transaction& transaction = transactions_[task];
  if (transaction.state == State::kOngoing) {
    scheduler_.Note(Fault::kTakenOverOpen);
    Abort(task);
    return {KafkaError::kConcurrent};
  }
  if (transaction.state == State::kCommitting || transaction.state == State::kAborting) {
    scheduler_.Note(Fault::kTakenOverDeciding);
    return {KafkaError::kConcurrent};
  }
  transaction.state = State::kEmpty;
  ++transaction.producer.epoch;
  observer_.TakenOver(task, owner);
  return {KafkaError::kNone, transaction.producer.id, transaction.producer.epoch};
}

KafkaError Brokers::Check(int task, Producer producer) {
  const Transaction& transaction = transactions_[task];
  if (producer.epoch != transaction.producer.epoch) {
    scheduler_.Note(Fault::kFenced);
    return KafkaError::kFenced;
  }
  const bool ending = transaction.state == State::kCommitting || transaction.state == State::kAborting;
  return ending ? KafkaError::kConcurrent : KafkaError::kNone;
}

void Brokers::Begin(int task) {
  Transaction& transaction = transactions_[task];
  if (transaction.state == State::kOngoing) return;
  transaction.state = State::kOngoing;
  transaction.logs.clear();
  transaction.with_offsets = false;
  const int64_t number = ++transaction.number;
  scheduler_.After(options_.transaction_timeout_ms, [this, task, number] {
    const Transaction& late = transactions_[task];
    if (late.number != number || late.state != State::kOngoing) return;
    scheduler_.Note(Fault::kTransactionTimeOut);
    Abort(task);
  });
}

Reply Brokers::AddPartitions(int task, Producer producer, const std::vector<int>& logs) {
  if (const KafkaError error = Check(task, producer); error != KafkaError::kNone) return {error};
  Begin(task);
  std::vector<int>& all = transactions_[task].logs;
  for (int log : logs) {
    if (std::find(all.begin(), all.end(), log) == all.end()) all.push_back(log);
  }
  return {};
}

Reply Brokers::AddOffsets(int task, Producer producer) {
  if (const KafkaError error = Check(task, producer); error != KafkaError::kNone) return {error};
  Begin(task);
  transactions_[task].with_offsets = true;
  return {};
}

Reply Brokers::Produce(int task, int log, Producer producer, int64_t sequence,
                       const std::vector<OutputRecord>& records) {
  Log& partition = logs_[task][log];
  if (producer.epoch < partition.epoch) {
    scheduler_.Note(Fault::kFenced);
    return {KafkaError::kFenced};
  }
  const Transaction& transaction = transactions_[task];
  const bool known = transaction.state == State::kOngoing && transaction.producer.epoch == producer.epoch &&
                     std::find(transaction.logs.begin(), transaction.logs.end(), log) != transaction.logs.end();
  // Nothing is asked about a partition that has records of the open transaction already.
  const bool open = partition.first_open != SIZE_MAX && producer.epoch == partition.epoch;
  if (options_.verifies && !open && !known) {
    const bool fenced = producer.epoch < transaction.producer.epoch;
    if (fenced) scheduler_.Note(Fault::kFenced);
    return {fenced ? KafkaError::kFenced : KafkaError::kBadState};
  }
  if (producer.epoch > partition.epoch) {
    if (sequence != 0) return {KafkaError::kBadState};
    partition.epoch = producer.epoch;
    partition.next_sequence = 0;
  }
  if (sequence < partition.next_sequence) return {};  // it has them
  if (sequence > partition.next_sequence) return {KafkaError::kBadState};
  partition.first_open = std::min(partition.first_open, partition.records.size());
  for (const OutputRecord& record : records) {
    partition.records.push_back(record);
    if (log == kJournalLog) partition.records.back().epoch = EpochIn(record.value);
  }
  partition.next_sequence += static_cast<int64_t>(records.size());
  return {};
}

Reply Brokers::CommitOffsets(int task, Producer producer, int64_t owner, const Membership& membership,
                             const std::vector<LogOffset>& offsets) {
  const KafkaError error = group_.CheckMember(membership.member, membership.generation);
  if (error != KafkaError::kNone && error != KafkaError::kRebalancing) {
    scheduler_.Note(Fault::kStaleGeneration);
    return {error};
  }
  Transaction& transaction = transactions_[task];
  if (producer.epoch < transaction.offsets_epoch) {
    scheduler_.Note(Fault::kFenced);
    return {KafkaError::kFenced};
  }
  const bool known =
      transaction.state == State::kOngoing && transaction.producer.epoch == producer.epoch && transaction.with_offsets;
  if (options_.verifies && !known) return {KafkaError::kBadState};
  transaction.offsets_epoch = producer.epoch;
  transaction.pending_offsets = offsets;
  transaction.offsets_owner = owner;
  return {};
}

Reply Brokers::EndTransaction(int task, Producer producer) {
  const Transaction& transaction = transactions_[task];
  if (producer.epoch != transaction.producer.epoch) {
    scheduler_.Note(Fault::kFenced);
    return {KafkaError::kFenced};
  }
  switch (transaction.state) {
    case State::kOngoing:
      Decide(task);
      return {};
    case State::kCommitting:
      return {KafkaError::kConcurrent};
    case State::kComplete:
      return {};  // said again
    default:
      return {KafkaError::kBadState};
  }
}

void Brokers::Decide(int task) {
  Transaction& transaction = transactions_[task];
  transaction.state = State::kCommitting;
  DecidedTransaction decided;
  for (int log : transaction.logs) {
    const Log& partition = logs_[task][log];
    for (size_t i = partition.first_open; i < partition.records.size(); ++i) {
      decided.records[log].push_back(&partition.records[i]);
    }
  }
  if (transaction.with_offsets) {
    decided.offsets = transaction.pending_offsets;
    decided.offsets_owner = transaction.offsets_owner;
  }
  observer_.Decided(task, decided);
  WriteMarkers(task, true);
}

void Brokers::Abort(int task) {
  Transaction& transaction = transactions_[task];
  ++transaction.producer.epoch;  // whoever began it is fenced from now on
  transaction.state = State::kAborting;
  WriteMarkers(task, false);
}

void Brokers::WriteMarkers(int task, bool commit) {
  Transaction& transaction = transactions_[task];
  transaction.markers_left = static_cast<int>(transaction.logs.size()) + (transaction.with_offsets ? 1 : 0);
  int64_t longest = 5;
  if (scheduler_.Strike(Fault::kMarkersHeld, options_.held_markers)) longest = 1500;
  for (int log : transaction.logs) {
    scheduler_.After(scheduler_.random().Between(0, longest),
                     [this, task, log, commit] { WriteMarker(task, log, commit); });
  }
  if (transaction.with_offsets) {
    scheduler_.After(scheduler_.random().Between(0, longest), [this, task, commit] { EndOffsets(task, commit); });
  }
}

void Brokers::WriteMarker(int task, int log, bool commit) {
  if (network_.away(LeaderOf(task, log))) {
    scheduler_.After(100, [this, task, log, commit] { WriteMarker(task, log, commit); });
    return;
  }
  Log& partition = logs_[task][log];
  for (size_t i = partition.first_open; i < partition.records.size(); ++i) {
    OutputRecord& record = partition.records[i];
    record.state = commit ? OutputRecord::State::kCommitted : OutputRecord::State::kAborted;
    if (commit) observer_.Visible(task, log, record);
  }
  partition.first_open = SIZE_MAX;
  const int32_t epoch = transactions_[task].producer.epoch;
  if (epoch > partition.epoch) {
    partition.epoch = epoch;
    partition.next_sequence = 0;
  }
  MarkerDone(task);
}

void Brokers::EndOffsets(int task, bool commit) {
  if (network_.away(kGroupCoordinator)) {
    scheduler_.After(100, [this, task, commit] { EndOffsets(task, commit); });
    return;
  }
  Transaction& transaction = transactions_[task];
  if (commit && !transaction.pending_offsets.empty()) transaction.committed_offsets = transaction.pending_offsets;
  transaction.pending_offsets.clear();
  transaction.offsets_epoch = std::max(transaction.offsets_epoch, transaction.producer.epoch);
  MarkerDone(task);
}

void Brokers::MarkerDone(int task) {
  Transaction& transaction = transactions_[task];
  if (--transaction.markers_left == 0) transaction.state = State::kComplete;
}

Reply Brokers::AskEnds(int task, int log) const {
  const Log& partition = logs_[task][log];
  return {KafkaError::kNone, static_cast<int64_t>(partition.begin),
          static_cast<int64_t>(std::min(partition.records.size(), partition.first_open))};
}

Reply Brokers::Fetch(int task, int log, int64_t first_epoch) const {
  const Log& partition = logs_[task][log];
  const size_t stable = std::min(partition.records.size(), partition.first_open);
  Reply reply;
  reply.number = static_cast<int64_t>(stable);
  reply.second = static_cast<int64_t>(partition.records.size());
  for (size_t i = partition.begin; i < stable; ++i) {
    const OutputRecord& record = partition.records[i];
    if (record.state == OutputRecord::State::kCommitted && record.epoch >= first_epoch) {
      reply.texts.push_back(record.value);
    }
  }
  return reply;
}

void Brokers::DeleteJournalBefore(int task, int64_t epoch) {
  Log& partition = logs_[task][kJournalLog];
  const size_t stable = std::min(partition.records.size(), partition.first_open);
  while (partition.begin < stable && partition.records[partition.begin].epoch < epoch) ++partition.begin;
}

int64_t Brokers::committed_offset(int task, size_t source) const {
  const std::vector<LogOffset>& offsets = transactions_[task].committed_offsets;
  return source < offsets.size() ? offsets[source].next_offset : -1;
}

}  // namespace ebb
