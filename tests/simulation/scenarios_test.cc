// The simulated cluster is held to account: it answers the requests of tests/kafka/scenarios.txt as a real broker does,
// which tests/kafka/scenarios.py asks the same.
#include <array>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/simulation/kafka_ports.h"

namespace ebb {
namespace {

// As in tests/kafka/scenarios.py.
constexpr int kGroupTasks = 2;
constexpr int64_t kTransactionMs = 5000, kSessionMs = 2000, kRebalanceMs = 3000, kPatienceMs = 1500;
constexpr int64_t kBeatMs = 300;
constexpr int kTask = 0;
const std::string kHeld = ", more is held";

using Words = std::vector<std::string>;

class NoObserver : public BrokerObserver {
  void TakenOver(int, int64_t) override {}
  void Decided(int, const DecidedTransaction&) override {}
  void Visible(int, int, const OutputRecord&) override {}
};

// A process: its producer and its membership.
struct Actor {
  struct Batch {
    int64_t sequence = 0;
    std::vector<OutputRecord> records;
  };

  std::string name;
  Producer producer;
  std::array<int64_t, kOutputLogs> sequences{};
  std::array<Batch, kOutputLogs> last;
  Membership membership;
  std::vector<int64_t> tasks;

  std::string instance() const { return name.substr(0, 1); }
};

int LogNamed(const std::string& name) {
  if (name == "journal") return kJournalLog;
  return static_cast<int>(name == "alerts" ? Stream::kAlerts : Stream::kScores);
}

// Confined to its task's thread.
class Scenario {
 public:
  explicit Scenario(bool verifies)
      : scheduler_(1, false),
        network_(&scheduler_, {.latency_ms = 0}),
        group_(&scheduler_,
               {.tasks = kGroupTasks, .session_timeout_ms = kSessionMs, .rebalance_timeout_ms = kRebalanceMs}),
        brokers_(&scheduler_, &network_, &group_, 1, {.transaction_timeout_ms = kTransactionMs, .verifies = verifies},
                 &observer_),
        machine_(&scheduler_, 0),
        input_("calls", 0, 0) {}

  // The lines as they were seen.
  std::vector<std::string> Run(const std::vector<std::string>& lines) {
    std::vector<std::string> seen;
    const std::shared_ptr<Thread> main = machine_.Start([&](Thread* thread) {
      for (const std::string& line : lines) {
        const std::string step = line.substr(0, line.find(" -> "));
        const std::string said = Do(thread, step);
        seen.push_back(said.empty() ? step : step + " -> " + said);
      }
    });
    while (!main->done() && scheduler_.Step()) {
    }
    return seen;
  }

 private:
  using Ask = std::string (Scenario::*)(Thread*, Actor*, const Words&);
  using Act = std::string (Scenario::*)(Thread*, const Words&);

  std::string Do(Thread* thread, const std::string& step);
  std::string DoWords(Thread* thread, const Words& words);
  Actor* Named(const std::string& name);
  Reply Call(Thread* thread, Api api, const Network::Handler& handler, int64_t for_ms = kPatienceMs + 3000);
  std::string Send(Thread* thread, Actor* actor, int log, const Actor::Batch& batch);

  // What an owner asks for.
  std::string Init(Thread* thread, Actor* actor, const Words& words);
  std::string Add(Thread* thread, Actor* actor, const Words& logs);
  std::string AddOffsets(Thread* thread, Actor* actor, const Words&);
  std::string Produce(Thread* thread, Actor* actor, const Words& words);
  std::string Repeat(Thread* thread, Actor* actor, const Words& words);
  std::string Skip(Thread* thread, Actor* actor, const Words& words);
  std::string CommitOffset(Thread* thread, Actor* actor, const Words& words);
  std::string End(Thread* thread, Actor* actor, const Words& words);
  std::string BeginToJoin(Thread* thread, Actor* actor, const Words&);
  std::string Heartbeat(Thread* thread, Actor* actor, const Words&);
  std::string Join(Thread* thread, const std::vector<Actor*>& actors);

