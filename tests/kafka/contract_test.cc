// Logs, deliveries and membership against a real broker: tests/kafka/contract_test.py starts one and names it in
// EBB_TEST_BROKER. Each case has topics of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <cstdlib>

#include "connectors/kafka/client.h"
#include "connectors/kafka/kafka_delivery.h"
#include "connectors/kafka/membership.h"
#include "connectors/kafka/task_consumer.h"
#include "connectors/kafka/topics.h"

namespace ebb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kTimeoutMs = 60000;

KafkaConnection Cluster() { return {.brokers = std::getenv("EBB_TEST_BROKER"), .client = {}, .log = {}}; }

class KafkaContract : public testing::Test {
 protected:
  void SetUp() override {
    prefix_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::vector<TopicNeed> needs;
    for (const char* name : {"in", "other", "alerts", "journal"}) {
      needs.push_back({.topic = Topic(name), .use = TopicNeed::Use::kSource, .named_by = "a test"});
    }
    auto report = CheckTopics(Cluster(), needs, {.create = true, .partitions = 2, .timeout_ms = kTimeoutMs});
    ASSERT_TRUE(report.ok()) << report.status();
    ASSERT_EQ(report->tasks, 2);
  }

  std::string Topic(const std::string& name) const { return prefix_ + "-" + name; }

  std::unique_ptr<Delivery> NewDelivery(const std::string& membership = "") {
    KafkaDeliveryOptions options;
    options.pipeline = "shop";
    options.group = prefix_;
    options.task = 1;
    options.group_membership = membership;
    options.topics[0] = Topic("alerts");
    options.journal_topic = Topic("journal");
    options.source_topics = {Topic("in"), Topic("other")};
    options.epoch_of = [](std::string_view record) -> absl::StatusOr<int64_t> {
      return std::atoll(std::string(record).c_str());
    };
    options.timeout_ms = kTimeoutMs;
    options.wall_now_ms = [] { return int64_t{1}; };
    return NewKafkaDelivery(Cluster(), options);
  }

  static EpochCommit Epoch(int64_t number, const std::string& alert) {
    EpochCommit epoch;
    epoch.messages.push_back({Stream::kAlerts, "ann", alert});
    epoch.journal = std::to_string(number) + " journal";
    epoch.offsets = {{0, number * 10}, {1, number * 100}};
    return epoch;
  }

  // What a reader of committed data finds in partition 1, until its end.
  std::vector<std::string> Committed(const std::string& topic) {
    auto consumer =
        TaskConsumer::Open(Cluster(), {{.topic = Topic(topic), .partition = 1, .partitions = 2}}, kTimeoutMs);
    EXPECT_TRUE(consumer.ok()) << consumer.status();
    auto logs = (*consumer)->TakeLogs();
    std::vector<std::string> values;
    ReadUntilEnd(logs[0].get(), consumer->get(), &values);
    return values;
  }

  static void ReadUntilEnd(LiveLog* log, TaskConsumer* consumer, std::vector<std::string>* values) {
    std::vector<RawRecord> records;
    for (int i = 0; i < 3000; ++i) {
      const absl::Status status = log->Read(100, &records);
      ASSERT_TRUE(status.ok()) << status;
      for (const RawRecord& record : records) values->emplace_back(record.bytes);
      if (records.empty() && log->position() == log->end_offset()) return;
      if (records.empty()) consumer->WaitForRecords(20);
    }
    FAIL() << "never at the end: position " << log->position() << ", end " << log->end_offset();
  }

