// librdkafka wants every assignment acknowledged by assign(), but not that all of it is read: an empty list does.
#include "connectors/kafka/membership.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "connectors/kafka/client.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

// Confined to its task's thread.
class GroupMember final : public Membership {
 public:
  GroupMember(MembershipOptions options, Events events) : options_(std::move(options)), events_(std::move(events)) {}
  ~GroupMember() override { Leave(); }

  absl::Status Start(const KafkaConnection& connection);
  absl::Status Poll(int timeout_ms) override;
  void Leave() override;

 private:
  static void OnRebalance(rd_kafka_t* handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions,
                          void* opaque);
  void Assigned(const rd_kafka_topic_partition_list_t& partitions);
  absl::Status Capture(std::string* membership);

  const MembershipOptions options_;
  const Events events_;
  std::unique_ptr<KafkaClient> client_;
  bool assigned_ = false;
  absl::Status error_;
};

absl::Status GroupMember::Start(const KafkaConnection& connection) {
  Properties more = {{"group.id", options_.group}};
  if (!options_.instance.empty()) more.emplace_back("group.instance.id", options_.instance);
  EBB_ASSIGN_OR_RETURN(client_, KafkaClient::Make(connection, KafkaClient::Kind::kMember, more, [](void* conf) {
                         rd_kafka_conf_set_rebalance_cb(static_cast<rd_kafka_conf_t*>(conf), OnRebalance);
                       }));
  client_->set_owner(this);
  rd_kafka_poll_set_consumer(client_->get());
  rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(static_cast<int>(options_.topics.size()));
  for (const std::string& topic : options_.topics) {
    rd_kafka_topic_partition_list_add(topics, topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  const rd_kafka_resp_err_t error = rd_kafka_subscribe(client_->get(), topics);
  rd_kafka_topic_partition_list_destroy(topics);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return client_->Failure(fmt::format("joining the group '{}'", options_.group), error);
  }
  return absl::OkStatus();
}

void GroupMember::OnRebalance(rd_kafka_t* handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions,
                              void* opaque) {
  auto* member = static_cast<GroupMember*>(static_cast<KafkaClient*>(opaque)->owner());
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    member->Assigned(*partitions);
    return;
  }
  const bool lost = rd_kafka_assignment_lost(handle) != 0;
  if (member->assigned_) member->events_.revoked(lost);
  member->assigned_ = false;
  rd_kafka_assign(handle, nullptr);
  // After a session that ended by itself librdkafka may keep up its heartbeats and never join again; the group then
  // waits for it, up to max.poll.interval.ms, and nobody gets a task. A new member doesn't depend on that.
  if (lost && member->error_.ok()) {
    member->error_ = absl::UnavailableError(
        fmt::format("the group '{}' didn't hear of this process for too long; joining anew", member->options_.group));
  }
}

void GroupMember::Assigned(const rd_kafka_topic_partition_list_t& partitions) {
  std::map<int32_t, std::set<std::string>> topics_of;
  for (int i = 0; i < partitions.cnt; ++i) topics_of[partitions.elems[i].partition].insert(partitions.elems[i].topic);
  Assignment assignment;
  for (const auto& [task, topics] : topics_of) {
    assignment.tasks.push_back(task);
    if (topics.size() != options_.topics.size() && error_.ok()) {
      error_ = absl::FailedPreconditionError(fmt::format(
          "the group '{}' gave this process partition {} of {} of {} topics: all topics must have the same number of "
          "partitions, and all members of the group must be ebb with the same pipeline",
          options_.group, task, topics.size(), options_.topics.size()));
    }
  }
  // Tasks read with consumers of their own.
  rd_kafka_topic_partition_list_t* nothing = rd_kafka_topic_partition_list_new(0);
  rd_kafka_assign(client_->get(), nothing);
  rd_kafka_topic_partition_list_destroy(nothing);
  if (error_.ok()) error_ = Capture(&assignment.membership);
  if (!error_.ok()) return;
  assigned_ = true;
  events_.assigned(assignment);
}

absl::Status GroupMember::Capture(std::string* membership) {
  rd_kafka_consumer_group_metadata_t* metadata = rd_kafka_consumer_group_metadata(client_->get());
  if (metadata == nullptr) return absl::InternalError("the group's membership can't be read");
  void* bytes = nullptr;
  size_t size = 0;
  rd_kafka_error_t* error = rd_kafka_consumer_group_metadata_write(metadata, &bytes, &size);
  rd_kafka_consumer_group_metadata_destroy(metadata);
  EBB_RETURN_IF_ERROR(client_->Failure("keeping the group's membership", error));
  membership->assign(static_cast<char*>(bytes), size);
  rd_kafka_mem_free(client_->get(), bytes);
  return absl::OkStatus();
}

absl::Status GroupMember::Poll(int timeout_ms) {
  rd_kafka_message_t* message = rd_kafka_consumer_poll(client_->get(), timeout_ms);
  if (message != nullptr) {
    const rd_kafka_resp_err_t error = message->err;
    const char* text = rd_kafka_message_errstr(message);
    char fatal[512] = "";
    const rd_kafka_resp_err_t cause = rd_kafka_fatal_error(client_->get(), fatal, sizeof fatal);
    if (cause != RD_KAFKA_RESP_ERR_NO_ERROR) {
      error_ = cause == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
                   ? absl::AbortedError(fmt::format(
                         "another process has joined the group '{}' as '{}'; give each its own state directory, or its "
                         "own name under 'kafka: instance:'",
                         options_.group, options_.instance))
                   : client_->Failure(fmt::format("the group '{}'", options_.group), cause, fatal);
    } else if (error == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
               error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
      error_ = client_->Failure(fmt::format("the group '{}'", options_.group), error, text == nullptr ? "" : text);
    }
    rd_kafka_message_destroy(message);
  }
  return error_;
}

void GroupMember::Leave() {
  if (client_ == nullptr) return;
  if (assigned_) events_.revoked(false);
  assigned_ = false;
  // Not closed: that may hang when the coordinator is away, and a static member doesn't leave by it.
  client_.reset();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Membership>> Membership::Join(const KafkaConnection& connection,
                                                             const MembershipOptions& options, Events events) {
  auto member = std::make_unique<GroupMember>(options, std::move(events));
  EBB_RETURN_IF_ERROR(member->Start(connection));
  return member;
}

}  // namespace ebb
