// Kinds in the order of the file; what is kept is counted, what isn't is named.
#include "cli/plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/replay.h"
#include "cli/terminal.h"
#include "config/changes.h"
#include "engine/observe/json_text.h"

namespace ebb {
namespace {

constexpr const char* kKinds[] = {"source", "feature", "score", "alert"};

const char* FateName(Change::Fate fate) {
  return fate == Change::Fate::kKept ? "kept" : fate == Change::Fate::kBackfilled ? "backfilled" : "dropped";
}

std::string HistoryText(const Changes& changes) {
  if (changes.endless) return "all of the history";
  return changes.history == 0 ? "" : "at least " + FormatDuration(changes.history) + " of history";
}

std::string KindText(const Changes& changes, const std::string& kind, bool colour) {
  std::string out;
  int kept = 0;
  for (const Change& change : changes.parts) {
    if (change.kind != kind) continue;
    if (change.fate == Change::Fate::kKept) {
      ++kept;
      continue;
    }
    const bool dropped = change.fate == Change::Fate::kDropped;
    out += fmt::format(
        "  {}  {}{}\n",
        Styled(fmt::format("{:<10}", FateName(change.fate)), dropped ? Style::kRed : Style::kYellow, colour),
        change.name, change.why.empty() ? "" : fmt::format("  ({})", change.why));
  }
  if (kept > 0) out = fmt::format("  {:<10}  {}\n", "kept", kept) + out;
  return out.empty() ? ""
                     : Styled(fmt::format("{}{}s", static_cast<char>(kind[0] - 'a' + 'A'), kind.substr(1)),
                              Style::kBold, colour) +
                           "\n" + out;
}

void PrintText(const PlanOptions& options, const Changes& changes) {
  const bool colour = ColourOnStdout();
  for (const char* kind : kKinds) fmt::print("{}", KindText(changes, kind, colour));
  if (changes.same_state) {
    fmt::print("\nNothing that decides a result differs: a state of {} serves {} as it is.\n", options.old_file,
               options.new_file);
    return;
  }
  const std::string history = HistoryText(changes);
  fmt::print("\n{} needs a state of its own{}: ebb replay {} --state DIR\n", options.new_file,
             history.empty() ? "" : ", made from " + history, options.new_file);
}

void PrintJson(const Changes& changes) {
  std::string out = fmt::format("{{\"same_state\":{},\"history\":", changes.same_state);
  if (changes.endless) {
    out += "null";
  } else {
    AppendJsonNumber(changes.history, &out);
  }
  for (const char* kind : kKinds) {
    out += fmt::format(",\"{}s\":{{", kind);
    bool first = true;
    for (const Change& change : changes.parts) {
      if (change.kind != kind) continue;
      if (!first) out += ',';
      first = false;
      AppendJsonString(change.name, &out);
      out += fmt::format(":{{\"fate\":\"{}\"", FateName(change.fate));
      if (!change.why.empty()) {
        out += ",\"why\":";
        AppendJsonString(change.why, &out);
      }
      out += '}';
    }
    out += '}';
  }
  fmt::print("{}}}\n", out);
}

}  // namespace

int RunPlan(const PlanOptions& options) {
  const std::optional<PipelineFile> old = LoadOrComplain(options.old_file, options.json);
  const std::optional<PipelineFile> fresh = LoadOrComplain(options.new_file, options.json);
  if (!old || !fresh) return 2;
  const Changes changes = ChangesBetween(*old, *fresh);
  if (options.json) {
    PrintJson(changes);
  } else {
    PrintText(options, changes);
  }
  return 0;
}

}  // namespace ebb
