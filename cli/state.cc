// The store's own facts need nothing else; a customer's values are computed from the row by the pipeline that made it.
#include "cli/state.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "cli/customer_text.h"
#include "cli/ledger_text.h"
#include "cli/replay.h"
#include "cli/terminal.h"
#include "cli/verify_state.h"
#include "engine/base/status_macros.h"
#include "engine/observe/json_text.h"

namespace ebb {
namespace {

constexpr std::string_view kTaskPrefix = "task-";

// An opened state.
struct StateView {
  std::unique_ptr<StateStore> store;
  Progress progress;
};

absl::StatusOr<StateView> OpenView(const std::string& directory) {
  StateView view;
  EBB_ASSIGN_OR_RETURN(view.store, OpenRocksDbStore(directory, {.read_only = true}));
  EBB_ASSIGN_OR_RETURN(std::optional<Progress> progress, ReadProgress(view.store.get()));
  if (!progress)
    return absl::NotFoundError(fmt::format("the state in '{}' is empty: nothing was committed yet", directory));
  view.progress = *std::move(progress);
  return view;
}

struct Totals {
  int64_t customers = 0;
  int64_t bytes = 0;       // of keys and rows
  int64_t disk_bytes = 0;  // of the directory's files
  uint64_t digest = 0;
};

absl::StatusOr<Totals> Measure(const StateView& view, const std::string& directory) {
  Totals totals;
  EBB_RETURN_IF_ERROR(view.store->ScanRows([&totals](std::string_view key, std::string_view row) {
    ++totals.customers;
    totals.bytes += static_cast<int64_t>(key.size() + row.size());
    totals.digest = StateDigestStep(totals.digest, key, row);
    return absl::OkStatus();
  }));
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::error_code unknown;  // a file that has just gone counts as nothing
    const auto bytes = at->file_size(unknown);
    if (!unknown) totals.disk_bytes += static_cast<int64_t>(bytes);
  }
  return totals;
}

void PrintState(const std::string& directory, const Progress& progress, const Totals& totals) {
  const bool colour = ColourOnStdout();
  const auto line = [&](std::string_view name, const std::string& value) {
    fmt::print("{} {}\n", Styled(fmt::format("{:<10}", name), Style::kBold, colour), value);
  };
  line("state", directory);
  line("pipeline", fmt::format("{}, fingerprint {}", progress.pipeline, progress.fingerprint));
  line("epoch", fmt::format("{}{}", progress.epoch, progress.finished ? ", all input was read" : ""));
  line("cursor", fmt::format("{}: all before it is done", FormatTime(progress.cursor)));
  line("customers", fmt::format("{}, {} bytes; {} bytes on the disk", Thousands(totals.customers),
                                Thousands(totals.bytes), Thousands(totals.disk_bytes)));
  line("digests", fmt::format("outputs {:016x}, state {:016x}", progress.chain, totals.digest));
  fmt::print("\n");
  PrintLedger(stdout, progress, colour);
  fmt::print("\n{}\n", Styled("Inputs", Style::kBold, colour));
  for (const LogPosition& log : progress.logs) {
    fmt::print("{}  {}  at record {}, newest {}\n", log.source, log.name, Thousands(log.low_offset),
               FormatTime(log.newest));
  }
  fmt::print("\n{}\n", Styled(fmt::format("{:<12} {:>12} {:>14}", "Outputs", "lines", "bytes"), Style::kBold, colour));
  for (const OutputPosition& output : progress.outputs) {
    fmt::print("{:<12} {:>12} {:>14}\n", output.stream, Thousands(output.lines), Thousands(output.bytes));
  }
}

void PrintStateJson(const Progress& progress, const Totals& totals) {
  std::string out = "{\"pipeline\":";
  AppendJsonString(progress.pipeline, &out);
  out += fmt::format(",\"fingerprint\":\"{}\",\"epoch\":{},\"cursor\":\"{}\",\"as_of\":\"{}\",\"finished\":{}",
                     progress.fingerprint, progress.epoch, FormatTime(progress.cursor), FormatTime(progress.cursor - 1),
                     progress.finished);
  out += fmt::format(
      ",\"customers\":{},\"bytes\":{},\"disk_bytes\":{},\"digests\":{{\"outputs\":\"{:016x}\",\"state\":\"{:016x}\"}}",
      totals.customers, totals.bytes, totals.disk_bytes, progress.chain, totals.digest);
  AppendSources(progress, &out);
  out += ",\"logs\":[";
  for (size_t i = 0; i < progress.logs.size(); ++i) {
    const LogPosition& log = progress.logs[i];
    out += i > 0 ? ",{\"source\":" : "{\"source\":";
    AppendJsonString(log.source, &out);
    out += ",\"name\":";
    AppendJsonString(log.name, &out);
    out += ",\"identity\":";
    AppendJsonString(log.identity, &out);
    out += fmt::format(",\"low_offset\":{},\"newest\":\"{}\"}}", log.low_offset, FormatTime(log.newest));
  }
  out += "],\"outputs\":{";
  for (size_t i = 0; i < progress.outputs.size(); ++i) {
    const OutputPosition& output = progress.outputs[i];
    out += fmt::format("{}\"{}\":{{\"lines\":{},\"bytes\":{}}}", i > 0 ? "," : "", output.stream, output.lines,
                       output.bytes);
  }
  out += "},\"counters\":{";
  for (size_t i = 0; i < progress.counters.size(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(progress.counters[i].first, &out);
    out += fmt::format(":{}", progress.counters[i].second);
  }
  fmt::print("{}}}}}\n", out);
}

absl::Status ShowTotals(const StateOptions& options, const StateView& view) {
  EBB_ASSIGN_OR_RETURN(const Totals totals, Measure(view, options.directory));
  if (options.json) {
    PrintStateJson(view.progress, totals);
  } else {
    PrintState(options.directory, view.progress, totals);
  }
  return absl::OkStatus();
}

// Computes the values of one stored row and shows them.
absl::Status ShowRow(const PipelineFile& file, const Pipeline& pipeline, const Progress& progress, std::string_view key,
                     std::string_view bytes, bool json, const HistoryOptions& history_options) {
  const TimeMs as_of = progress.cursor - 1;
  RowTable table(pipeline.layout());
  if (!DecodeRow(bytes, HashKey(key), key, &table)) {
    return UnreadableRow(key, bytes.size());
  }
  RowRef row = table.Find(HashKey(key), key);
  std::vector<double> registers = pipeline.NewRegisters(progress.told);
  pipeline.Compute(&row, as_of, registers.data());
  std::string text = json ? CustomerJson(pipeline, row, as_of, registers)
                          : CustomerTable(file, pipeline, row, as_of, registers, ColourOnStdout());
  if (history_options.days > 0) {
    EBB_ASSIGN_OR_RETURN(const History history,
                         ReadHistory(file, pipeline, std::string(key), as_of, registers, history_options));
    if (json) {
      text.replace(text.size() - 2, 2, fmt::format(",\"history\":{}}}\n", HistoryJson(pipeline.plan(), history)));
    } else {
      text += HistoryText(pipeline.plan(), history, WidthOfStdout(), ColourOnStdout(), Utf8OnStdout());
    }
  }
  fmt::print("{}", text);
  return absl::OkStatus();
}

absl::Status ShowCustomers(const StateOptions& options, const PipelineFile& file, const StateView& view) {
  EBB_ASSIGN_OR_RETURN(const std::unique_ptr<Pipeline> pipeline, Pipeline::Build(file.plan));
  if (options.customer.empty()) {
    return view.store->ScanRows([&](std::string_view key, std::string_view row) {
      return ShowRow(file, *pipeline, view.progress, key, row, true, {});
    });
  }
  EBB_ASSIGN_OR_RETURN(const std::vector<std::string> rows, view.store->ReadRows({options.customer}));
  if (rows[0].empty()) {
    return absl::OutOfRangeError(
        fmt::format("the state in '{}' knows no customer '{}'", options.directory, options.customer));
  }
  return ShowRow(file, *pipeline, view.progress, options.customer, rows[0], options.json || options.features,
                 options.history);
}

// The folders of the tasks in the directory of a service, by their numbers; empty for any other directory.
std::vector<std::string> TaskFolders(const std::string& directory) {
  std::map<int64_t, std::string> folders;
  std::error_code error;
  if (std::filesystem::exists(directory + "/CURRENT", error)) return {};
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::optional<int64_t> number = TaskOfFolder(at->path().filename().string());
    if (number) folders.emplace(*number, at->path().string());
  }
  std::vector<std::string> paths;
  for (auto& [number, path] : folders) paths.push_back(std::move(path));
  return paths;
}

absl::Status ShowOne(const StateOptions& options, const PipelineFile* file) {
  EBB_ASSIGN_OR_RETURN(const StateView view, OpenView(options.directory));
  if (file != nullptr) {
    EBB_RETURN_IF_ERROR(CheckSamePipeline(view.progress, file->plan.pipeline, file->plan.fingerprint));
  }
  return options.features || !options.customer.empty() ? ShowCustomers(options, *file, view)
                                                       : ShowTotals(options, view);
}

// A service's tasks one after another; of a customer the one that knows it.
absl::Status ShowTasks(const StateOptions& options, const std::vector<std::string>& folders, const PipelineFile* file) {
  bool first = true;
  for (const std::string& folder : folders) {
    StateOptions of_task = options;
    of_task.directory = folder;
    if (!first && !options.json && options.customer.empty() && !options.features) fmt::print("\n");
    const absl::Status status = ShowOne(of_task, file);
    if (!options.customer.empty() && status.ok()) return status;
    const bool empty = absl::IsNotFound(status) || (!options.customer.empty() && absl::IsOutOfRange(status));
    if (!status.ok() && !empty) return status;
    first = first && empty;
  }
  if (!options.customer.empty()) {
    return absl::OutOfRangeError(fmt::format("none of the {} tasks in '{}' knows the customer '{}'", folders.size(),
                                             options.directory, options.customer));
  }
  return first ? absl::NotFoundError(fmt::format("no task in '{}' has written its state yet", options.directory))
               : absl::OkStatus();
}

}  // namespace

