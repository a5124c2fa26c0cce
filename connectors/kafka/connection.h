// How a Kafka cluster is reached, as plain data. librdkafka has properties that load libraries or run shell commands,
// so only those of a list can be set; what correctness rests on is pinned in client.cc and can't be set at all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace ebb {

// What a property may change: every client, those that read, those that write, or membership in the group.
enum class ClientRole : uint8_t { kAny, kReader, kWriter, kMember };

struct ClientProperty {
  std::string_view name;
  ClientRole role = ClientRole::kAny;
  bool secret = false;  // its value never shows
};

// The properties that a pipeline may set, by name.
std::span<const ClientProperty> ClientProperties();
// Null for a property that can't be set.
const ClientProperty* FindClientProperty(std::string_view name);
// InvalidArgument, in librdkafka's words, when the property doesn't take the value. The property is one of the list.
absl::Status CheckClientProperty(const std::string& name, const std::string& value);
// "2.0.2"
std::string KafkaLibraryVersion();

// Immutable after construction.
struct KafkaConnection {
  std::string brokers;                        // host:port,...
  std::map<std::string, std::string> client;  // of ClientProperties() only
  // What librdkafka has to say: a syslog level (3 is an error) and a line. Called from any thread; may be empty.
  std::function<void(int level, std::string_view line)> log;
};

}  // namespace ebb
