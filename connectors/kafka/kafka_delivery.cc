// Opening:
//   1. A new producer with the task's transactional id: init_transactions fences older ones and waits until what they
//      left open is committed or aborted.
//   2. The journal's partition is read, committed records only, from behind: its newest few records first, and further
//      back until the wanted epoch is among them. Reading must come up to the end that the partition had after step 1;
//      stopping earlier means that a transaction hangs in it.
// Committing: begin, produce, send_offsets with the membership of the assignment, commit. Any error ends this object.
//
// So does a request of the transaction that had no answer and was sent again: its first copy may still arrive, and
// under this epoch of the producer it would end or change the next transaction. A new producer has a new epoch.
#include "connectors/kafka/kafka_delivery.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "connectors/kafka/alert_headers.h"
#include "connectors/kafka/client.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr int64_t kFirstLook = 64;  // offsets from the journal's end
constexpr int64_t kWatchMarginMs = 15000;

struct JournalRecord {
  int64_t epoch;
  std::string text;
};

// Reads the journal's partition. Confined to its task's thread.
class JournalReader {
 public:
  JournalReader(const KafkaDeliveryOptions& options, KafkaClient* client) : options_(options), client_(*client) {}

  absl::StatusOr<std::vector<std::string>> ReadFrom(int64_t first_epoch);

 private:
  // The committed records in [from, end).
  absl::StatusOr<std::vector<JournalRecord>> Range(int64_t from, int64_t end);
  absl::Status Poll(int64_t position, int64_t end, std::vector<JournalRecord>* records);
  std::string name() const { return fmt::format("{}/{}", options_.journal_topic, options_.task); }

  const KafkaDeliveryOptions& options_;
  KafkaClient& client_;
};

absl::StatusOr<std::vector<std::string>> JournalReader::ReadFrom(int64_t first_epoch) {
  int64_t low = 0, end = 0;
  EBB_RETURN_IF_ERROR(client_.AskEnds(options_.journal_topic, options_.task, options_.timeout_ms, &low, &end));
  std::vector<JournalRecord> records;
  for (int64_t back = kFirstLook;; back *= 4) {
    const int64_t from = std::max(low, end - back);
    EBB_ASSIGN_OR_RETURN(records, Range(from, end));
    if (from == low || (!records.empty() && records.front().epoch <= first_epoch)) break;
    // Most epochs take two offsets, their record and their marker.
    if (!records.empty()) back = std::max(back, (records.back().epoch - first_epoch + 1) * 2 / 4);
  }
  std::vector<std::string> texts;
  for (JournalRecord& record : records) {
    if (record.epoch >= first_epoch) texts.push_back(std::move(record.text));
  }
  return texts;
}

absl::StatusOr<std::vector<JournalRecord>> JournalReader::Range(int64_t from, int64_t end) {
  std::vector<JournalRecord> records;
  if (from >= end) return records;
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, options_.journal_topic.c_str(), options_.task)->offset = from;
  const rd_kafka_resp_err_t assigned = rd_kafka_assign(client_.get(), list);
  rd_kafka_topic_partition_list_destroy(list);
  if (assigned != RD_KAFKA_RESP_ERR_NO_ERROR) return client_.Failure("reading the journal", assigned);
  absl::Status status = Poll(from, end, &records);
  rd_kafka_assign(client_.get(), nullptr);
  if (!status.ok()) return status;
  return records;
}

absl::Status JournalReader::Poll(int64_t position, int64_t end, std::vector<JournalRecord>* records) {
  const int64_t deadline = MonotonicMs() + options_.timeout_ms;
  int last_error = RD_KAFKA_RESP_ERR__TIMED_OUT;
  while (position < end) {
    if (MonotonicMs() > deadline) {
      if (last_error == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        return absl::UnavailableError(fmt::format(
            "the journal {} can be read up to offset {} of {} only: a transaction hangs in it", name(), position, end));
      }
      return client_.Failure(fmt::format("reading the journal {}", name()), last_error);
    }
    const std::unique_ptr<rd_kafka_message_t, decltype(&rd_kafka_message_destroy)> message(
        rd_kafka_consumer_poll(client_.get(), 200), rd_kafka_message_destroy);
    if (message == nullptr) continue;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      last_error = message->err;
      if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) position = std::max<int64_t>(position, message->offset);
      continue;
    }
    position = message->offset + 1;
    std::string text(static_cast<const char*>(message->payload), message->len);
    const absl::StatusOr<int64_t> epoch = options_.epoch_of(text);
    if (!epoch.ok()) {
      return absl::Status(epoch.status().code(), fmt::format("the journal's record {} at offset {}: {}", name(),
                                                             message->offset, std::string(epoch.status().message())));
    }
    records->push_back({*epoch, std::move(text)});
  }
  return absl::OkStatus();
}