  // Writes with a plain or transactional producer of its own.
  void Produce(const std::string& topic, const std::vector<std::string>& values,
               const std::string& transactional_id = "", bool commit = true) {
    Properties more;
    if (!transactional_id.empty()) more.emplace_back("transactional.id", transactional_id);
    auto producer = KafkaClient::Make(Cluster(), KafkaClient::Kind::kWriter, more);
    ASSERT_TRUE(producer.ok()) << producer.status();
    rd_kafka_t* handle = (*producer)->get();
    if (!transactional_id.empty()) {
      ASSERT_EQ(rd_kafka_init_transactions(handle, kTimeoutMs), nullptr);
      ASSERT_EQ(rd_kafka_begin_transaction(handle), nullptr);
    }
    const std::string full_name = Topic(topic);
    for (const std::string& value : values) {
      ASSERT_EQ(rd_kafka_producev(handle, RD_KAFKA_V_TOPIC(full_name.c_str()), RD_KAFKA_V_PARTITION(1),
                                  RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                                  RD_KAFKA_V_KEY(const_cast<char*>("key"), 3), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                  RD_KAFKA_V_END),
                RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    ASSERT_EQ(rd_kafka_flush(handle, kTimeoutMs), RD_KAFKA_RESP_ERR_NO_ERROR);
    if (transactional_id.empty() || !commit) return;
    ASSERT_EQ(rd_kafka_commit_transaction(handle, -1), nullptr);
  }

  std::string prefix_;
};

TEST_F(KafkaContract, CommitIsVisibleAndReadBack) {
  auto first = NewDelivery();
  auto journal = first->Open(1);
  ASSERT_TRUE(journal.ok()) << journal.status();
  EXPECT_THAT(*journal, IsEmpty());
  ASSERT_TRUE(first->Commit(Epoch(1, "one")).ok());
  ASSERT_TRUE(first->Commit(Epoch(2, "two")).ok());
  EXPECT_THAT(Committed("alerts"), ElementsAre("one", "two"));
  EXPECT_THAT(*NewDelivery()->Open(1), ElementsAre("1 journal", "2 journal"));
  EXPECT_THAT(*NewDelivery()->Open(2), ElementsAre("2 journal"));
  EXPECT_THAT(*NewDelivery()->Open(3), IsEmpty());
}

TEST_F(KafkaContract, WhatWasLeftOpenIsAborted) {
  auto first = NewDelivery();
  ASSERT_TRUE(first->Open(1).ok());
  ASSERT_TRUE(first->Commit(Epoch(1, "one")).ok());
  first.reset();
  Produce("alerts", {"half done"}, prefix_ + "-1", false);
  auto second = NewDelivery();
  EXPECT_THAT(*second->Open(1), ElementsAre("1 journal"));
  EXPECT_THAT(Committed("alerts"), ElementsAre("one"));
  ASSERT_TRUE(second->Commit(Epoch(2, "two")).ok());
  EXPECT_THAT(Committed("alerts"), ElementsAre("one", "two"));
}

TEST_F(KafkaContract, ZombieIsFenced) {
  auto zombie = NewDelivery();
  ASSERT_TRUE(zombie->Open(1).ok());
  ASSERT_TRUE(zombie->Commit(Epoch(1, "one")).ok());
  auto owner = NewDelivery();
  ASSERT_TRUE(owner->Open(1).ok());
  const absl::Status status = zombie->Commit(Epoch(2, "of a zombie"));
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  ASSERT_TRUE(owner->Commit(Epoch(2, "two")).ok());
  EXPECT_THAT(Committed("alerts"), ElementsAre("one", "two"));
  EXPECT_THAT(*NewDelivery()->Open(1), ElementsAre("1 journal", "2 journal"));
}

TEST_F(KafkaContract, JournalIsReadFromAnyEpoch) {
  constexpr int kEpochs = 150;
  auto writer = NewDelivery();
  const auto opened = writer->Open(1);
  ASSERT_TRUE(opened.ok()) << opened.status();
  for (int i = 1; i <= kEpochs; ++i) {
    EpochCommit epoch;
    epoch.journal = std::to_string(i);
    ASSERT_TRUE(writer->Commit(epoch).ok());
  }
  for (const int first : {0, 1, 2, 70, 149, 150, 151}) {
    auto journal = NewDelivery()->Open(first);
    ASSERT_TRUE(journal.ok()) << journal.status();
    std::vector<std::string> expected;
    for (int i = std::max(first, 1); i <= kEpochs; ++i) expected.push_back(std::to_string(i));
    EXPECT_EQ(*journal, expected) << first;
  }
}

TEST_F(KafkaContract, LogGivesRecordsAndKnowsItsEnd) {
  Produce("in", {"a", "b", ""});
  Produce("in", {"c"}, prefix_ + "-committed");
  Produce("in", {"never"}, prefix_ + "-aborted", false);
  Produce("in", {}, prefix_ + "-aborted");  // resolves the open one
  auto consumer = TaskConsumer::Open(Cluster(), {{.topic = Topic("in"), .partition = 1, .partitions = 2}}, kTimeoutMs);
  ASSERT_TRUE(consumer.ok()) << consumer.status();
  auto logs = (*consumer)->TakeLogs();
  EXPECT_EQ(logs[0]->position(), 0);
  std::vector<std::string> values;
  ReadUntilEnd(logs[0].get(), consumer->get(), &values);
  EXPECT_THAT(values, ElementsAre("a", "b", "", "c"));
  EXPECT_GE(logs[0]->end_offset(), 6);  // four records, two markers, one that was aborted
  EXPECT_EQ((*consumer)->figures(0).records, 4);
  // It goes on when there is more.
  Produce("in", {"d"});
  values.clear();
  for (int i = 0; i < 500 && values.empty(); ++i) {
    (*consumer)->WaitForRecords(20);
    ReadUntilEnd(logs[0].get(), consumer->get(), &values);
  }
  EXPECT_THAT(values, ElementsAre("d"));
}

TEST_F(KafkaContract, EndIsThatOfCommittedData) {
  Produce("in", {"a"});
  // A transaction that stays open for as long as this lives.
  auto open = KafkaClient::Make(Cluster(), KafkaClient::Kind::kWriter, {{"transactional.id", prefix_ + "-open"}});
  ASSERT_TRUE(open.ok());
  ASSERT_EQ(rd_kafka_init_transactions((*open)->get(), kTimeoutMs), nullptr);
  ASSERT_EQ(rd_kafka_begin_transaction((*open)->get()), nullptr);
  char value[] = "not yet";
  const std::string full_name = Topic("in");
  ASSERT_EQ(rd_kafka_producev((*open)->get(), RD_KAFKA_V_TOPIC(full_name.c_str()), RD_KAFKA_V_PARTITION(1),
                              RD_KAFKA_V_VALUE(value, 7), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_EQ(rd_kafka_flush((*open)->get(), kTimeoutMs), RD_KAFKA_RESP_ERR_NO_ERROR);
  auto consumer = TaskConsumer::Open(Cluster(), {{.topic = Topic("in"), .partition = 1, .partitions = 2}}, kTimeoutMs);
  ASSERT_TRUE(consumer.ok());
  auto logs = (*consumer)->TakeLogs();
  std::vector<std::string> values;
  ReadUntilEnd(logs[0].get(), consumer->get(), &values);
  EXPECT_THAT(values, ElementsAre("a"));
  EXPECT_EQ(logs[0]->end_offset(), 1);
  ASSERT_EQ(rd_kafka_commit_transaction((*open)->get(), -1), nullptr);
  for (int i = 0; i < 500 && values.size() < 2; ++i) {
    (*consumer)->WaitForRecords(20);
    ReadUntilEnd(logs[0].get(), consumer->get(), &values);
  }
  EXPECT_THAT(values, ElementsAre("a", "not yet"));
}

TEST_F(KafkaContract, RecordsCarryTheirKeyAndArePadded) {
  std::vector<std::string> sent;
  for (int i = 0; i < 1000; ++i) sent.push_back(std::string(static_cast<size_t>(i % 300), 'x') + std::to_string(i));
  Produce("in", sent);
  auto consumer = TaskConsumer::Open(Cluster(), {{.topic = Topic("in"), .partition = 1, .partitions = 2}}, kTimeoutMs);
  ASSERT_TRUE(consumer.ok());
  auto log = std::move((*consumer)->TakeLogs()[0]);
  ASSERT_TRUE(log->Seek(500).ok());
  std::vector<RawRecord> records;
  int64_t next = 500;
  while (next < 1000) {
    ASSERT_TRUE(log->Read(37, &records).ok());
    EXPECT_LE(records.size(), 37u);
    for (const RawRecord& record : records) {
      ASSERT_EQ(record.offset, next);
      ASSERT_EQ(record.bytes, sent[static_cast<size_t>(next)]);
      ASSERT_EQ(record.key, "key");
      ++next;
    }
    if (records.empty()) (*consumer)->WaitForRecords(20);
  }
}

TEST_F(KafkaContract, SeekOutsideIsRefused) {
  Produce("in", {"a", "b"});
  auto consumer = TaskConsumer::Open(Cluster(), {{.topic = Topic("in"), .partition = 1, .partitions = 2}}, kTimeoutMs);
  ASSERT_TRUE(consumer.ok());
  auto log = std::move((*consumer)->TakeLogs()[0]);
  const absl::Status behind = log->Seek(3);
  EXPECT_TRUE(absl::IsOutOfRange(behind));
  EXPECT_THAT(std::string(behind.message()), HasSubstr("the topic ends at 2: it was deleted and made again"));
  EXPECT_TRUE(log->Seek(2).ok());
}

TEST_F(KafkaContract, MisplacedKeysAreFound) {
  // "key" in partition 1 of 2: what do the partitioners say?
  Produce("in", {"a", "b"});
  for (const Partitioner partitioner : {Partitioner::kMurmur2, Partitioner::kCrc32}) {
    const bool misplaced = PartitionOf(partitioner, "key", 2) != 1;
    for (const MisplacedRecords what :
         {MisplacedRecords::kFail, MisplacedRecords::kQuarantine, MisplacedRecords::kWarn}) {
      auto consumer = TaskConsumer::Open(Cluster(), {{Topic("in"), 1, 2, partitioner, what}}, kTimeoutMs);
      ASSERT_TRUE(consumer.ok());
      auto log = std::move((*consumer)->TakeLogs()[0]);
      std::vector<RawRecord> records;
      absl::Status status;
      int64_t seen = 0, quarantined = 0;
      for (int i = 0; i < 500 && status.ok() && seen < 2; ++i) {
        status = log->Read(10, &records);
        for (const RawRecord& record : records) quarantined += record.reason == Reason::kBadKey;
        seen += static_cast<int64_t>(records.size());
        (*consumer)->WaitForRecords(20);
      }
      if (status.ok()) status = log->Read(10, &records);
      EXPECT_EQ(absl::IsFailedPrecondition(status), misplaced && what == MisplacedRecords::kFail) << status;
      EXPECT_EQ(quarantined, misplaced && what == MisplacedRecords::kQuarantine ? 2 : 0);
      EXPECT_EQ((*consumer)->figures(0).misplaced, misplaced ? 2 : 0);
    }
  }
}

// A member with what it was told. Confined to its task's thread.
struct Member {
  Member(const std::string& group, const std::string& instance, const std::vector<std::string>& topics) {
    Membership::Events events;
    events.assigned = [this](const Assignment& got) {
      assignment = got;
      ++assigned;
    };
    events.revoked = [this](bool) {
      assignment = {};
      ++revoked;
    };
    auto joined = Membership::Join(Cluster(), {group, instance, topics}, events);
    EXPECT_TRUE(joined.ok()) << joined.status();
    membership = std::move(*joined);
  }
  Assignment assignment;
  int assigned = 0, revoked = 0;
  std::unique_ptr<Membership> membership;  // last: leaving tells the others
};

TEST_F(KafkaContract, MembersShareTasksAndLateCommitsAreRefused) {
  const std::vector<std::string> topics = {Topic("in"), Topic("other")};
  Member first(prefix_, "first", topics);
  for (int i = 0; i < 600 && first.assigned == 0; ++i) ASSERT_TRUE(first.membership->Poll(100).ok());
  EXPECT_THAT(first.assignment.tasks, ElementsAre(0, 1));
  ASSERT_FALSE(first.assignment.membership.empty());
  const std::string early = first.assignment.membership;
  auto delivery = NewDelivery(early);
  ASSERT_TRUE(delivery->Open(1).ok());
  ASSERT_TRUE(delivery->Commit(Epoch(1, "one")).ok());

  Member second(prefix_, "second", topics);
  for (int i = 0; i < 1200 && (second.assigned == 0 || first.assigned < 2); ++i) {
    ASSERT_TRUE(first.membership->Poll(50).ok());
    ASSERT_TRUE(second.membership->Poll(50).ok());
  }
  EXPECT_EQ(first.revoked, 1);
  EXPECT_THAT(first.assignment.tasks, ElementsAre(0));
  EXPECT_THAT(second.assignment.tasks, ElementsAre(1));

  // The first member's task 1 was lost: with what it captured then, it can't commit any more.
  const absl::Status late = delivery->Commit(Epoch(2, "late"));
  EXPECT_TRUE(absl::IsAborted(late)) << late;
  delivery.reset();
  auto owner = NewDelivery(second.assignment.membership);
  EXPECT_THAT(*owner->Open(1), ElementsAre("1 journal"));
  ASSERT_TRUE(owner->Commit(Epoch(2, "two")).ok());
  EXPECT_THAT(Committed("alerts"), ElementsAre("one", "two"));
}

TEST_F(KafkaContract, TopicsAreCheckedWithSentences) {
  const auto check = [&](std::vector<TopicNeed> needs) {
    return CheckTopics(Cluster(), needs, {.create = false, .partitions = 0, .timeout_ms = kTimeoutMs}).status();
  };
  TopicNeed missing{.topic = "nowhere", .use = TopicNeed::Use::kSource, .named_by = "source 'calls'"};
  EXPECT_TRUE(absl::IsNotFound(check({missing})));
  EXPECT_THAT(std::string(check({missing}).message()),
              "topic 'nowhere' (source 'calls') doesn't exist; make it, or let 'ebb run --create-topics' do it");
  TopicNeed large{.topic = Topic("in"), .use = TopicNeed::Use::kSource, .named_by = "source 'calls'"};
  large.message_bytes = 100 << 20;
  EXPECT_THAT(std::string(check({large}).message()), HasSubstr("set max.message.bytes to at least 104857600"));
}

}  // namespace
}  // namespace ebb
