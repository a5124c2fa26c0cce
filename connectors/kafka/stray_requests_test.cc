// That a request of a transaction which librdkafka sends again without having had an answer is noticed: on librdkafka's
// own mock cluster, which closes the connection instead of answering.
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <gtest/gtest.h>

#include "connectors/kafka/client.h"

namespace ebb {
namespace {

constexpr int16_t kEndTransaction = 26;
constexpr int kTimeoutMs = 10'000;

class StrayRequestsTest : public ::testing::Test {
 protected:
  StrayRequestsTest() {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", "127.0.0.1:1", nullptr, 0);  // of no use, but it would be missed
    rd_kafka_conf_set(conf, "log_level", "2", nullptr, 0);
    host_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    cluster_ = rd_kafka_mock_cluster_new(host_, 1);
    auto made = KafkaClient::Make({.brokers = rd_kafka_mock_cluster_bootstraps(cluster_), .client = {}, .log = {}},
                                  KafkaClient::Kind::kWriter, {{"transactional.id", "group-0"}});
    EXPECT_TRUE(made.ok()) << made.status();
    if (!made.ok()) return;
    writer_ = *std::move(made);
    ExpectGood(rd_kafka_init_transactions(writer_->get(), kTimeoutMs));
  }
  ~StrayRequestsTest() override {
    writer_.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(host_);
  }

  void ExpectGood(rd_kafka_error_t* error) const { EXPECT_TRUE(writer_->Failure("a call", error).ok()); }
  void CommitOne() const {
    ExpectGood(rd_kafka_begin_transaction(writer_->get()));
    char value[] = "alert";
    EXPECT_EQ(rd_kafka_producev(writer_->get(), RD_KAFKA_V_TOPIC("alerts"), RD_KAFKA_V_PARTITION(0),
                                RD_KAFKA_V_VALUE(value, 5), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
              RD_KAFKA_RESP_ERR_NO_ERROR);
    ExpectGood(rd_kafka_commit_transaction(writer_->get(), -1));
  }

  rd_kafka_t* host_;
  rd_kafka_mock_cluster_t* cluster_;
  std::unique_ptr<KafkaClient> writer_;
};

TEST_F(StrayRequestsTest, WhatIsAnsweredIsNone) {
  CommitOne();
  CommitOne();
  EXPECT_FALSE(writer_->strays().any());
  // Sent again, because the answer said so.
  rd_kafka_mock_push_request_errors(cluster_, kEndTransaction, 1, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS);
  CommitOne();
  EXPECT_FALSE(writer_->strays().any());
}

TEST_F(StrayRequestsTest, ACommitSentAgainAfterALostConnectionIsOne) {
  rd_kafka_mock_push_request_errors(cluster_, kEndTransaction, 1, RD_KAFKA_RESP_ERR__TRANSPORT);
  CommitOne();
  EXPECT_TRUE(writer_->strays().any());
}

}  // namespace
}  // namespace ebb
