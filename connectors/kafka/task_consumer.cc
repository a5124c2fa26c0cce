// librdkafka fetches ahead into one queue per partition, up to a limit, and stops fetching a partition whose queue is
// full: a log that isn't read costs no more memory than that, and needs no pause (which has lost and repeated records
// in some versions).
//
// Read copies values and keys once, into a buffer with the padding that decoders want. Offsets below the expected one
// are dropped: whatever a client library repeats, the task doesn't see it.
#include "connectors/kafka/task_consumer.h"

#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "connectors/kafka/client.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr size_t kMaxReadBytes = size_t{4} << 20;  // of one Read
constexpr int64_t kServeEveryMs = 100;

struct OpenPartition {
  PartitionSpec spec;
  std::string name;
  std::string identity;
  int64_t low = 0, high = 0;  // when the consumer was opened
  int64_t start = 0;          // where reading begins
  rd_kafka_queue_t* queue = nullptr;
  // Written by the task's thread, read by whoever looks at figures.
  std::atomic<int64_t> position{0}, end_offset{-1}, records{0}, bytes{0}, repeated{0}, misplaced{0};
};

// What the logs and the consumer share. Confined to its task's thread.
struct Reading {
  std::unique_ptr<KafkaClient> client;
  std::vector<std::unique_ptr<OpenPartition>> partitions;
  int event = -1;
  bool begun = false;
  int64_t served_ms = 0;

  ~Reading() {
    for (auto& partition : partitions) {
      if (partition->queue == nullptr) continue;
      rd_kafka_queue_io_event_enable(partition->queue, -1, nullptr, 0);
      rd_kafka_queue_destroy(partition->queue);
    }
    client.reset();
    if (event >= 0) close(event);
  }

  absl::Status Begin();
  // Lets callbacks and errors come through.
  void Serve() {
    const int64_t now = MonotonicMs();
    if (now - served_ms < kServeEveryMs) return;
    served_ms = now;
    rd_kafka_poll(client->get(), 0);
  }
};

absl::Status Reading::Begin() {
  begun = true;
  static constexpr uint64_t kOne = 1;
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size()));
  for (auto& partition : partitions) {
    rd_kafka_topic_partition_list_add(list, partition->spec.topic.c_str(), partition->spec.partition)->offset =
        partition->start;
    partition->queue =
        rd_kafka_queue_get_partition(client->get(), partition->spec.topic.c_str(), partition->spec.partition);
    if (partition->queue == nullptr) {
      rd_kafka_topic_partition_list_destroy(list);
      return absl::InternalError(fmt::format("{} has no queue", partition->name));
    }
    rd_kafka_queue_forward(partition->queue, nullptr);
    rd_kafka_queue_io_event_enable(partition->queue, event, &kOne, sizeof kOne);
  }
  const rd_kafka_resp_err_t error = rd_kafka_assign(client->get(), list);
  rd_kafka_topic_partition_list_destroy(list);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return client->Failure("beginning to read", error);
  return absl::OkStatus();
}

// Confined to its task's thread.
class PartitionLog final : public LiveLog {
 public:
  PartitionLog(std::shared_ptr<Reading> reading, OpenPartition* partition)
      : reading_(std::move(reading)), partition_(*partition), position_(partition->start) {}

  absl::Status Read(size_t max_records, std::vector<RawRecord>* out) override;
  absl::Status Seek(int64_t offset) override;
  int64_t position() const override { return position_; }
  int64_t end_offset() const override { return end_offset_; }
  const std::string& name() const override { return partition_.name; }
  const std::string& identity() const override { return partition_.identity; }

 private:
  static void OnMessage(rd_kafka_message_t* message, void* opaque) {
    static_cast<PartitionLog*>(opaque)->Take(*message);
  }
  void Take(const rd_kafka_message_t& message);
  void TakeError(const rd_kafka_message_t& message);
  void Place(const rd_kafka_message_t& message);
  bool IsMisplaced(const rd_kafka_message_t& message) const;
  void LearnEnd();

  // Constant.
  const std::shared_ptr<Reading> reading_;
  OpenPartition& partition_;
  // Transient.
  int64_t position_;
  int64_t end_offset_ = -1;
  int64_t known_end_ = -1;  // the end, by the last answer
  int64_t told_end_ = -1;   // where the last end for readers of committed data was
  int32_t broker_ = -1;     // which the last record came from
  // While a Read is at work.
  struct Piece {
    size_t value_at, value_bytes, key_at, key_bytes;
  };
  std::vector<RawRecord>* out_ = nullptr;
  size_t max_records_ = 0;
  std::vector<Piece> pieces_;
  std::vector<char> bytes_;
  size_t used_ = 0;
  absl::Status error_;
};

