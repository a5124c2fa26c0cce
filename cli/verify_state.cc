// 1. States are looked for: in the directory itself, in the tasks of a service, in the copies below a snapshot folder.
// 2. Of a copy, the files are held against its index. 3. The store's files are read and their checksums compared. 4.
// The progress is held against itself, and against the name of the folder. 5. Every row is read, and, with the
// pipeline, decoded and held against the progress.
#include "cli/verify_state.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/replay.h"
#include "cli/terminal.h"
#include "config/assemble.h"
#include "engine/base/status_macros.h"
#include "engine/observe/json_text.h"
#include "engine/stream/record.h"
#include "engine/task/state_rows.h"
#include "serve/snapshot.h"

namespace ebb {
namespace {

namespace fs = std::filesystem;

constexpr int kMostFolders = 3;      // below the directory: group, task, epoch
constexpr size_t kMostRowTexts = 5;  // rows that are named; the others are counted
constexpr size_t kRowsAtOnce = 1024;

// One directory with a store.
struct Found {
  std::string directory;
  std::optional<SnapshotOwner> owner;  // of a snapshot
  std::optional<Progress> progress;    // none: nothing was committed yet, or it can't be read
  int64_t customers = 0;
  uint64_t digest = 0;
  std::vector<std::string> wrong;
};

bool IsStateFile(const fs::path& path) {
  const std::string name = path.filename().string();
  return name == "CURRENT" || name.starts_with("MANIFEST-") || path.extension() == ".sst";
}

// Adds the directories with a store, those of lower numbers first.
void FindStates(const std::string& directory, int depth, std::vector<std::string>* states) {
  std::error_code error;
  std::vector<std::string> folders;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::error_code unknown;
    if (at->is_directory(unknown)) {
      const fs::path extension = at->path().extension();
      const bool unfinished = extension == ".partial" || extension == ".checkpoint" || extension == ".newer";
      if (!unfinished) folders.push_back(at->path().string());
    } else if (IsStateFile(at->path())) {
      states->push_back(directory);
      return;
    }
  }
  if (depth == kMostFolders) return;
  std::sort(folders.begin(), folders.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  for (const std::string& folder : folders) FindStates(folder, depth + 1, states);
}

// The number in the nearest folder named task-N.
std::optional<int64_t> TaskOfPath(const fs::path& path) {
  const std::optional<int64_t> own = TaskOfFolder(path.filename().string());
  return own ? own : TaskOfFolder(path.parent_path().filename().string());
}

void CheckSnapshot(Found* found) {
  auto read = ReadSnapshot(found->directory);
  if (!read.ok()) {
    found->wrong.emplace_back(read.status().message());
    return;
  }
  found->owner = read->first;
  const absl::Status files = VerifySnapshot(read->second);
  if (!files.ok()) found->wrong.emplace_back(files.message());
}

void CheckProgress(Found* found) {
  const Progress& progress = *found->progress;
  for (std::string& text : Contradictions(progress)) found->wrong.push_back(std::move(text));
  const std::optional<int64_t> task = TaskOfPath(found->directory);
  if (task && progress.task != *task) {
    found->wrong.push_back(
        fmt::format("the folder is that of task {}, and the state of task {}", *task, progress.task));
  }
  const std::optional<SnapshotOwner>& owner = found->owner;
  if (owner && (owner->task != progress.task || owner->pipeline != progress.pipeline ||
                owner->fingerprint != progress.fingerprint)) {
    found->wrong.push_back(
        fmt::format("the index names task {} of pipeline '{}', fingerprint {}, and the state {}, '{}', {}", owner->task,
                    owner->pipeline, owner->fingerprint, progress.task, progress.pipeline, progress.fingerprint));
  }
}

// What is wrong with a row, or nothing.
std::string RowTrouble(RowTable* table, const Progress& progress, std::string_view key, std::string_view bytes) {
  const int64_t hash = HashKey(key);
  if (!DecodeRow(bytes, hash, key, table)) return std::string(UnreadableRow(key, bytes.size()).message());
  const RowRef row = table->Find(hash, key);
  if (row->time >= progress.cursor) {
    return fmt::format("the row of customer '{}' has come to {}, beyond the cursor {}", key, FormatTime(row->time),
                       FormatTime(progress.cursor));
  }
  if (row->next_timer < progress.cursor) {
    return fmt::format("the row of customer '{}' waits for {}, which the cursor {} has passed", key,
                       FormatTime(row->next_timer), FormatTime(progress.cursor));
  }
  return "";
}

absl::Status CheckRows(StateStore* store, const Pipeline* pipeline, Found* found) {
  std::unique_ptr<RowTable> table;
  if (pipeline != nullptr) table = std::make_unique<RowTable>(pipeline->layout());
  size_t troubles = 0;
  EBB_RETURN_IF_ERROR(store->ScanRows([&](std::string_view key, std::string_view row) {
    ++found->customers;
    found->digest = StateDigestStep(found->digest, key, row);
    if (table == nullptr) return absl::OkStatus();
    std::string trouble = RowTrouble(table.get(), *found->progress, key, row);
    if (!trouble.empty() && ++troubles <= kMostRowTexts) found->wrong.push_back(std::move(trouble));
    if (table->size() >= kRowsAtOnce) table->Clear();
    return absl::OkStatus();
  }));
  if (troubles > kMostRowTexts) {
    found->wrong.push_back(fmt::format("so it is with {} rows more", troubles - kMostRowTexts));
  }
  return absl::OkStatus();
}

// An error: what was looked for can't be, or isn't of the pipeline. What is wrong with the state is in `found`.
absl::Status CheckState(const PipelineFile* file, const Pipeline* pipeline, Found* found) {
  const auto wrong = [found](const absl::Status& status) { found->wrong.emplace_back(status.message()); };
  if (fs::exists(fs::path(found->directory) / "index")) CheckSnapshot(found);
  const auto store = OpenRocksDbStore(found->directory, {.read_only = true});
  if (!store.ok()) {
    // A store without anything in it is one that was just made.
    if (!absl::IsNotFound(store.status())) wrong(store.status());
    return absl::OkStatus();
  }
  absl::StatusOr<std::optional<Progress>> progress = ReadProgress(store->get());
  if (!progress.ok()) {
    wrong(progress.status());
    return absl::OkStatus();
  }
  if (!*progress) return absl::OkStatus();
  found->progress = *std::move(*progress);
  if (file != nullptr) {
    EBB_RETURN_IF_ERROR(CheckSamePipeline(*found->progress, file->plan.pipeline, file->plan.fingerprint));
  }
  CheckProgress(found);
  const absl::Status rows = CheckRows(store->get(), pipeline, found);
  if (!rows.ok()) wrong(rows);
  return absl::OkStatus();
}

void PrintFound(const Found& found, bool decoded) {
  for (const std::string& text : found.wrong) {
    fmt::print("{} {}: {}\n", Styled("wrong", Style::kRed, ColourOnStdout()), found.directory, text);
  }
  if (!found.wrong.empty()) return;
  const std::string good = Styled("right", Style::kGreen, ColourOnStdout());
  if (!found.progress) {
    fmt::print("{} {}: nothing was committed yet\n", good, found.directory);
    return;
  }
  fmt::print("{} {}: epoch {}, {} customers{}, state {:016x}\n", good, found.directory, found.progress->epoch,
             Thousands(found.customers), decoded ? "" : " (rows not decoded: that takes --pipeline)", found.digest);
}

void PrintFoundJson(const Found& found) {
  std::string out = "{\"directory\":";
  AppendJsonString(found.directory, &out);
  out += fmt::format(",\"snapshot\":{}", found.owner.has_value());
  if (found.progress) {
    out += ",\"pipeline\":";
    AppendJsonString(found.progress->pipeline, &out);
    out += fmt::format(",\"epoch\":{},\"customers\":{},\"digests\":{{\"outputs\":\"{:016x}\",\"state\":\"{:016x}\"}}",
                       found.progress->epoch, found.customers, found.progress->chain, found.digest);
  }
  out += ",\"wrong\":[";
  for (size_t i = 0; i < found.wrong.size(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(found.wrong[i], &out);
  }
  fmt::print("{}]}}\n", out);
}

}  // namespace

int VerifyState(const StateOptions& options, const PipelineFile* file) {
  std::unique_ptr<Pipeline> pipeline;
  if (file != nullptr) {
    absl::StatusOr<std::unique_ptr<Pipeline>> built = Pipeline::Build(file->plan);
    if (!built.ok()) {
      Complain(built.status());
      return ExitCodeOf(built.status());
    }
    pipeline = *std::move(built);
  }
  std::vector<std::string> states;
  FindStates(options.directory, 0, &states);
  if (states.empty()) {
    const absl::Status none = OpenRocksDbStore(options.directory, {.read_only = true}).status();
    Complain(none);
    return 2;
  }
  bool right = true;
  for (const std::string& directory : states) {
    Found found{directory, {}, {}, 0, 0, {}};
    const absl::Status status = CheckState(file, pipeline.get(), &found);
    if (!status.ok()) {
      Complain(status);
      return ExitCodeOf(status);
    }
    right = right && found.wrong.empty();
    options.json ? PrintFoundJson(found) : PrintFound(found, file != nullptr);
  }
  return right ? 0 : 1;
}

}  // namespace ebb
