// The list of properties: sorted, known to librdkafka, and without those that load code or run commands.
#include "connectors/kafka/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "connectors/kafka/client.h"

namespace ebb {
namespace {

TEST(ConnectionTest, ListIsSortedAndKnown) {
  const auto properties = ClientProperties();
  EXPECT_TRUE(std::is_sorted(properties.begin(), properties.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
  for (const ClientProperty& property : properties) {
    const absl::Status status = CheckClientProperty(std::string(property.name), "\x01");
    EXPECT_THAT(std::string(status.message()), testing::Not(testing::HasSubstr("No such configuration property")))
        << property.name;
  }
}

TEST(ConnectionTest, DangerousAndPinnedPropertiesAreNotThere) {
  for (const char* name : {"plugin.library.paths", "ssl.engine.location", "sasl.kerberos.kinit.cmd", "isolation.level",
                           "enable.auto.commit", "transactional.id", "acks", "enable.ssl.certificate.verification",
                           "partition.assignment.strategy", "check.crcs", "auto.offset.reset", "client.rack"}) {
    EXPECT_EQ(FindClientProperty(name), nullptr) << name;
  }
}

TEST(ConnectionTest, ValuesAreChecked) {
  EXPECT_TRUE(CheckClientProperty("session.timeout.ms", "6000").ok());
  EXPECT_THAT(std::string(CheckClientProperty("session.timeout.ms", "soon").message()),
              testing::HasSubstr("session.timeout.ms"));
  EXPECT_THAT(std::string(CheckClientProperty("security.protocol", "tls").message()),
              testing::HasSubstr("security.protocol"));
}

TEST(ConnectionTest, PausesBeforeConnectingAnewCanBeChanged) {
  for (const char* name : {"reconnect.backoff.ms", "reconnect.backoff.max.ms"}) {
    const auto client =
        KafkaClient::Make({.brokers = "127.0.0.1:1", .client = {{name, "5000"}}, .log = {}}, KafkaClient::Kind::kAdmin);
    EXPECT_TRUE(client.ok()) << client.status();
  }
}

std::string RebalanceMsOf(std::map<std::string, std::string> properties) {
  const auto client = KafkaClient::Make({.brokers = "127.0.0.1:1", .client = std::move(properties), .log = {}},
                                        KafkaClient::Kind::kMember, {{"group.id", "g"}});
  EXPECT_TRUE(client.ok()) << client.status();
  char value[32] = "";
  size_t size = sizeof value;
  rd_kafka_conf_get(rd_kafka_conf((*client)->get()), "max.poll.interval.ms", value, &size);
  return value;
}

TEST(ConnectionTest, ARebalanceWaitsThreeSessionsForMembersThatAreGone) {
  EXPECT_EQ(RebalanceMsOf({}), "30000");
  EXPECT_EQ(RebalanceMsOf({{"session.timeout.ms", "60000"}}), "180000");
  EXPECT_EQ(RebalanceMsOf({{"session.timeout.ms", "1500"}}), "10000");
  EXPECT_EQ(RebalanceMsOf({{"max.poll.interval.ms", "70000"}}), "70000");
}

TEST(ConnectionTest, UnreachableIsSaidInASentence) {
  auto client = KafkaClient::Make({.brokers = "127.0.0.1:1", .client = {}, .log = {}}, KafkaClient::Kind::kAdmin);
  ASSERT_TRUE(client.ok()) << client.status();
  const absl::Status status = (*client)->Failure("asking", -195);  // _TRANSPORT
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("asking: Kafka at 127.0.0.1:1 can't be reached"));
}

TEST(ConnectionTest, LostConnectionIsNotRefusedCredentials) {
  ConnectionTrouble trouble;
  trouble.Note(
      "Disconnected: verify that security.protocol is correctly configured, broker might require SASL "
      "authentication (after 354ms in state UP)");
  EXPECT_FALSE(trouble.refused_credentials());
  trouble.Note("SASL authentication error: Authentication failed: Invalid username or password");
  EXPECT_TRUE(trouble.refused_credentials());
}

}  // namespace
}  // namespace ebb
