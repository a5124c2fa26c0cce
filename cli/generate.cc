// Only the directory is made here; the generator writes.
#include "cli/generate.h"

#include <filesystem>

#include <fmt/format.h>

#include "cli/replay.h"
#include "cli/terminal.h"
#include "connectors/generator/generator_log.h"

namespace ebb {

int RunGenerate(const GenerateOptions& options) {
  absl::Status status = CheckTelecomOptions(options.telecom);
  std::error_code error;
  if (status.ok()) std::filesystem::create_directories(options.directory, error);
  if (error) {
    status =
        absl::UnavailableError(fmt::format("cannot make the directory {}: {}", options.directory, error.message()));
  }
  if (status.ok()) status = WriteTelecom(options.telecom, options.directory);
  if (!status.ok()) {
    Complain(status);
    return ExitCodeOf(status);
  }
  for (const char* name : {"calls", "recharges", "complaints", "customers"}) {
    fmt::print("{}\n", (std::filesystem::path(options.directory) / fmt::format("{}.jsonl", name)).string());
  }
  return 0;
}

}  // namespace ebb