  // What readers and others do.
  std::string Wait(Thread* thread, const Words& words);
  std::string Offset(Thread* thread, const Words&);
  std::string Read(Thread* thread, const Words& words);
  std::string ReadInput(Thread* thread, int64_t begin);
  std::string Ends(Thread*, const Words&);
  std::string Append(Thread*, const Words& words);
  std::string Open(Thread*, const Words& words);
  std::string Commit(Thread*, const Words&);
  std::string Abort(Thread*, const Words&);
  std::string Delete(Thread*, const Words& words);

  Scheduler scheduler_;
  NoObserver observer_;
  Network network_;
  Group group_;
  Brokers brokers_;
  Machine machine_;
  Input input_;
  std::map<std::string, Actor> actors_;
};

std::string Word(const Reply& reply) {
  return reply.error == KafkaError::kNone ? "ok" : std::string(KafkaErrorName(reply.error));
}

// ---- Steps

std::string Scenario::Do(Thread* thread, const std::string& step) {
  const std::vector<std::string> parts = absl::StrSplit(step, ", ");
  const Words words = absl::StrSplit(parts[0], ' ');
  if (parts.size() == 1) return DoWords(thread, words);
  Actor* beating = Named(parts[1].substr(0, parts[1].find(' ')));
  bool done = false;
  const std::shared_ptr<Thread> beats = machine_.Start([&](Thread* own) {
    while (!done) {
      Heartbeat(own, beating, {});
      own->Sleep(kBeatMs, "between heartbeats");
    }
  });
  const std::string said = DoWords(thread, words);
  done = true;
  while (!beats->done()) thread->Sleep(kBeatMs, "waiting for the last heartbeat");
  return said;
}

std::string Scenario::DoWords(Thread* thread, const Words& words) {
  static const std::map<std::string, Act> kActs = {
      {"wait", &Scenario::Wait},     {"offset", &Scenario::Offset}, {"read", &Scenario::Read},
      {"ends", &Scenario::Ends},     {"append", &Scenario::Append}, {"open", &Scenario::Open},
      {"commit", &Scenario::Commit}, {"abort", &Scenario::Abort},   {"delete", &Scenario::Delete},
  };
  static const std::map<std::string, Ask> kAsks = {
      {"init", &Scenario::Init},
      {"add", &Scenario::Add},
      {"add-offsets", &Scenario::AddOffsets},
      {"produce", &Scenario::Produce},
      {"repeat", &Scenario::Repeat},
      {"skip", &Scenario::Skip},
      {"commit-offset", &Scenario::CommitOffset},
      {"end", &Scenario::End},
      {"begin", &Scenario::BeginToJoin},
      {"heartbeat", &Scenario::Heartbeat},
  };
  if (const auto act = kActs.find(words[0]); act != kActs.end()) {
    return (this->*act->second)(thread, {words.begin() + 1, words.end()});
  }
  if (const auto ask = kAsks.find(words[1]); ask != kAsks.end()) {
    return (this->*ask->second)(thread, Named(words[0]), {words.begin() + 2, words.end()});
  }
  if (words.back() != "join") return "there is no such step";
  std::vector<Actor*> actors;
  for (size_t i = 0; i + 1 < words.size(); ++i) actors.push_back(Named(words[i]));
  return Join(thread, actors);
}

Actor* Scenario::Named(const std::string& name) {
  Actor& actor = actors_[name];
  actor.name = name;
  return &actor;
}

// ---- An owner's requests

Reply Scenario::Call(Thread* thread, Api api, const Network::Handler& handler, int64_t for_ms) {
  return network_.Call(thread, api, 0, for_ms, handler);
}

std::string Scenario::Init(Thread* thread, Actor* actor, const Words& words) {
  const Reply reply = Call(
      thread, Api::kInitProducer, [this] { return brokers_.InitProducer(kTask, 0); }, words.empty() ? kPatienceMs : 0);
  if (reply.error != KafkaError::kNone) return Word(reply);
  actor->producer = {reply.number, static_cast<int32_t>(reply.second)};
  actor->sequences = {};
  return fmt::format("epoch {}", reply.second);
}

std::string Scenario::Add(Thread* thread, Actor* actor, const Words& names) {
  std::vector<int> logs;
  for (const std::string& name : names) logs.push_back(LogNamed(name));
  return Word(Call(thread, Api::kAddPartitions,
                   [this, actor, logs] { return brokers_.AddPartitions(kTask, actor->producer, logs); }));
}

std::string Scenario::AddOffsets(Thread* thread, Actor* actor, const Words&) {
  return Word(Call(thread, Api::kAddOffsets, [this, actor] { return brokers_.AddOffsets(kTask, actor->producer); }));
}

std::string Scenario::Send(Thread* thread, Actor* actor, int log, const Actor::Batch& batch) {
  return Word(Call(thread, Api::kProduce, [this, actor, log, batch] {
    return brokers_.Produce(kTask, log, actor->producer, batch.sequence, batch.records);
  }));
}

std::string Scenario::Produce(Thread* thread, Actor* actor, const Words& words) {
  const int log = LogNamed(words[0]);
  Actor::Batch& batch = actor->last[log];
  batch = {actor->sequences[log], {}};
  for (size_t i = 1; i < words.size(); ++i) batch.records.push_back({0, actor->producer, "", words[i]});
  const std::string said = Send(thread, actor, log, batch);
  if (said == "ok") actor->sequences[log] += static_cast<int64_t>(batch.records.size());
  return said;
}

std::string Scenario::Repeat(Thread* thread, Actor* actor, const Words& words) {
  const int log = LogNamed(words[0]);
  return Send(thread, actor, log, actor->last[log]);
}

std::string Scenario::Skip(Thread* thread, Actor* actor, const Words& words) {
  const int log = LogNamed(words[0]);
  return Send(thread, actor, log, {actor->sequences[log] + 1, {{0, actor->producer, "", words[1]}}});
}

std::string Scenario::CommitOffset(Thread* thread, Actor* actor, const Words& words) {
  const std::vector<LogOffset> offsets = {{0, std::stoll(words[0])}};
  return Word(Call(thread, Api::kCommitOffsets, [this, actor, offsets] {
    return brokers_.CommitOffsets(kTask, actor->producer, 0, actor->membership, offsets);
  }));
}

std::string Scenario::End(Thread* thread, Actor* actor, const Words& words) {
  const Reply reply =
      Call(thread, Api::kEndTransaction, [this, actor] { return brokers_.EndTransaction(kTask, actor->producer); });
  return words.empty() ? Word(reply) : "?";
}

// ---- The group

std::string Scenario::BeginToJoin(Thread* thread, Actor* actor, const Words&) {
  const Reply reply =
      Call(thread, Api::kJoinGroup, [this, actor] { return group_.Join(actor->instance(), actor->membership.member); });
  actor->membership.member = reply.number;
  return reply.error == KafkaError::kRebalancing ? "waits" : Word(reply);
}

std::string Scenario::Join(Thread* thread, const std::vector<Actor*>& actors) {
  std::vector<std::string> has(actors.size());
  std::vector<std::string> errors(actors.size());
  size_t left = actors.size();
  while (left > 0) {
    for (size_t i = 0; i < actors.size(); ++i) {
      if (!errors[i].empty()) continue;
      Actor* actor = actors[i];
      const Reply reply = Call(thread, Api::kJoinGroup,
                               [this, actor] { return group_.Join(actor->instance(), actor->membership.member); });
      if (reply.error == KafkaError::kRebalancing) actor->membership.member = reply.number;
      if (reply.error == KafkaError::kRebalancing) continue;
      --left;
      errors[i] = Word(reply);
      if (reply.error != KafkaError::kNone) continue;
      actor->membership = {reply.number, reply.second};
      has[i] =
          fmt::format("{} has {}", actor->name, reply.numbers.empty() ? "nothing" : absl::StrJoin(reply.numbers, " "));
    }
    if (left > 0) thread->Sleep(40, "waiting to be assigned");
  }
  for (const std::string& error : errors) {
    if (error != "ok") return absl::StrJoin(errors, " ");
  }
  return fmt::format("generation {}: {}", actors[0]->membership.generation, absl::StrJoin(has, ", "));
}

std::string Scenario::Heartbeat(Thread* thread, Actor* actor, const Words&) {
  return Word(Call(thread, Api::kHeartbeat,
                   [this, actor] { return group_.Heartbeat(actor->membership.member, actor->membership.generation); }));
}

std::string Scenario::Offset(Thread* thread, const Words&) {
  const int64_t deadline = scheduler_.now_ms() + kPatienceMs;
  while (brokers_.offsets_held(kTask) && scheduler_.now_ms() < deadline) thread->Sleep(50, "waiting for offsets");
  const int64_t offset = brokers_.committed_offset(kTask, 0);
  return (offset < 0 ? "none" : fmt::format("{}", offset)) + (brokers_.offsets_held(kTask) ? kHeld : "");
}

std::string Scenario::Wait(Thread* thread, const Words& words) {
  thread->Sleep(std::stoll(words[0]), "waiting");
  return "";
}

// ---- Readers, and producers of the input

std::string Scenario::Read(Thread* thread, const Words& words) {
  if (words[0] == "calls") return ReadInput(thread, std::stoll(words[2]));
  const int log = LogNamed(words[0]);
  const int64_t deadline = scheduler_.now_ms() + kPatienceMs;
  Reply reply = brokers_.Fetch(kTask, log, 0);
  while (reply.number < reply.second && scheduler_.now_ms() < deadline) {
    thread->Sleep(50, "waiting for the end");
    reply = brokers_.Fetch(kTask, log, 0);
  }
  return (reply.texts.empty() ? "nothing" : absl::StrJoin(reply.texts, " ")) +
         (reply.number < reply.second ? kHeld : "");
}

std::string Scenario::ReadInput(Thread* thread, int64_t begin) {
  const PortContext ports{thread, &network_, &brokers_, kTask, kPatienceMs, [] {}};
  absl::StatusOr<std::unique_ptr<SimulatedLog>> log = SimulatedLog::Open(ports, &input_, 0);
  if (!log.ok()) return log.status().ToString();
  if (absl::IsOutOfRange((*log)->Seek(begin))) return "gone";
  std::vector<std::string> found;
  std::vector<RawRecord> records;
  do {
    if (const absl::Status status = (*log)->Read(10, &records); !status.ok()) return status.ToString();
    for (const RawRecord& record : records) {
      MemoryRecord value;
      std::memcpy(&value, record.bytes.data(), sizeof(value));
      found.push_back(fmt::format("{}={}", record.offset, value.value));
    }
    thread->Sleep(20, "waiting for records");
  } while (!records.empty() || (*log)->position() != (*log)->end_offset());
  return (found.empty() ? "nothing" : absl::StrJoin(found, " ")) + fmt::format(", end {}", (*log)->end_offset());
}

std::string Scenario::Ends(Thread*, const Words&) {
  return fmt::format("from {} to {}", input_.partition().begin, input_.stable_end());
}

std::string Scenario::Append(Thread*, const Words& words) {
  for (size_t i = 1; i < words.size(); ++i) input_.Append({.value = std::stoll(words[i])}, 0, false);
  return "";
}

std::string Scenario::Open(Thread*, const Words& words) {
  for (size_t i = 1; i < words.size(); ++i) input_.AppendOpen({.value = std::stoll(words[i])}, 0);
  return "";
}

std::string Scenario::Commit(Thread*, const Words&) {
  input_.EndTransaction(true);
  return "";
}

std::string Scenario::Abort(Thread*, const Words&) {
  input_.EndTransaction(false);
  return "";
}

std::string Scenario::Delete(Thread*, const Words& words) {
  input_.DeleteBefore(std::stoll(words[2]));
  return "";
}

// ---- The list

struct Listed {
  std::string name;
  std::vector<std::string> lines;
};

std::vector<Listed> AllScenarios() {
  std::vector<Listed> all;
  std::ifstream file(EBB_SOURCE_DIR "/tests/kafka/scenarios.txt");
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "== ")) {
      all.push_back({line.substr(3), {}});
    } else if (!line.empty() && line[0] != '#') {
      all.back().lines.push_back(line);
    }
  }
  return all;
}

TEST(ScenariosTest, TheSimulatedClusterAnswersAsARealOne) {
  const std::vector<Listed> all = AllScenarios();
  EXPECT_GE(all.size(), 40u);
  for (const Listed& listed : all) {
    Scenario scenario(!absl::StartsWith(listed.name, "without verification: "));
    EXPECT_EQ(absl::StrJoin(scenario.Run(listed.lines), "\n"), absl::StrJoin(listed.lines, "\n")) << listed.name;
  }
}

}  // namespace
}  // namespace ebb
