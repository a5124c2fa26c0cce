// Steps: 1. metadata of the cluster; 2. make what is missing, if wanted, and ask again; 3. partition counts; 4. the
// configuration of each topic.
#include "connectors/kafka/topics.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "connectors/kafka/client.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr int32_t kDefaultPartitions = 4;
using TopicConfig = std::map<std::string, std::string>;

struct EventDeleter {
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
using Event = std::unique_ptr<rd_kafka_event_t, EventDeleter>;

// Confined to its task's thread.
class TopicChecker {
 public:
  TopicChecker(const std::vector<TopicNeed>& needs, const TopicOptions& options, KafkaClient* client)
      : needs_(needs), options_(options), client_(*client) {}

  absl::StatusOr<TopicReport> Run();

 private:
  absl::Status AskPartitions();
  absl::Status CreateMissing();
  absl::Status AskConfigs();
  void CheckCounts();
  void CheckConfig(const TopicNeed& need);
  // Sends an admin request and waits for its answer.
  template <typename Send>
  absl::StatusOr<Event> Ask(std::string_view attempt, const Send& send);
  int64_t Number(const TopicNeed& need, const std::string& name, int64_t otherwise) const;

  const std::vector<TopicNeed>& needs_;
  const TopicOptions& options_;
  KafkaClient& client_;
  std::map<std::string, int32_t> partitions_;  // by topic; those that exist
  std::set<std::string> leaderless_;           // topics with a partition that can't be used now
  int brokers_ = 0;
  std::map<std::string, TopicConfig> configs_;
  std::vector<std::string> problems_;
  bool missing_ = false;
  TopicReport report_;
};

absl::Status TopicChecker::AskPartitions() {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(client_.get(), 1, nullptr, &metadata, options_.timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return client_.Failure("asking for the topics", error);
  brokers_ = metadata->broker_cnt;
  partitions_.clear();
  leaderless_.clear();
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& topic = metadata->topics[i];
    if (topic.err == RD_KAFKA_RESP_ERR_NO_ERROR) partitions_[topic.topic] = topic.partition_cnt;
    for (int p = 0; p < topic.partition_cnt; ++p) {
      if (topic.partitions[p].leader < 0) leaderless_.insert(topic.topic);
    }
  }
  rd_kafka_metadata_destroy(metadata);
  return absl::OkStatus();
}

template <typename Send>
absl::StatusOr<Event> TopicChecker::Ask(std::string_view attempt, const Send& send) {
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client_.get());
  send(queue);
  Event event(rd_kafka_queue_poll(queue, options_.timeout_ms));
  rd_kafka_queue_destroy(queue);
  if (event == nullptr) return client_.Failure(attempt, RD_KAFKA_RESP_ERR__TIMED_OUT);
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return client_.Failure(attempt, rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get()));
  }
  return event;
}

