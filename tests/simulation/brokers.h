// The brokers: what they keep of the topics that tasks write, and the transaction coordinator. All of it is as durable
// as acks=all makes it: a broker that is away forgets nothing. Requests arrive whole, one after another.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/task/delivery.h"
#include "tests/simulation/group.h"
#include "tests/simulation/network.h"

namespace ebb {

// The partitions that a task writes: one per stream, and its journal's.
inline constexpr int kJournalLog = kStreamCount;
inline constexpr int kOutputLogs = kStreamCount + 1;

struct Producer {
  int64_t id = 0;
  int32_t epoch = -1;
};

// A record of a partition that a task writes.
struct OutputRecord {
  enum class State : uint8_t { kOpen, kCommitted, kAborted };
  int64_t owner;  // number of the delivery that wrote it
  Producer producer;
  std::string key, value;
  int64_t epoch = 0;  // of a journal record
  State state = State::kOpen;
};

struct Membership {
  int64_t member = 0;
  int64_t generation = 0;
};

// What a transaction holds when it is decided that it becomes visible.
struct DecidedTransaction {
  std::array<std::vector<const OutputRecord*>, kOutputLogs> records;
  std::vector<LogOffset> offsets;
  int64_t offsets_owner = 0;
};

// Told of everything that can't be taken back. Confined to its task's thread.
class BrokerObserver {
 public:
  virtual ~BrokerObserver() = default;
  // The coordinator has fenced all owners of the task before this one.
  virtual void TakenOver(int task, int64_t owner) = 0;
  virtual void Decided(int task, const DecidedTransaction& transaction) = 0;
  // A reader of committed data sees the record from now on; in the order of the partition.
  virtual void Visible(int task, int log, const OutputRecord& record) = 0;
};

struct BrokerOptions {
  int64_t transaction_timeout_ms = 3000;
  double held_markers = 0;
  bool verifies = true;  // that a partition is in the open transaction (brokers since 3.6)
};

// Handlers of requests; to be called by way of a Network. Confined to its task's thread.
class Brokers {
 public:
  Brokers(Scheduler* scheduler, Network* network, Group* group, int tasks, const BrokerOptions& options,
          BrokerObserver* observer);

  static int LeaderOf(int task, int log) { return (task * 2 + log) % Network::kBrokers; }
  static int CoordinatorOf(int task) { return (task + 1) % Network::kBrokers; }
  static constexpr int kGroupCoordinator = 0;

  // number: the producer's id, second: its epoch.
  Reply InitProducer(int task, int64_t owner);
  Reply AddPartitions(int task, Producer producer, const std::vector<int>& logs);
  Reply AddOffsets(int task, Producer producer);
  // `sequence`: of the first of these records in this partition under this epoch.
  Reply Produce(int task, int log, Producer producer, int64_t sequence, const std::vector<OutputRecord>& records);
  Reply CommitOffsets(int task, Producer producer, int64_t owner, const Membership& membership,
                      const std::vector<LogOffset>& offsets);
  Reply EndTransaction(int task, Producer producer);
  // number, second: the first offset and one past the last that a reader of committed data may see.
  Reply AskEnds(int task, int log) const;
  // texts: the committed records, of the journal from the epoch on; number: the offset up to which committed data can
  // be read, second: where the partition ends.
  Reply Fetch(int task, int log, int64_t first_epoch) const;

  void DeleteJournalBefore(int task, int64_t epoch);
  // -1: none.
  int64_t committed_offset(int task, size_t source) const;
  // Whether a transaction has written offsets and hasn't ended.
  bool offsets_held(int task) const { return !transactions_[static_cast<size_t>(task)].pending_offsets.empty(); }

 private:
  enum class State : uint8_t { kEmpty, kOngoing, kCommitting, kAborting, kComplete };

  struct Log {
    std::vector<OutputRecord> records;  // offsets are their places; those of markers don't matter here
    size_t begin = 0;                   // older ones are deleted
    size_t first_open = SIZE_MAX;       // of the open transaction; there is one producer
    int32_t epoch = -1;                 // the newest producer epoch that was seen here
    int64_t next_sequence = 0;          // of that epoch
  };
  struct Transaction {
    Producer producer;
    State state = State::kEmpty;
    std::vector<int> logs;
    bool with_offsets = false;
    int64_t number = 0;  // of transactions, for time-outs
    int markers_left = 0;
    // Of the group coordinator's partition.
    std::vector<LogOffset> pending_offsets, committed_offsets;
    int64_t offsets_owner = 0;
    int32_t offsets_epoch = -1;
  };

  KafkaError Check(int task, Producer producer);
  void Begin(int task);
  void Decide(int task);
  void Abort(int task);
  void WriteMarkers(int task, bool commit);
  void WriteMarker(int task, int log, bool commit);
  void EndOffsets(int task, bool commit);
  void MarkerDone(int task);

  Scheduler& scheduler_;
  Network& network_;
  Group& group_;
  const BrokerOptions options_;
  BrokerObserver& observer_;
  std::vector<std::array<Log, kOutputLogs>> logs_;
  std::vector<Transaction> transactions_;
};

}  // namespace ebb
