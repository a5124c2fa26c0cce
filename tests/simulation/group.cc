// Gathering: the generation goes up when everybody has joined again, or after the rebalance time-out. Static members
// that have not joined by then keep their tasks until their sessions time out.
#include "tests/simulation/group.h"

#include <algorithm>

namespace ebb {

Group::Member* Group::Find(int64_t number) {
  for (auto& [instance, member] : members_) {
    if (member.number == number) return &member;
  }
  return nullptr;
}

Reply Group::Join(const std::string& instance, int64_t number) {
  const auto known = members_.find(instance);
  if (number == 0 && known != members_.end()) {
    // A static member that was started anew: its former self is fenced, its tasks stay.
    replaced_.push_back(known->second.number);
    known->second.number = number = ++numbers_;
    known->second.seen_ms = scheduler_.now_ms();
    scheduler_.Note(Fault::kStaticReturn);
  } else if (known == members_.end() && number != 0) {
    return {KafkaError::kGeneration};  // its session has timed out: nobody knows it any more
  } else if (known == members_.end()) {
    members_[instance] = {++numbers_, false, scheduler_.now_ms()};
    number = numbers_;
    WatchSession(instance);
    Gather();
  } else if (known->second.number != number) {
    return {KafkaError::kInstance};
  }
  Member& member = members_[instance];
  member.seen_ms = scheduler_.now_ms();
  if (gathering_) {
    member.joined = true;
    const bool all = std::all_of(members_.begin(), members_.end(), [](const auto& m) { return m.second.joined; });
    if (all) Complete();
  }
  if (gathering_) return {KafkaError::kRebalancing, member.number};
  return {KafkaError::kNone, member.number, generation_, member.tasks};
}

Reply Group::Heartbeat(int64_t number, int64_t generation) {
  const KafkaError error = CheckMember(number, generation);
  if (Member* member = Find(number); member != nullptr) member->seen_ms = scheduler_.now_ms();
  return {error};
}

KafkaError Group::CheckMember(int64_t number, int64_t generation) const {
  if (std::find(replaced_.begin(), replaced_.end(), number) != replaced_.end()) return KafkaError::kInstance;
  if (Find(number) == nullptr || generation != generation_) return KafkaError::kGeneration;
  return gathering_ ? KafkaError::kRebalancing : KafkaError::kNone;
}

void Group::Gather() {
  if (gathering_) return;
  gathering_ = true;
  for (auto& [instance, member] : members_) member.joined = false;
  WatchGathering(++gatherings_);
}

void Group::WatchGathering(int64_t gathering) {
  scheduler_.After(options_.rebalance_timeout_ms, [this, gathering] {
    if (!gathering_ || gatherings_ != gathering) return;
    const bool any = std::any_of(members_.begin(), members_.end(), [](const auto& m) { return m.second.joined; });
    if (any) {
      Complete();
    } else {
      WatchGathering(gathering);
    }
  });
}

void Group::Complete() {
  gathering_ = false;
  ++generation_;
  const auto count = static_cast<int64_t>(members_.size());
  const int64_t each = count == 0 ? 0 : options_.tasks / count;
  int64_t more = count == 0 ? 0 : options_.tasks % count;
  int64_t next = 0;
  for (auto& [instance, member] : members_) {
    member.tasks.clear();
    for (int64_t n = each + (more-- > 0 ? 1 : 0); n > 0; --n) member.tasks.push_back(next++);
  }
}

void Group::WatchSession(const std::string& instance) {
  scheduler_.After(options_.session_timeout_ms / 4, [this, instance] {
    const auto member = members_.find(instance);
    if (member == members_.end()) return;
    if (scheduler_.now_ms() - member->second.seen_ms < options_.session_timeout_ms) {
      WatchSession(instance);
      return;
    }
    scheduler_.Note(Fault::kSessionTimeOut);
    members_.erase(member);
    gathering_ = false;  // whoever has joined is asked anew
    if (members_.empty()) {
      ++generation_;
    } else {
      Gather();
    }
  });
}

}  // namespace ebb
