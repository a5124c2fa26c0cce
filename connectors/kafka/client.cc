// The settings that can't be chosen stand here, each because of what would go wrong otherwise.
#include "connectors/kafka/client.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr int64_t kFreshMs = 2000;       // an answer is young enough to tell where a partition ends
constexpr int64_t kForgottenMs = 30000;  // a broker is taken to have lost the partition
// At most, between attempts. librdkafka's ten seconds would leave a broker that is back unnoticed for as long.
constexpr const char* kReconnectMs = "1000";
constexpr int64_t kLeastRebalanceMs = 10000;
// In Kafka's protocol.
constexpr int16_t kFetchRequest = 1;
constexpr int16_t kAddPartitionsRequest = 24;
constexpr int16_t kAddOffsetsRequest = 25;
constexpr int16_t kEndTransactionRequest = 26;
constexpr int16_t kTransactionOffsetsRequest = 28;
constexpr std::string_view kRefused = "credentials refused";

const Properties& PinnedFor(KafkaClient::Kind kind) {
  // check.crcs: bytes that a disk or a network has changed must not become results.
  static const Properties kReader = {
      {"auto.offset.reset", "error"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"isolation.level", "read_committed"},
      {"check.crcs", "true"},
      {"enable.partition.eof", "true"},
      {"allow.auto.create.topics", "false"},
      {"socket.nagle.disable", "true"},
      {"queued.min.messages", "1000000"},
      {"queued.max.messages.kbytes", "32768"},
      {"fetch.message.max.bytes", "4194304"},
      {"fetch.wait.max.ms", "100"},
  };
  // range: equal partition numbers of all topics come to the same member, because the members are sorted the same way.
  static const Properties kMember = {
      {"auto.offset.reset", "error"},        {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"}, {"partition.assignment.strategy", "range"},
      {"allow.auto.create.topics", "false"}, {"socket.nagle.disable", "true"},
      {"session.timeout.ms", "10000"},       {"heartbeat.interval.ms", "1000"},
  };
  static const Properties kWriter = {
      {"acks", "all"},    {"enable.idempotence", "true"},   {"transaction.timeout.ms", "15000"},
      {"linger.ms", "0"}, {"socket.nagle.disable", "true"},
  };
  static const Properties kAdmin = {{"socket.nagle.disable", "true"}};
  switch (kind) {
    case KafkaClient::Kind::kReader:
      return kReader;
    case KafkaClient::Kind::kMember:
      return kMember;
    case KafkaClient::Kind::kWriter:
      return kWriter;
    case KafkaClient::Kind::kAdmin:
      break;
  }
  return kAdmin;
}

bool Applies(ClientRole role, KafkaClient::Kind kind) {
  switch (role) {
    case ClientRole::kAny:
      return true;
    case ClientRole::kReader:
      return kind == KafkaClient::Kind::kReader;
    case ClientRole::kWriter:
      return kind == KafkaClient::Kind::kWriter;
    case ClientRole::kMember:
      return kind == KafkaClient::Kind::kMember;
  }
  return false;
}

// Whether the pipeline file sets a property whose name begins so.
bool Says(const KafkaConnection& connection, std::string_view prefix) {
  return std::any_of(connection.client.begin(), connection.client.end(),
                     [prefix](const auto& property) { return property.first.starts_with(prefix); });
}

// A rebalance waits no longer than max.poll.interval.ms for members that are gone, and meanwhile nobody has their
// tasks. A coordinator that has just been started may count on some that will never answer. Three sessions are enough
// for those who are there: they answer within moments.
std::string RebalanceMs(const Properties& all) {
  int64_t session_ms = 0;
  for (const auto& [name, value] : all) {
    if (name == "session.timeout.ms") std::from_chars(value.data(), value.data() + value.size(), session_ms);
  }
  return std::to_string(std::max(kLeastRebalanceMs, 3 * session_ms));
}

absl::Status SetAll(const KafkaConnection& connection, KafkaClient::Kind kind, const Properties& more,
                    rd_kafka_conf_t* conf) {
  Properties all = PinnedFor(kind);
  all.emplace_back("bootstrap.servers", connection.brokers);
  all.emplace_back("client.id", "ebb");
  if (!Says(connection, "reconnect.backoff.")) all.emplace_back("reconnect.backoff.max.ms", kReconnectMs);
  for (const auto& [name, value] : connection.client) {
    const ClientProperty* property = FindClientProperty(name);
    if (property != nullptr && Applies(property->role, kind)) all.emplace_back(name, value);
  }
  if (kind == KafkaClient::Kind::kMember && !Says(connection, "max.poll.interval.ms")) {
    all.emplace_back("max.poll.interval.ms", RebalanceMs(all));
  }
  all.insert(all.end(), more.begin(), more.end());
  for (const auto& [name, value] : all) {
    char error[512] = "";
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) {
      return absl::InvalidArgumentError(fmt::format("Kafka client property: {}", error));
    }
  }
  return absl::OkStatus();
}

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