absl::Status PartitionLog::Seek(int64_t offset) {
  EBB_CHECK(!reading_->begun, "Seek of {} after reading has begun", partition_.name);
  if (offset < partition_.low) {
    return absl::OutOfRangeError(fmt::format(
        "{}: the records from offset {} on are gone, the oldest is {}; the topic's retention is shorter than this task "
        "was away. Make retention.ms longer, and start from a snapshot or an empty state",
        partition_.name, offset, partition_.low));
  }
  if (offset > partition_.high) {
    return absl::OutOfRangeError(fmt::format(
        "{}: the state has read up to offset {}, but the topic ends at {}: it was deleted and made again, or "
        "lost its newest records. The state doesn't belong to it: use an empty one, and another group",
        partition_.name, offset, partition_.high));
  }
  partition_.start = position_ = offset;
  partition_.position = offset;
  return absl::OkStatus();
}

absl::Status PartitionLog::Read(size_t max_records, std::vector<RawRecord>* out) {
  out->clear();
  EBB_RETURN_IF_ERROR(error_);
  if (!reading_->begun) EBB_RETURN_IF_ERROR(reading_->Begin());
  reading_->Serve();
  out_ = out;
  max_records_ = max_records;
  pieces_.clear();
  used_ = 0;
  rd_kafka_consume_callback_queue(partition_.queue, 0, OnMessage, this);
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    (*out)[i].bytes = {bytes_.data() + piece.value_at, piece.value_bytes};
    (*out)[i].key = {bytes_.data() + piece.key_at, piece.key_bytes};
  }
  LearnEnd();
  partition_.position.store(position_, std::memory_order_relaxed);
  partition_.end_offset.store(known_end_, std::memory_order_relaxed);
  // What came before an error is good.
  return out->empty() ? error_ : absl::OkStatus();
}

// A reader of committed data is at the end when it was told so and has read nothing since; the end of all data may lie
// further, behind transactions that are open. Short of that the end of all data is the best guess.
void PartitionLog::LearnEnd() {
  int64_t low = -1, high = -1;
  rd_kafka_get_watermark_offsets(reading_->client->get(), partition_.spec.topic.c_str(), partition_.spec.partition,
                                 &low, &high);
  known_end_ = std::max(position_, position_ == told_end_ ? position_ : high);
  const bool known = (high >= 0 || position_ == told_end_) && reading_->client->answers().Fresh(broker_);
  end_offset_ = known ? known_end_ : -1;
}

void PartitionLog::Take(const rd_kafka_message_t& message) {
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    TakeError(message);
    return;
  }
  if (message.offset < position_) {
    partition_.repeated.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  position_ = message.offset + 1;
  broker_ = rd_kafka_message_broker_id(&message);
  Place(message);
  if (out_->size() >= max_records_ || used_ >= kMaxReadBytes) rd_kafka_yield(reading_->client->get());
}

void PartitionLog::TakeError(const rd_kafka_message_t& message) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      // For a reader of committed data this is the last stable offset; markers before it will never be given.
      position_ = std::max(position_, message.offset);
      told_end_ = position_;
      break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      error_ = absl::OutOfRangeError(fmt::format(
          "{}: the records from offset {} on are gone; the topic's retention is shorter than this task is behind, or "
          "the topic was deleted and made again. Make retention.ms longer, and start from an empty state",
          partition_.name, position_));
      break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      error_ = absl::NotFoundError(fmt::format("{} doesn't exist any more", partition_.name));
      break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
      error_ = reading_->client->Failure(fmt::format("reading {}", partition_.name), message.err);
      break;
    default:
      // The rest is for librdkafka to get over; the position tells whether it does.
      break;
  }
}

bool PartitionLog::IsMisplaced(const rd_kafka_message_t& message) const {
  const PartitionSpec& spec = partition_.spec;
  if (spec.partitioner == Partitioner::kNone || message.key == nullptr) return false;
  return PartitionOf(spec.partitioner, {static_cast<const char*>(message.key), message.key_len}, spec.partitions) !=
         spec.partition;
}

