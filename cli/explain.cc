// A code is told by its form; anything else is a path.
#include "cli/explain.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include <fmt/format.h>

#include "cli/replay.h"
#include "cli/terminal.h"
#include "config/error_codes.h"
#include "config/explain.h"
#include "config/flow.h"
#include "config/row_size.h"

namespace ebb {
namespace {

bool IsErrorCode(const std::string& text) {
  return text.size() == 5 && text[0] == 'E' &&
         std::all_of(text.begin() + 1, text.end(), [](unsigned char c) { return std::isdigit(c); });
}

int ExplainCode(const std::string& code) {
  if (const ErrorCode* known = FindErrorCode(code)) {
    fmt::print("{}", ExplainErrorCode(*known));
    return 0;
  }
  std::vector<std::string> codes;
  for (const ErrorCode& known : ErrorCodes()) codes.emplace_back(known.code);
  const std::string hint = DidYouMean(code, codes);
  Complain(fmt::format("there is no error {}{}{}", code, hint.empty() ? "" : "; ", hint));
  return 2;
}

}  // namespace

int RunExplain(const ExplainOptions& options) {
  std::string code = options.what;
  std::transform(code.begin(), code.end(), code.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (IsErrorCode(code)) return ExplainCode(code);
  const std::optional<PipelineFile> file = LoadOrComplain(options.what, options.json);
  if (!file) return 2;
  if (options.svg) {
    fmt::print("{}", FlowSvg(FlowOf(*file)));
    return 0;
  }
  const auto pipeline = Pipeline::Build(file->plan);
  const RowAssumption assumption{options.records_a_day};
  const absl::StatusOr<RowSize> size =
      pipeline.ok() ? EstimateRowSize(*file, **pipeline, assumption) : absl::StatusOr<RowSize>(pipeline.status());
  if (!size.ok()) {
    Complain(size.status());
    return ExitCodeOf(size.status());
  }
  if (options.json) {
    fmt::print("{}", ExplainJson(*file, *size, assumption));
  } else {
    fmt::print("{}{}", ExplainPipeline(*file, Utf8OnStdout()), RowSizeText(*size, assumption));
  }
  return 0;
}

}  // namespace ebb
