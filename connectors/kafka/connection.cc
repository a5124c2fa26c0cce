// The list of properties, and librdkafka's own opinion of their values.
#include "connectors/kafka/connection.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include <fmt/format.h>

#include "absl/strings/ascii.h"

namespace ebb {
namespace {

// In alphabetical order. Not here: what loads code or runs programs (plugin.library.paths, ssl.engine.location,
// sasl.kerberos.kinit.cmd), what switches checks off, what exactly-once rests on, and what belongs to other keys.
constexpr ClientProperty kProperties[] = {
    {"broker.address.family"},
    {"client.id"},
    {"compression.type", ClientRole::kWriter},
    {"fetch.max.bytes", ClientRole::kReader},
    {"fetch.message.max.bytes", ClientRole::kReader},
    {"fetch.wait.max.ms", ClientRole::kReader},
    {"heartbeat.interval.ms", ClientRole::kMember},
    {"linger.ms", ClientRole::kWriter},
    {"max.poll.interval.ms", ClientRole::kMember},
    {"message.max.bytes", ClientRole::kWriter},
    {"metadata.max.age.ms"},
    {"queued.max.messages.kbytes", ClientRole::kReader},
    {"queued.min.messages", ClientRole::kReader},
    {"receive.message.max.bytes"},
    {"reconnect.backoff.max.ms"},
    {"reconnect.backoff.ms"},
    {"sasl.kerberos.keytab"},
    {"sasl.kerberos.principal"},
    {"sasl.kerberos.service.name"},
    {"sasl.mechanism"},
    {"sasl.password", ClientRole::kAny, true},
    {"sasl.username"},
    {"security.protocol"},
    {"session.timeout.ms", ClientRole::kMember},
    {"socket.connection.setup.timeout.ms"},
    {"socket.keepalive.enable"},
    {"socket.timeout.ms"},
    {"ssl.ca.location"},
    {"ssl.ca.pem"},
    {"ssl.certificate.location"},
    {"ssl.certificate.pem"},
    {"ssl.cipher.suites"},
    {"ssl.crl.location"},
    {"ssl.curves.list"},
    {"ssl.endpoint.identification.algorithm"},
    {"ssl.key.location"},
    {"ssl.key.password", ClientRole::kAny, true},
    {"ssl.key.pem", ClientRole::kAny, true},
    {"ssl.sigalgs.list"},
    {"transaction.timeout.ms", ClientRole::kWriter},
};

}  // namespace

std::span<const ClientProperty> ClientProperties() { return kProperties; }

const ClientProperty* FindClientProperty(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kProperties), std::end(kProperties), [&](const auto& p) { return p.name == name; });
  return found == std::end(kProperties) ? nullptr : found;
}

absl::Status CheckClientProperty(const std::string& name, const std::string& value) {
  char error[512] = "";
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error);
  rd_kafka_conf_destroy(conf);
  if (result == RD_KAFKA_CONF_OK) return absl::OkStatus();
  if (FindClientProperty(name) != nullptr && FindClientProperty(name)->secret) {
    return absl::InvalidArgumentError(fmt::format("'{}' can't have this value", name));
  }
  return absl::InvalidArgumentError(absl::StripAsciiWhitespace(error));
}

std::string KafkaLibraryVersion() { return rd_kafka_version_str(); }

}  // namespace ebb
