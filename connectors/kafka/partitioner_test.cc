// Kafka's own test values, and librdkafka's functions as the oracle.
#include "connectors/kafka/partitioner.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <string>
#include <utility>

#include "engine/base/random.h"

namespace ebb {
namespace {

TEST(PartitionerTest, Murmur2OfJavaClients) {
  // org.apache.kafka.common.utils.UtilsTest.
  const std::pair<std::string, int32_t> kCases[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  for (const auto& [key, hash] : kCases) {
    EXPECT_EQ(PartitionOf(Partitioner::kMurmur2, key, 1009), (hash & 0x7fffffff) % 1009) << key;
  }
}

TEST(PartitionerTest, SameAsLibrdkafka) {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string key;
    for (uint64_t bytes = random.Below(40); bytes > 0; --bytes) key += static_cast<char>(random.Below(256));
    const auto partitions = static_cast<int32_t>(1 + random.Below(64));
    EXPECT_EQ(PartitionOf(Partitioner::kMurmur2, key, partitions),
              rd_kafka_msg_partitioner_murmur2(nullptr, key.data(), key.size(), partitions, nullptr, nullptr));
    EXPECT_EQ(PartitionOf(Partitioner::kCrc32, key, partitions),
              rd_kafka_msg_partitioner_consistent(nullptr, key.data(), key.size(), partitions, nullptr, nullptr));
  }
}

}  // namespace
}  // namespace ebb