// Confined to its task's thread.
class KafkaDelivery final : public Delivery {
 public:
  KafkaDelivery(KafkaConnection connection, KafkaDeliveryOptions options)
      : connection_(std::move(connection)), options_(std::move(options)) {}
  ~KafkaDelivery() override;

  absl::StatusOr<std::vector<std::string>> Open(int64_t first_epoch) override;
  absl::Status Commit(const EpochCommit& epoch) override;

 private:
  Watchdog::Watch Watch(std::string_view call) const {
    return {options_.watchdog, fmt::format("{} of task {}", call, options_.task), options_.timeout_ms + kWatchMarginMs};
  }
  void Reached(std::string_view point) const {
    if (options_.reached) options_.reached(point);
  }
  absl::Status Send(const OutputMessage& message, int64_t number);
  absl::Status Produce(const std::string& topic, std::string_view key, std::string_view value,
                       rd_kafka_headers_t* headers);
  absl::Status SendOffsets(const std::vector<LogOffset>& offsets);

  const KafkaConnection connection_;
  const KafkaDeliveryOptions options_;
  std::unique_ptr<KafkaClient> producer_;
  rd_kafka_consumer_group_metadata_t* membership_ = nullptr;
  int64_t commits_ = 0;
  bool broken_ = false;
};

