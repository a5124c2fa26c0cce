// Time per record of both decoders, on lines of a telecom call log: 11 members or columns, of which 7 are read.
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "connectors/format/csv_decoder.h"
#include "connectors/format/json_decoder.h"
#include "engine/base/check.h"
#include "engine/base/random.h"
#include "engine/stream/log.h"

namespace ebb {
namespace {

constexpr int kLines = 4096;

enum class Order { kFixed, kRotating };

SourceSchema CallSchema(Format format) {
  const std::string prefix = format == Format::kJson ? "/" : "";
  SourceSchema schema;
  schema.name = "calls";
  schema.format = format;
  schema.key_path = prefix + "subscriber_id";
  schema.time.path = prefix + "start_ts";
  const auto add = [&](const std::string& name, FieldType type, int decimals) {
    Field& field = schema.fields.emplace_back();
    field.name = name;
    field.path = prefix + name;
    field.type = type;
    field.decimals = decimals;
  };
  add("type", FieldType::kString, 0);
  add("duration_s", FieldType::kInt, 0);
  add("dropped", FieldType::kBool, 0);
  add("charge", FieldType::kDecimal, 4);
  add("callee", FieldType::kString, 0);
  return schema;
}

// Lines in one piece of memory, each followed by the next one as in a file.
class Lines {
 public:
  Lines(Format format, Order order) {
    Random random(42);
    int64_t time = 1735689600000;
    std::vector<std::pair<size_t, size_t>> places;
    for (int line = 0; line < kLines; ++line) {
      time += random.Between(1, 1500);
      const std::string text = Line(format, order == Order::kRotating ? line % 11 : 0, time, &random);
      places.emplace_back(text_.size(), text.size());
      text_ += text + "\n";
    }
    total_ = static_cast<int64_t>(text_.size());
    text_.append(kReadPadding, '\0');
    for (const auto& [begin, size] : places) lines_.push_back(std::string_view(text_).substr(begin, size));
  }
  const std::vector<std::string_view>& lines() const { return lines_; }
  int64_t total_bytes() const { return total_; }

 private:
  static std::string Line(Format format, int first, int64_t time, Random* random) {
    const std::vector<std::pair<std::string, std::string>> members = {
        {"type", "\"call\""},
        {"subscriber_id", fmt::format("\"2760{:07}\"", random->Below(10000000))},
        {"start_ts", fmt::format("{}", time - random->Between(0, 5000))},
        {"duration_s", fmt::format("{}", random->Between(1, 900))},
        {"dropped", random->Chance(0.02) ? "true" : "false"},
        {"charge", fmt::format("{}.{:04}", random->Below(3), random->Below(10000))},
        {"callee", fmt::format("\"2783{:07}\"", random->Below(10000000))},
        {"cell", fmt::format("\"C{:05}-{}\"", random->Below(20000), random->Below(3))},
        {"tech", random->Chance(0.5) ? "\"2G\"" : "\"4G\""},
        {"plan", fmt::format("\"P{}\"", random->Below(9))},
        {"ingest_ts", fmt::format("{}", time)}};
    std::string line;
    for (size_t i = 0; i < members.size(); ++i) {
      const auto& [name, value] = members[(i + static_cast<size_t>(first)) % members.size()];
      line += i == 0 ? "" : ",";
      line += format == Format::kJson ? fmt::format("\"{}\":{}", name, value) : Unquoted(value);
    }
    return format == Format::kJson ? "{" + line + "}" : line;
  }
  static std::string Unquoted(const std::string& value) {
    return value.front() == '"' ? value.substr(1, value.size() - 2) : value;
  }

  std::string text_;
  std::vector<std::string_view> lines_;
  int64_t total_ = 0;
};

void Run(benchmark::State& state, Decoder& decoder, const Lines& lines) {
  auto record = std::make_unique<RecordBuilder>();
  int64_t checksum = 0;
  for (auto _ : state) {
    for (const std::string_view line : lines.lines()) {
      const Reason reason = decoder.Decode(line, record.get());
      EBB_CHECK(reason == Reason::kNone, "{}: {}", ReasonName(reason), line);
      checksum += record->time + record->slots[3];
    }
  }
  benchmark::DoNotOptimize(checksum);
  state.SetItemsProcessed(state.iterations() * kLines);
  state.SetBytesProcessed(state.iterations() * lines.total_bytes());
  state.counters["time/record"] =
      benchmark::Counter(kLines, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void BM_JsonCalls(benchmark::State& state, Order order) {
  const SourceSchema schema = CallSchema(Format::kJson);
  Run(state, *NewJsonDecoder(schema), Lines(Format::kJson, order));
}
BENCHMARK_CAPTURE(BM_JsonCalls, fixed_order, Order::kFixed);
BENCHMARK_CAPTURE(BM_JsonCalls, rotating_order, Order::kRotating);

void BM_CsvCalls(benchmark::State& state) {
  const SourceSchema schema = CallSchema(Format::kCsv);
  auto decoder =
      NewCsvDecoder(schema, "type,subscriber_id,start_ts,duration_s,dropped,charge,callee,cell,tech,plan,ingest_ts");
  EBB_CHECK(decoder.ok(), "{}", decoder.status().ToString());
  Run(state, **decoder, Lines(Format::kCsv, Order::kFixed));
}
BENCHMARK(BM_CsvCalls);

}  // namespace
}  // namespace ebb