int64_t MonotonicMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// librdkafka's callbacks, on its threads.
struct KafkaCallbacks {
  static void OnLog(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
    auto* client = static_cast<KafkaClient*>(rd_kafka_opaque(handle));
    if (client == nullptr) return;
    if (std::string_view(facility) == "FAIL" || level <= 3) client->trouble_.Note(text);
    if (client->connection_.log) client->connection_.log(level, fmt::format("{}: {}", facility, text));
  }

  static void OnError(rd_kafka_t*, int code, const char* reason, void* opaque) {
    auto* client = static_cast<KafkaClient*>(opaque);
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION) client->trouble_.Note(fmt::format("{}: {}", kRefused, reason));
  }

  static rd_kafka_resp_err_t OnNew(rd_kafka_t* handle, const rd_kafka_conf_t*, void* opaque, char*, size_t) {
    return rd_kafka_interceptor_add_on_response_received(handle, "ebb", OnResponse, opaque);
  }

  static rd_kafka_resp_err_t OnResponse(rd_kafka_t*, int, const char*, int32_t broker, int16_t request, int16_t,
                                        int32_t, size_t, int64_t, rd_kafka_resp_err_t error, void* opaque) {
    auto* client = static_cast<KafkaClient*>(opaque);
    // An error is the client's own: the connection was lost, or the time is up.
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      client->strays_.NoteUnanswered(request);
    } else if (request == kFetchRequest) {
      client->answers_.Note(broker);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  }
};

void ConnectionTrouble::Note(std::string_view line) {
  // Not every line with the word: a lost connection is said to be possibly for want of authentication.
  if (Contains(line, "SASL authentication error") || Contains(line, kRefused)) refused_credentials_ = true;
  const std::lock_guard lock(mutex_);
  last_ = line;
}

std::string ConnectionTrouble::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

// A produce request isn't among them: brokers know it again by its sequence number. Nor is the one that makes a
// producer: a late copy of it only fences.
void StrayRequests::NoteUnanswered(int16_t request) {
  if (request == kAddPartitionsRequest || request == kAddOffsetsRequest || request == kEndTransactionRequest ||
      request == kTransactionOffsetsRequest) {
    any_ = true;
  }
}

void FetchAnswers::Note(int32_t broker) {
  const int64_t now = MonotonicMs();
  any_ms_.store(now, std::memory_order_relaxed);
  if (broker >= 0) answered_ms_[broker % kBrokers].store(now, std::memory_order_relaxed);
}

bool FetchAnswers::Fresh(int32_t broker) const {
  const int64_t now = MonotonicMs();
  const int64_t any = any_ms_.load(std::memory_order_relaxed);
  const int64_t own = broker < 0 ? any : answered_ms_[broker % kBrokers].load(std::memory_order_relaxed);
  if (own != 0 && now - own <= kFreshMs) return true;
  return now - own > kForgottenMs && any != 0 && now - any <= kFreshMs;
}

