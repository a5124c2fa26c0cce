// The group coordinator: static members, generations, sessions that time out, range assignment of task numbers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/simulation/network.h"

namespace ebb {

struct GroupOptions {
  int tasks = 1;
  int64_t session_timeout_ms = 2000;
  int64_t rebalance_timeout_ms = 5000;
};

// Handlers of requests; to be called by way of a Network. Confined to its task's thread.
class Group {
 public:
  Group(Scheduler* scheduler, const GroupOptions& options) : scheduler_(*scheduler), options_(options) {}

  // `member`: 0 when it has no number yet. number: the member's, second: the generation, numbers: its tasks.
  // kConcurrent until the group has gathered: ask again, with the number that was given.
  Reply Join(const std::string& instance, int64_t member);
  Reply Heartbeat(int64_t member, int64_t generation);
  // As the coordinator checks whoever commits offsets.
  KafkaError CheckMember(int64_t member, int64_t generation) const;

 private:
  struct Member {
    int64_t number = 0;
    bool joined = false;  // this gathering
    int64_t seen_ms = 0;
    std::vector<int64_t> tasks = {};
  };

  Member* Find(int64_t number);
  const Member* Find(int64_t number) const { return const_cast<Group*>(this)->Find(number); }
  void Gather();
  void WatchGathering(int64_t gathering);
  void Complete();
  void WatchSession(const std::string& instance);

  Scheduler& scheduler_;
  const GroupOptions options_;
  std::map<std::string, Member> members_;  // by instance
  std::vector<int64_t> replaced_;          // numbers that another process has taken the instance of
  int64_t generation_ = 0;
  int64_t numbers_ = 0;
  bool gathering_ = false;
  int64_t gatherings_ = 0;
};

}  // namespace ebb