std::optional<int64_t> TaskOfFolder(std::string_view name) {
  if (!name.starts_with(kTaskPrefix)) return std::nullopt;
  int64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, wrong] = std::from_chars(name.data() + kTaskPrefix.size(), end, number);
  return wrong == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

int RunState(const StateOptions& options) {
  if (options.verify && (options.features || !options.customer.empty())) {
    Complain("ebb state verify looks at all customers: leave --customer and --features away");
    return 2;
  }
  const bool customers = options.features || !options.customer.empty();
  if (customers && options.pipeline.empty()) {
    Complain("the values of customers need the pipeline that made the state: add --pipeline FILE");
    return 2;
  }
  if (options.history.days > 0 && options.customer.empty()) {
    Complain("a history is that of one customer: add --customer ID");
    return 2;
  }
  std::optional<PipelineFile> file;
  if (!options.pipeline.empty() && !(file = LoadOrComplain(options.pipeline, options.json))) return 2;
  const PipelineFile* const known = file ? &*file : nullptr;
  if (options.verify) return VerifyState(options, known);
  const std::vector<std::string> folders = TaskFolders(options.directory);
  const absl::Status status = folders.empty() ? ShowOne(options, known) : ShowTasks(options, folders, known);
  if (status.ok()) return 0;
  Complain(status);
  return ExitCodeOf(status);
}

}  // namespace ebb