absl::StatusOr<std::unique_ptr<KafkaClient>> KafkaClient::Make(const KafkaConnection& connection, Kind kind,
                                                               const Properties& more, const Configure& configure) {
  std::unique_ptr<KafkaClient> client(new KafkaClient(connection));
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  if (absl::Status set = SetAll(connection, kind, more, conf); !set.ok()) {
    rd_kafka_conf_destroy(conf);
    return set;
  }
  rd_kafka_conf_set_opaque(conf, client.get());
  rd_kafka_conf_set_log_cb(conf, KafkaCallbacks::OnLog);
  rd_kafka_conf_set_error_cb(conf, KafkaCallbacks::OnError);
  if (kind == Kind::kReader || kind == Kind::kWriter) {
    rd_kafka_conf_interceptor_add_on_new(conf, "ebb", KafkaCallbacks::OnNew, client.get());
  }
  if (configure) configure(conf);
  char error[512] = "";
  const bool writes = kind == Kind::kWriter || kind == Kind::kAdmin;
  client->handle_ = rd_kafka_new(writes ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, error, sizeof error);
  if (client->handle_ == nullptr) {
    rd_kafka_conf_destroy(conf);
    return absl::InvalidArgumentError(fmt::format("making a Kafka client failed: {}", error));
  }
  return client;
}

KafkaClient::~KafkaClient() {
  // Without the hand-over of a close: a static member keeps its place, and what isn't committed is aborted by the next
  // owner.
  if (handle_ != nullptr) rd_kafka_destroy_flags(handle_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

absl::Status KafkaClient::AskEnds(const std::string& topic, int32_t partition, int timeout_ms, int64_t* low,
                                  int64_t* end) const {
  const int64_t deadline = MonotonicMs() + timeout_ms;
  for (;;) {
    const rd_kafka_resp_err_t error =
        rd_kafka_query_watermark_offsets(handle_, topic.c_str(), partition, low, end, timeout_ms);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
    const bool passing = error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
                         error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
                         error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                         error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    if (!passing || MonotonicMs() >= deadline) {
      return Failure(fmt::format("asking for the ends of {}/{}", topic, partition), error);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

absl::Status KafkaClient::Failure(std::string_view attempt, rd_kafka_error_s* error) const {
  if (error == nullptr) return absl::OkStatus();
  absl::Status status = Failure(attempt, rd_kafka_error_code(error), rd_kafka_error_string(error));
  rd_kafka_error_destroy(error);
  return status;
}

absl::Status KafkaClient::Failure(std::string_view attempt, int code, std::string_view text) const {
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  const std::string reason = text.empty() ? rd_kafka_err2str(error) : std::string(text);
  const std::string last = trouble_.last();
  if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION || trouble_.refused_credentials()) {
    return absl::PermissionDeniedError(
        fmt::format("{}: Kafka at {} refuses the credentials; check security.protocol, sasl.mechanism, sasl.username "
                    "and sasl.password under 'kafka: client:' ({})",
                    attempt, connection_.brokers, last.empty() ? reason : last));
  }
  switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
      return absl::UnavailableError(
          fmt::format("{}: Kafka at {} can't be reached; is it running, is the address right, and does "
                      "security.protocol fit? ({})",
                      attempt, connection_.brokers, last.empty() ? reason : last));
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
      return absl::AbortedError(fmt::format("{}: another process has taken this task over ({})", attempt, reason));
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return absl::PermissionDeniedError(
          fmt::format("{}: Kafka allows it not; give this user the right to it ({})", attempt, reason));
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      return absl::OutOfRangeError(fmt::format("{}: {}", attempt, reason));
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return absl::NotFoundError(fmt::format("{}: the topic or partition doesn't exist ({})", attempt, reason));
    default:
      return absl::InternalError(fmt::format("{} failed: {}", attempt, reason));
  }
}

}  // namespace ebb