KafkaDelivery::~KafkaDelivery() {
  if (producer_ != nullptr) {
    // Nothing waits for messages of a transaction that nobody commits.
    rd_kafka_purge(producer_->get(),
                   RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
  }
  if (membership_ != nullptr) rd_kafka_consumer_group_metadata_destroy(membership_);
}

absl::StatusOr<std::vector<std::string>> KafkaDelivery::Open(int64_t first_epoch) {
  EBB_CHECK(producer_ == nullptr, "a delivery is opened once");
  const std::string id = fmt::format("{}-{}", options_.group, options_.task);
  EBB_ASSIGN_OR_RETURN(producer_,
                       KafkaClient::Make(connection_, KafkaClient::Kind::kWriter, {{"transactional.id", id}}));
  if (!options_.group_membership.empty()) {
    EBB_RETURN_IF_ERROR(producer_->Failure(
        "reading the membership", rd_kafka_consumer_group_metadata_read(&membership_, options_.group_membership.data(),
                                                                        options_.group_membership.size())));
  }
  const int64_t deadline = MonotonicMs() + options_.timeout_ms;
  for (;;) {
    const Watchdog::Watch watch = Watch("init_transactions");
    rd_kafka_error_t* error = rd_kafka_init_transactions(producer_->get(), options_.timeout_ms);
    if (error != nullptr && rd_kafka_error_is_retriable(error) != 0 && MonotonicMs() < deadline) {
      rd_kafka_error_destroy(error);
      continue;
    }
    EBB_RETURN_IF_ERROR(producer_->Failure(fmt::format("taking over task {}", options_.task), error));
    break;
  }
  EBB_ASSIGN_OR_RETURN(std::unique_ptr<KafkaClient> reader,
                       KafkaClient::Make(connection_, KafkaClient::Kind::kReader,
                                         {{"group.id", "ebb-journal"}, {"queued.max.messages.kbytes", "16384"}}));
  rd_kafka_poll_set_consumer(reader->get());
  Reached("taken_over");
  absl::StatusOr<std::vector<std::string>> journal = JournalReader(options_, reader.get()).ReadFrom(first_epoch);
  Reached("journal_read");
  return journal;
}

absl::Status KafkaDelivery::Commit(const EpochCommit& epoch) {
  EBB_CHECK(producer_ != nullptr && !broken_, "a delivery after an error, or before Open");
  broken_ = true;  // until all is well
  ++commits_;
  {
    const Watchdog::Watch watch = Watch("begin_transaction");
    EBB_RETURN_IF_ERROR(producer_->Failure("beginning a transaction", rd_kafka_begin_transaction(producer_->get())));
  }
  Reached("commit_begun");
  int64_t number = 0;
  for (const OutputMessage& message : epoch.messages) EBB_RETURN_IF_ERROR(Send(message, number++));
  EBB_RETURN_IF_ERROR(Produce(options_.journal_topic, fmt::format("{}", options_.task), epoch.journal, nullptr));
  EBB_RETURN_IF_ERROR(SendOffsets(epoch.offsets));
  Reached("commit_sent");
  const Watchdog::Watch watch = Watch("commit_transaction");
  // -1: up to the transaction's own timeout; librdkafka advises against any other value.
  EBB_RETURN_IF_ERROR(producer_->Failure(fmt::format("committing task {}", options_.task),
                                         rd_kafka_commit_transaction(producer_->get(), -1)));
  Reached("committed");
  if (producer_->strays().any()) {
    return absl::UnavailableError(
        fmt::format("committing task {}: it is committed, but a request of the transaction went without an answer and "
                    "may still arrive; going on with a new producer, which it can't touch",
                    options_.task));
  }
  broken_ = false;
  return absl::OkStatus();
}

absl::Status KafkaDelivery::Send(const OutputMessage& message, int64_t number) {
  const std::string& topic = options_.topics[static_cast<size_t>(message.stream)];
  if (topic.empty()) return absl::OkStatus();
  rd_kafka_headers_t* headers = rd_kafka_headers_new(8);
  const std::string place = fmt::format("{}/{}/{}", options_.task, commits_, number);
  for (const auto& [name, value] : MessageHeaders(message.stream, options_.pipeline, message.value, place)) {
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  const std::string emitted = fmt::format("{}", options_.wall_now_ms());
  rd_kafka_header_add(headers, "emitted_at", -1, emitted.data(), static_cast<ssize_t>(emitted.size()));
  return Produce(topic, message.key, message.value, headers);
}

absl::Status KafkaDelivery::Produce(const std::string& topic, std::string_view key, std::string_view value,
                                    rd_kafka_headers_t* headers) {
  const int64_t deadline = MonotonicMs() + options_.timeout_ms;
  rd_kafka_resp_err_t error;
  for (;;) {
    void* const bytes = const_cast<char*>(value.data());
    void* const key_bytes = key.empty() ? nullptr : const_cast<char*>(key.data());
    // The headers become the message's when this succeeds. (produceva frees them twice in some versions.)
    error =
        headers == nullptr
            ? rd_kafka_producev(producer_->get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(options_.task),
                                RD_KAFKA_V_VALUE(bytes, value.size()), RD_KAFKA_V_KEY(key_bytes, key.size()),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)
            : rd_kafka_producev(producer_->get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(options_.task),
                                RD_KAFKA_V_VALUE(bytes, value.size()), RD_KAFKA_V_KEY(key_bytes, key.size()),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL || MonotonicMs() > deadline) break;
    rd_kafka_poll(producer_->get(), 10);
  }
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  if (headers != nullptr) rd_kafka_headers_destroy(headers);
  return producer_->Failure(fmt::format("writing {} bytes to {}/{}", value.size(), topic, options_.task), error);
}

absl::Status KafkaDelivery::SendOffsets(const std::vector<LogOffset>& offsets) {
  if (membership_ == nullptr || offsets.empty()) return absl::OkStatus();
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size()));
  for (const LogOffset& offset : offsets) {
    EBB_CHECK(offset.source < options_.source_topics.size());
    rd_kafka_topic_partition_list_add(list, options_.source_topics[offset.source].c_str(), options_.task)->offset =
        offset.next_offset;
  }
  absl::Status status;
  {
    const Watchdog::Watch watch = Watch("send_offsets_to_transaction");
    status = producer_->Failure(
        fmt::format("adding the offsets of task {}", options_.task),
        rd_kafka_send_offsets_to_transaction(producer_->get(), list, membership_, options_.timeout_ms));
  }
  rd_kafka_topic_partition_list_destroy(list);
  return status;
}

}  // namespace

std::unique_ptr<Delivery> NewKafkaDelivery(const KafkaConnection& connection, KafkaDeliveryOptions options) {
  return std::make_unique<KafkaDelivery>(connection, std::move(options));
}

}  // namespace ebb
