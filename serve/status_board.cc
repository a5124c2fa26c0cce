// Phases and reasons in words.
#include "serve/status_board.h"

#include <fmt/format.h>

namespace ebb {

std::string_view TaskPhaseName(TaskPhase phase) {
  switch (phase) {
    case TaskPhase::kOpening:
      return "opening";
    case TaskPhase::kRecovering:
      return "recovering";
    case TaskPhase::kLive:
      return "live";
    case TaskPhase::kWaiting:
      return "waiting";
    case TaskPhase::kRefused:
      return "refused";
  }
  return "";
}

std::vector<std::string> ServiceStatus::NotReady() const {
  std::vector<std::string> reasons;
  if (!trouble.empty()) reasons.push_back(trouble);
  if (draining) reasons.emplace_back("stopping");
  if (!joined && trouble.empty()) reasons.emplace_back("waiting for the group to share out the tasks");
  for (const auto& [number, task] : tasks) {
    if (task.phase == TaskPhase::kLive) continue;
    std::string text = fmt::format("task {} is {}", number, TaskPhaseName(task.phase));
    if (task.phase == TaskPhase::kRecovering) text += fmt::format(", {} epochs left", task.epochs_left);
    if (!task.why.empty()) text += ": " + task.why;
    reasons.push_back(std::move(text));
  }
  return reasons;
}

}  // namespace ebb