absl::Status TopicChecker::CreateMissing() {
  int32_t count = options_.partitions > 0 ? options_.partitions : kDefaultPartitions;
  for (const TopicNeed& need : needs_) {
    if (need.use == TopicNeed::Use::kSource && partitions_.contains(need.topic)) count = partitions_[need.topic];
  }
  std::map<std::string, const TopicNeed*> wanted;
  for (const TopicNeed& need : needs_) {
    if (!partitions_.contains(need.topic)) wanted.emplace(need.topic, &need);
  }
  if (wanted.empty()) return absl::OkStatus();
  std::vector<rd_kafka_NewTopic_t*> topics;
  const int replicas = std::min(brokers_, 3);
  for (const auto& [name, need] : wanted) {
    char error[512] = "";
    rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(name.c_str(), count, replicas, error, sizeof error);
    if (topic == nullptr) return absl::InvalidArgumentError(fmt::format("topic '{}': {}", name, error));
    rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "delete");
    // By the time of sending, data of the past would be deleted as soon as they are written.
    rd_kafka_NewTopic_set_config(topic, "message.timestamp.type", "LogAppendTime");
    if (replicas >= 3) rd_kafka_NewTopic_set_config(topic, "min.insync.replicas", "2");
    if (need->keep > 0) {
      rd_kafka_NewTopic_set_config(topic, "retention.ms",
                                   fmt::format("{}", std::max({need->keep, need->rebuild, 7 * kDay})).c_str());
    }
    topics.push_back(topic);
  }
  absl::StatusOr<Event> event = Ask("making topics", [&](rd_kafka_queue_t* queue) {
    rd_kafka_CreateTopics(client_.get(), topics.data(), topics.size(), nullptr, queue);
  });
  rd_kafka_NewTopic_destroy_array(topics.data(), topics.size());
  EBB_RETURN_IF_ERROR(event.status());
  size_t results = 0;
  const rd_kafka_topic_result_t** each =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &results);
  for (size_t i = 0; i < results; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(each[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
    const char* text = rd_kafka_topic_result_error_string(each[i]);
    return client_.Failure(fmt::format("making the topic '{}'", rd_kafka_topic_result_name(each[i])), error,
                           text == nullptr ? "" : text);
  }
  // The brokers tell each other in their own time.
  const int64_t deadline = MonotonicMs() + options_.timeout_ms;
  for (;;) {
    EBB_RETURN_IF_ERROR(AskPartitions());
    const bool all = std::all_of(wanted.begin(), wanted.end(), [&](const auto& topic) {
      return partitions_.contains(topic.first) && !leaderless_.contains(topic.first);
    });
    if (all || MonotonicMs() > deadline) return absl::OkStatus();
    rd_kafka_poll(client_.get(), 50);
  }
}

absl::Status TopicChecker::AskConfigs() {
  std::vector<rd_kafka_ConfigResource_t*> resources;
  for (const TopicNeed& need : needs_) {
    if (!partitions_.contains(need.topic)) continue;
    resources.push_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, need.topic.c_str()));
  }
  if (resources.empty()) return absl::OkStatus();
  absl::StatusOr<Event> event = Ask("asking for the topics' configuration", [&](rd_kafka_queue_t* queue) {
    rd_kafka_DescribeConfigs(client_.get(), resources.data(), resources.size(), nullptr, queue);
  });
  rd_kafka_ConfigResource_destroy_array(resources.data(), resources.size());
  EBB_RETURN_IF_ERROR(event.status());
  size_t count = 0;
  const rd_kafka_ConfigResource_t** each =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const std::string topic = rd_kafka_ConfigResource_name(each[i]);
    if (rd_kafka_ConfigResource_error(each[i]) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      report_.warnings.push_back(
          fmt::format("the configuration of topic '{}' can't be read, so its retention isn't "
                      "checked: {}",
                      topic, rd_kafka_ConfigResource_error_string(each[i])));
      continue;
    }
    size_t entries = 0;
    const rd_kafka_ConfigEntry_t** entry = rd_kafka_ConfigResource_configs(each[i], &entries);
    for (size_t e = 0; e < entries; ++e) {
      const char* value = rd_kafka_ConfigEntry_value(entry[e]);
      configs_[topic][rd_kafka_ConfigEntry_name(entry[e])] = value == nullptr ? "" : value;
    }
  }
  return absl::OkStatus();
}

void TopicChecker::CheckCounts() {
  const TopicNeed* first = nullptr;
  for (const TopicNeed& need : needs_) {
    if (!partitions_.contains(need.topic)) {
      missing_ = true;
      problems_.push_back(fmt::format("topic '{}' ({}) doesn't exist; make it, or let 'ebb run --create-topics' do it",
                                      need.topic, need.named_by));
      continue;
    }
    const int32_t count = partitions_[need.topic];
    if (need.use == TopicNeed::Use::kSource) {
      if (first == nullptr) {
        first = &need;
        report_.tasks = count;
      } else if (count != report_.tasks) {
        problems_.push_back(fmt::format(
            "topic '{}' ({}) has {} partitions and topic '{}' ({}) has {}: a customer's records must have the same "
            "partition number in all of them, so give all the same number of partitions, and the same partitioner",
            first->topic, first->named_by, report_.tasks, need.topic, need.named_by, count));
      }
    } else if (count < report_.tasks) {
      problems_.push_back(fmt::format(
          "topic '{}' ({}) has {} partitions, fewer than the {} of the sources: task N writes to partition N; add "
          "partitions",
          need.topic, need.named_by, count, report_.tasks));
    }
  }
}

