// Feeds a topic at a steady rate for bench/kafka: orders of 9,973 customers, and for every hundredth one of 97 others
// whose amounts go up and down between 0 and 1. For each of those it prints customer, the order's time and the broker's
// time of the append, both in ms. It ends with 1 when the broker didn't take all, or the rate couldn't be kept.
//
//   bench_feed BROKER TOPIC EVENTS_PER_SECOND SECONDS
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace {

constexpr int kPatienceMs = 60000;
constexpr double kMostWaiting = 0.2;  // seconds of records that wait at the end: more, and the rate wasn't kept

[[noreturn]] void Fail(const std::string& why) {
  fmt::print(stderr, "bench_feed: {}\n", why);
  std::exit(1);
}

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// What a message that leads to an alert, or ends one, carries: the order's time (41 bits) and which customer.
void* Mark(int64_t stamp, int64_t customer) { return reinterpret_cast<void*>(stamp << 16 | customer << 1 | 1); }

void Delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) Fail(rd_kafka_err2str(message->err));
  const auto mark = reinterpret_cast<int64_t>(message->_private);
  if (mark == 0) return;
  fmt::print("v{} {} {}\n", mark >> 1 & 0x7fff, mark >> 16, rd_kafka_message_timestamp(message, nullptr));
}

// Whose messages are told of one by one, or only if they fail, which is cheaper.
rd_kafka_t* NewProducer(const char* broker, bool telling) {
  char error[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const std::pair<const char*, const char*> settings[] = {
      {"bootstrap.servers", broker},
      {"linger.ms", "2"},
      {"acks", "1"},
      {"partitioner", "murmur2"},
      {"log_level", "0"},
      {"queue.buffering.max.messages", "4000000"},
      {"delivery.report.only.error", telling ? "false" : "true"},
  };
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value, error, sizeof(error)) != RD_KAFKA_CONF_OK) Fail(error);
  }
  rd_kafka_conf_set_dr_msg_cb(conf, Delivered);
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
  if (producer == nullptr) Fail(error);
  return producer;
}

rd_kafka_topic_t* NewTopic(rd_kafka_t* producer, const char* name) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(producer, name, nullptr);
  const rd_kafka_metadata_t* known = nullptr;
  if (topic == nullptr || rd_kafka_metadata(producer, 0, topic, &known, kPatienceMs) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Fail(fmt::format("the topic {} can't be reached", name));
  }
  rd_kafka_metadata_destroy(known);
  return topic;
}

void Produce(rd_kafka_t* producer, rd_kafka_topic_t* topic, bool marked, int64_t number, int64_t stamp) {
  char text[96];
  const int64_t who = marked ? number / 100 % 97 : number % 9973;
  const int64_t amount = marked ? 1 - number / 9700 % 2 : 0;
  const auto end = fmt::format_to_n(text, sizeof(text), R"({{"customer":"{}{}","time":{},"amount":{}}})",
                                    marked ? 'v' : 'c', who, stamp, amount);
  constexpr size_t kKeyAt = 13;  // behind {"customer":"
  size_t key_size = 0;
  while (text[kKeyAt + key_size] != '"') ++key_size;
  void* mark = marked ? Mark(stamp, who) : nullptr;
  while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, text, end.size, text + kKeyAt, key_size,
                          mark) != 0) {
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) Fail(rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_poll(producer, 10);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    fmt::print(stderr, "usage: bench_feed BROKER TOPIC EVENTS_PER_SECOND SECONDS\n");
    return 2;
  }
  const double rate = std::atof(arguments[3]);
  const double seconds = std::atof(arguments[4]);
  rd_kafka_t* producers[] = {NewProducer(arguments[1], false), NewProducer(arguments[1], true)};
  rd_kafka_topic_t* topics[] = {NewTopic(producers[0], arguments[2]), NewTopic(producers[1], arguments[2])};
  using Clock = std::chrono::steady_clock;
  const auto begun = Clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - begun).count(); };
  int64_t sent = 0;
  double now = 0;
  while ((now = passed()) < seconds) {
    const auto due = static_cast<int64_t>(now * rate);
    for (const int64_t stamp = NowMs(); sent < due; ++sent) {
      const bool marked = sent % 100 == 0;
      Produce(producers[marked ? 1 : 0], topics[marked ? 1 : 0], marked, sent, stamp);
    }
    rd_kafka_poll(producers[0], 0);
    rd_kafka_poll(producers[1], 1);
  }
  int waiting = 0;
  for (rd_kafka_t* producer : producers) waiting += rd_kafka_outq_len(producer);
  if (waiting > kMostWaiting * rate) {
    Fail(fmt::format("{} of {} records still wait: the rate wasn't kept", waiting, sent));
  }
  for (int i = 0; i < 2; ++i) {
    if (rd_kafka_flush(producers[i], kPatienceMs) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Fail("the broker did not take all records");
    }
    rd_kafka_topic_destroy(topics[i]);
    rd_kafka_destroy(producers[i]);
  }
  return 0;
}