void PartitionLog::Place(const rd_kafka_message_t& message) {
  const size_t wanted = used_ + message.len + message.key_len + kReadPadding;
  if (bytes_.size() < wanted) bytes_.resize(std::max(wanted, bytes_.size() * 2));
  Piece piece{used_, message.len, used_ + message.len, message.key_len};
  if (message.len > 0) std::memcpy(bytes_.data() + piece.value_at, message.payload, message.len);
  if (message.key_len > 0) std::memcpy(bytes_.data() + piece.key_at, message.key, message.key_len);
  used_ += message.len + message.key_len;
  pieces_.push_back(piece);
  RawRecord raw{};
  raw.offset = message.offset;
  raw.null_value = message.payload == nullptr;
  rd_kafka_timestamp_type_t type;
  const int64_t time = rd_kafka_message_timestamp(&message, &type);
  if (type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME) raw.append_time = time;
  if (IsMisplaced(message)) {
    partition_.misplaced.fetch_add(1, std::memory_order_relaxed);
    if (partition_.spec.misplaced == MisplacedRecords::kQuarantine) raw.reason = Reason::kBadKey;
    if (partition_.spec.misplaced == MisplacedRecords::kFail && error_.ok()) {
      error_ = absl::FailedPreconditionError(
          fmt::format("{}: the record at offset {} has a key that its producer's partitioner would put elsewhere, so "
                      "one customer's "
                      "records may be spread over tasks; say under the source which partitioner is used ('partitioner: "
                      "murmur2' for "
                      "Java, 'crc32' for librdkafka), or 'misplaced: quarantine' or 'warn'",
                      partition_.name, message.offset));
    }
  }
  out_->push_back(raw);
  partition_.records.fetch_add(1, std::memory_order_relaxed);
  partition_.bytes.fetch_add(static_cast<int64_t>(message.len), std::memory_order_relaxed);
}

// Confined to its task's thread.
class Consumer final : public TaskConsumer {
 public:
  explicit Consumer(std::shared_ptr<Reading> reading) : reading_(std::move(reading)) {}

  std::vector<std::unique_ptr<LiveLog>> TakeLogs() override {
    std::vector<std::unique_ptr<LiveLog>> logs;
    for (auto& partition : reading_->partitions) {
      logs.push_back(std::make_unique<PartitionLog>(reading_, partition.get()));
    }
    return logs;
  }

  void WaitForRecords(int timeout_ms) override {
    pollfd wait{reading_->event, POLLIN, 0};
    if (poll(&wait, 1, timeout_ms) <= 0) return;
    uint64_t count;
    [[maybe_unused]] const ssize_t got = read(reading_->event, &count, sizeof count);
  }

  Figures figures(size_t partition) const override {
    const OpenPartition& open = *reading_->partitions[partition];
    return {open.records, open.bytes, open.repeated, open.misplaced, open.end_offset, open.position};
  }

 private:
  const std::shared_ptr<Reading> reading_;
};

std::string ClusterId(rd_kafka_t* handle, int timeout_ms) {
  char* id = rd_kafka_clusterid(handle, timeout_ms);
  std::string text = id == nullptr ? "" : id;
  if (id != nullptr) rd_kafka_mem_free(handle, id);
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TaskConsumer>> TaskConsumer::Open(const KafkaConnection& connection,
                                                                 std::vector<PartitionSpec> partitions,
                                                                 int timeout_ms) {
  auto reading = std::make_shared<Reading>();
  // librdkafka wants a group's name for assign(); it is never joined and nothing is committed to it.
  EBB_ASSIGN_OR_RETURN(reading->client,
                       KafkaClient::Make(connection, KafkaClient::Kind::kReader, {{"group.id", "ebb-task"}}));
  reading->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (reading->event < 0) return absl::ErrnoToStatus(errno, "making an event descriptor failed");
  std::string cluster;
  for (PartitionSpec& spec : partitions) {
    auto open = std::make_unique<OpenPartition>();
    open->name = fmt::format("{}/{}", spec.topic, spec.partition);
    EBB_RETURN_IF_ERROR(reading->client->AskEnds(spec.topic, spec.partition, timeout_ms, &open->low, &open->high));
    if (cluster.empty()) cluster = ClusterId(reading->client->get(), timeout_ms);
    open->identity = fmt::format("{}/{}/{}", cluster, open->name, spec.partitions);
    open->start = open->low;
    open->position = open->low;
    open->spec = std::move(spec);
    reading->partitions.push_back(std::move(open));
  }
  return std::make_unique<Consumer>(std::move(reading));
}

}  // namespace ebb