int64_t TopicChecker::Number(const TopicNeed& need, const std::string& name, int64_t otherwise) const {
  const auto config = configs_.find(need.topic);
  if (config == configs_.end()) return otherwise;
  const auto entry = config->second.find(name);
  if (entry == config->second.end()) return otherwise;
  int64_t value = otherwise;
  std::from_chars(entry->second.data(), entry->second.data() + entry->second.size(), value);
  return value;
}

void TopicChecker::CheckConfig(const TopicNeed& need) {
  const auto config = configs_.find(need.topic);
  if (config == configs_.end()) return;
  if (need.use != TopicNeed::Use::kOutput && config->second["cleanup.policy"].find("compact") != std::string::npos) {
    problems_.push_back(fmt::format(
        "topic '{}' ({}) is compacted, so records vanish from its middle and a recovery would read something else than "
        "the first run; set cleanup.policy=delete",
        need.topic, need.named_by));
  }
  const int64_t retention = Number(need, "retention.ms", -1);
  if (retention >= 0 && retention < need.keep) {
    problems_.push_back(
        fmt::format("topic '{}' ({}) keeps records for {}, and {} are needed; set retention.ms to at least {}",
                    need.topic, need.named_by, FormatDuration(retention), FormatDuration(need.keep), need.keep));
  }
  if (retention >= need.keep && retention < need.rebuild) {
    report_.warnings.push_back(
        fmt::format("topic '{}' ({}) keeps records for {}, but windows reach back {}: a state that is lost can't be "
                    "made anew from it; "
                    "set retention.ms to {}, or keep copies of the state",
                    need.topic, need.named_by, FormatDuration(retention), FormatDuration(need.rebuild), need.rebuild));
  }
  if (need.keep > 0 && Number(need, "retention.bytes", -1) >= 0) {
    report_.warnings.push_back(
        fmt::format("topic '{}' ({}) is also cut by size (retention.bytes={}): make sure that {} of records fit",
                    need.topic, need.named_by, Number(need, "retention.bytes", -1), FormatDuration(need.keep)));
  }
  const int64_t largest = Number(need, "max.message.bytes", INT64_MAX);
  if (largest < need.message_bytes) {
    problems_.push_back(
        fmt::format("topic '{}' ({}) takes messages of at most {} bytes; set max.message.bytes to at least {}",
                    need.topic, need.named_by, largest, need.message_bytes));
  }
  if (need.use != TopicNeed::Use::kSource && brokers_ >= 3 && Number(need, "min.insync.replicas", 2) < 2) {
    report_.warnings.push_back(
        fmt::format("topic '{}' ({}) has min.insync.replicas=1: what one broker alone has taken "
                    "is lost with it; set it to 2",
                    need.topic, need.named_by));
  }
  if (config->second["unclean.leader.election.enable"] == "true") {
    report_.warnings.push_back(
        fmt::format("topic '{}' ({}) has unclean.leader.election.enable=true: a broker that "
                    "lags may become its leader and lose records; set it to false",
                    need.topic, need.named_by));
  }
}

absl::StatusOr<TopicReport> TopicChecker::Run() {
  EBB_RETURN_IF_ERROR(AskPartitions());
  if (options_.create) EBB_RETURN_IF_ERROR(CreateMissing());
  CheckCounts();
  EBB_RETURN_IF_ERROR(AskConfigs());
  for (const TopicNeed& need : needs_) CheckConfig(need);
  if (!problems_.empty()) {
    const std::string text = fmt::format("{}", fmt::join(problems_, "\n"));
    return missing_ ? absl::NotFoundError(text) : absl::FailedPreconditionError(text);
  }
  char* id = rd_kafka_clusterid(client_.get(), options_.timeout_ms);
  if (id != nullptr) {
    report_.cluster = id;
    rd_kafka_mem_free(client_.get(), id);
  }
  return report_;
}

}  // namespace

absl::StatusOr<TopicReport> CheckTopics(const KafkaConnection& connection, const std::vector<TopicNeed>& needs,
                                        const TopicOptions& options) {
  EBB_ASSIGN_OR_RETURN(std::unique_ptr<KafkaClient> client, KafkaClient::Make(connection, KafkaClient::Kind::kAdmin));
  return TopicChecker(needs, options, client.get()).Run();
}

}  // namespace ebb
