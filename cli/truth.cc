// The columns are found by their names; each line gives one customer.
#include "cli/truth.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "connectors/format/csv_decoder.h"
#include "connectors/format/framing.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

// Where the columns stand; -1 for none.
struct Columns {
  int customer = -1, leaves_at = -1, cause = -1;
  size_t count = 0;
};

absl::StatusOr<Columns> FindColumns(const std::string& name, const std::vector<std::string>& header) {
  const auto at = [&](std::string_view column) {
    const auto found = std::find(header.begin(), header.end(), column);
    return found == header.end() ? -1 : static_cast<int>(found - header.begin());
  };
  const Columns columns{at("customer_id"), at("leaves_at"), at("cause"), header.size()};
  for (const auto& [column, place] : {std::pair("customer_id", columns.customer), {"leaves_at", columns.leaves_at}}) {
    if (place >= 0) continue;
    return absl::InvalidArgumentError(
        fmt::format("the truth {} has no column {}; its first line is '{}'", name, column, fmt::join(header, ",")));
  }
  return columns;
}

}  // namespace

absl::StatusOr<std::vector<Truth>> ParseTruth(const std::string& name, std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Framer framer(Format::kCsv);
  Frame frame;
  std::optional<Columns> columns;
  std::vector<Truth> truth;
  std::set<std::string> seen;
  for (int64_t number = 1; framer.Next(&text, true, &frame); ++number) {
    const auto wrong = [&](std::string_view what) {
      return absl::InvalidArgumentError(fmt::format("record {} of the truth {} {}", number, name, what));
    };
    const std::optional<std::vector<std::string>> cells = CsvCells(frame.bytes);
    if (frame.reason != Reason::kNone || !cells) return wrong("isn't CSV");
    if (!columns) {
      EBB_ASSIGN_OR_RETURN(columns, FindColumns(name, *cells));
      continue;
    }
    if (cells->size() != columns->count) {
      return wrong(fmt::format("has {} cells, and the header {}", cells->size(), columns->count));
    }
    Truth customer{(*cells)[columns->customer], std::nullopt, ""};
    if (const std::string& time = (*cells)[columns->leaves_at]; !time.empty()) {
      customer.leaves_at = ParseTime(time);
      if (!customer.leaves_at) return wrong(fmt::format("leaves at '{}', which is no RFC 3339 time and no date", time));
    }
    if (customer.leaves_at && columns->cause >= 0) customer.cause = (*cells)[columns->cause];
    if (customer.customer_id.empty()) return wrong("names no customer");
    if (!seen.insert(customer.customer_id).second) {
      return wrong(fmt::format("names the customer '{}' a second time", customer.customer_id));
    }
    truth.push_back(std::move(customer));
  }
  if (!columns) return absl::InvalidArgumentError(fmt::format("the truth {} is empty", name));
  return truth;
}

absl::StatusOr<std::vector<Truth>> ReadTruth(const std::string& path) {
  if (std::filesystem::is_directory(path))
    return absl::InvalidArgumentError(path + " is a directory, not a truth file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError("cannot read the truth file " + path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return absl::UnavailableError("cannot read the truth file " + path);
  return ParseTruth(path, text);
}

}  // namespace ebb
