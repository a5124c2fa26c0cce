// Only the directory is made here; the generator writes.
#include "cli/generate.h"

#include <filesystem>

#include <fmt/format.h>

#include "cli/replay.h"
#include "cli/terminal.h"
#include "connectors/generator/generator_log.h"
#include "engine/base/check.h"

namespace ebb {

int RunGenerate(const GenerateOptions& options) {
  const auto fail = [](const absl::Status& status) {
    Complain(status);
    return ExitCodeOf(status);
  };
  if (absl::Status status = CheckGeneratorOptions(options.generator); !status.ok()) return fail(status);
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) {
    return fail(
        absl::UnavailableError(fmt::format("cannot make the directory {}: {}", options.directory, error.message())));
  }
  const Industry* industry = FindIndustry(options.industry);
  EBB_CHECK(industry != nullptr, "industry '{}'", options.industry);
  const auto paths = WriteGenerated(*industry, options.generator, options.directory);
  if (!paths.ok()) return fail(paths.status());
  for (const std::string& path : *paths) fmt::print("{}\n", path);
  return 0;
}

}  // namespace ebb
