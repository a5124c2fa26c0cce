// Files of every kind as logs: plain, gzip, zstd, in blocks of several sizes, damaged ones, and those that can't be
// read.
#include "connectors/file/file_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/base/random.h"

namespace ebb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr size_t kBlockSizes[] = {1, 2, 3, 7, 64, 1000, 65536, 1 << 20};

SourceSchema JsonSchema() {
  SourceSchema schema;
  schema.name = "calls";
  schema.key_path = "/k";
  schema.time.path = "/t";
  return schema;
}

SourceSchema CsvSchema() {
  SourceSchema schema = JsonSchema();
  schema.format = Format::kCsv;
  schema.key_path = "k";
  schema.time.path = "t";
  return schema;
}

std::string Gzip(std::string_view text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<unsigned>(text.size());
  stream.next_out = reinterpret_cast<unsigned char*>(packed.data());
  stream.avail_out = static_cast<unsigned>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string Zstd(std::string_view text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  packed.resize(ZSTD_compress2(context, packed.data(), packed.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return packed;
}

std::string Lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("{{\"k\":\"c{}\",\"t\":{}}}\n", i, 1735689600000 + i);
  return text;
}

struct Outcome {
  std::vector<std::pair<std::string, Reason>> records;
  absl::Status status;
};

class FileLogTest : public ::testing::Test {
 protected:
  FileLogTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("ebb_file_log_{}", getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~FileLogTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }
  std::string Write(const std::string& name, std::string_view bytes) const {
    std::ofstream(Path(name), std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return Path(name);
  }
  Outcome ReadAll(const SourceSchema& schema, const std::string& path, size_t block_bytes, size_t batch = 3) const {
    Outcome outcome;
    auto input = OpenFile(schema, path, {.block_bytes = block_bytes});
    outcome.status = input.status();
    std::vector<RawRecord> batch_records;
    while (outcome.status.ok() && !input->log->ended()) {
      outcome.status = input->log->Read(batch, &batch_records);
      EXPECT_LE(batch_records.size(), batch);
      EXPECT_TRUE(!batch_records.empty() || input->log->ended() || !outcome.status.ok());
      for (const RawRecord& record : batch_records) {
        EXPECT_EQ(record.offset, static_cast<int64_t>(outcome.records.size()));
        // Readable under the address sanitizer.
        int sum = 0;
        for (size_t i = 0; i < kReadPadding; ++i) sum += record.bytes.data()[record.bytes.size() + i];
        EXPECT_NE(sum, 1 << 30);
        outcome.records.emplace_back(record.bytes, record.reason);
      }
    }
    return outcome;
  }
  void ExpectRecords(const SourceSchema& schema, const std::string& path,
                     const std::vector<std::string>& records) const {
    for (const size_t block_bytes : kBlockSizes) {
      const Outcome outcome = ReadAll(schema, path, block_bytes);
      EXPECT_TRUE(outcome.status.ok()) << outcome.status;
      ASSERT_EQ(outcome.records.size(), records.size()) << path << " in blocks of " << block_bytes;
      for (size_t i = 0; i < records.size(); ++i) EXPECT_EQ(outcome.records[i].first, records[i]);
    }
  }

  const std::filesystem::path folder_;
};

TEST_F(FileLogTest, Lines) {
  const SourceSchema schema = JsonSchema();
  ExpectRecords(schema, Write("empty", ""), {});
  ExpectRecords(schema, Write("one", "{}"), {"{}"});
  ExpectRecords(schema, Write("ends", "{}\r\n{\"a\":1}\n"), {"{}", "{\"a\":1}"});
  ExpectRecords(schema, Write("blank", "{}\n\n{}"), {"{}", "", "{}"});
  ExpectRecords(schema, Write("mark", "\xEF\xBB\xBF{}\n\xEF\xBB\xBF{}"), {"{}", "\xEF\xBB\xBF{}"});
  ExpectRecords(schema, Write("only_mark", "\xEF\xBB\xBF"), {});
}

TEST_F(FileLogTest, CompressedByContentNotByName) {
  const SourceSchema schema = JsonSchema();
  const std::string text = Lines(200);
  std::vector<std::string> records;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    records.push_back(text.substr(at, text.find('\n', at) - at));
  const std::string first = text.substr(0, 1000), second = text.substr(1000);
  ExpectRecords(schema, Write("plain.gz", text), records);
  ExpectRecords(schema, Write("gzip.jsonl", Gzip(text)), records);
  ExpectRecords(schema, Write("zstd.jsonl", Zstd(text)), records);
  ExpectRecords(schema, Write("members", Gzip(first) + Gzip("") + Gzip(second)), records);
  ExpectRecords(schema, Write("padded", Gzip(text) + std::string(512, '\0')), records);
  ExpectRecords(schema, Write("frames", Zstd(first) + Zstd("") + Zstd(second)), records);
  const std::string skippable(
      "\x53\x2A\x4D\x18\x03\x00\x00\x00"
      "abc",
      11);
  ExpectRecords(schema, Write("skippable", skippable + Zstd(first) + skippable + Zstd(second)), records);
  ExpectRecords(schema, Write("mark.gz", Gzip("\xEF\xBB\xBF{}")), {"{}"});
}

TEST_F(FileLogTest, TruncatedAndDamagedArchives) {
  const SourceSchema schema = JsonSchema();
  const std::string text = Lines(300);
  for (const bool gzip : {true, false}) {
    const std::string packed = gzip ? Gzip(text) : Zstd(text);
    const std::string kind = gzip ? "gzip" : "zstd";
    for (size_t size = 4; size < packed.size(); size += 1 + packed.size() / 97) {
      const Outcome outcome = ReadAll(schema, Write("cut", packed.substr(0, size)), 1 << 20);
      EXPECT_EQ(outcome.status.code(), absl::StatusCode::kDataLoss) << size;
      EXPECT_THAT(std::string(outcome.status.message()), HasSubstr("the " + kind + " data is truncated"));
      EXPECT_THAT(std::string(outcome.status.message()),
                  HasSubstr(fmt::format("(in record {})", outcome.records.size())));
      for (const auto& [record, reason] : outcome.records) EXPECT_EQ(record.back(), '}');
    }
    int damaged = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      Random random(seed);
      std::string bad = packed;
      const size_t at = random.Between(12, static_cast<int64_t>(packed.size()) - 1);
      bad[at] = static_cast<char>(bad[at] ^ (1 << random.Below(8)));
      const Outcome outcome = ReadAll(schema, Write("bad", bad), 1 << 20);
      damaged += outcome.status.code() == absl::StatusCode::kDataLoss ? 1 : 0;
    }
    EXPECT_GT(damaged, 190) << kind;
    EXPECT_THAT(std::string(ReadAll(schema, Write("tail", packed + "tail!"), 100).status.message()),
                HasSubstr("the " + kind + " data is damaged"));
  }
  EXPECT_THAT(std::string(ReadAll(schema, Write("zeros", Gzip("{}") + std::string("\0\0x", 3)), 9).status.message()),
              HasSubstr("other bytes follow the gzip data"));
}

TEST_F(FileLogTest, AnErrorStaysAndTheRecordsBeforeItComeFirst) {
  const SourceSchema schema = JsonSchema();
  const std::string packed = Gzip(Lines(1000));
  const std::string path = Write("cut.gz", packed.substr(0, packed.size() - 20));
  auto input = OpenFile(schema, path, {.block_bytes = 4096});
  ASSERT_TRUE(input.ok()) << input.status();
  std::vector<RawRecord> records;
  int64_t count = 0;
  absl::Status status = absl::OkStatus();
  while ((status = input->log->Read(10, &records)).ok()) count += static_cast<int64_t>(records.size());
  EXPECT_GT(count, 900);
  EXPECT_FALSE(input->log->ended());
  EXPECT_EQ(input->log->Read(10, &records), status);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
}

TEST_F(FileLogTest, MemoryStaysBounded) {
  // 200 MB in one line, compressed to almost nothing.
  std::string packed;
  const std::string member = Gzip(std::string(10 << 20, 'x'));
  for (int i = 0; i < 20; ++i) packed += member;
  packed += Gzip("\n{\"k\":1,\"t\":1735689600000}\n");
  const std::string path = Write("bomb", packed);
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  const Outcome outcome = ReadAll(JsonSchema(), path, 1 << 20);
  getrusage(RUSAGE_SELF, &after);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  ASSERT_EQ(outcome.records.size(), 2u);
  EXPECT_EQ(outcome.records[0], std::make_pair(std::string(256, 'x'), Reason::kTooLarge));
  EXPECT_EQ(outcome.records[1].second, Reason::kNone);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 32 << 10);  // KiB
}

TEST_F(FileLogTest, Csv) {
  const SourceSchema schema = CsvSchema();
  const std::string row = "c1,1735689600000";
  ExpectRecords(schema, Write("rows", "k,t\n" + row + "\r\n\n" + row), {row, "", row});
  ExpectRecords(schema, Write("mark", "\xEF\xBB\xBF\"k\",t\r\n" + row), {row});
  ExpectRecords(schema, Write("quoted", "\"a\nb\",k,t\n\"x\ny\"," + row + "\n"), {"\"x\ny\"," + row});
  ExpectRecords(schema, Write("only_header", "k,t"), {});
  ExpectRecords(schema, Write("nothing", ""), {});
  for (const size_t block_bytes : kBlockSizes) {
    const Outcome outcome = ReadAll(schema, Write("open", "k,t\n\"c1,1\n" + row), block_bytes);
    ASSERT_EQ(outcome.records.size(), 2u);
    EXPECT_EQ(outcome.records[0], std::make_pair(std::string("\"c1,1"), Reason::kCsvSyntax));
    EXPECT_EQ(outcome.records[1], std::make_pair(row, Reason::kNone));
  }
  const std::pair<std::string, std::string> bad[] = {
      {"\nk,t\n", "blank"}, {"key,t\n", "column 'k'"}, {"\"k,t\n", "header line can't be read"}, {row, "column 'k'"}};
  for (const auto& [text, message] : bad) {
    const absl::Status status = OpenFile(schema, Write("bad.csv", text)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("bad.csv: "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  }
  RecordBuilder record;
  auto input = OpenFile(schema, Path("rows"));
  ASSERT_TRUE(input.ok());
  std::vector<RawRecord> records;
  ASSERT_TRUE(input->log->Read(1, &records).ok());
  EXPECT_EQ(input->decoder->Decode(records[0].bytes, &record), Reason::kNone);
  EXPECT_EQ(record.key(), "c1");
}

TEST_F(FileLogTest, Seek) {
  const SourceSchema schema = JsonSchema();
  for (const size_t block_bytes : kBlockSizes) {
    for (const std::string& path : {Write("ten", Lines(10)), Write("ten.zst", Zstd(Lines(10)))}) {
      for (int64_t offset = 0; offset <= 10; ++offset) {
        auto input = OpenFile(schema, path, {.block_bytes = block_bytes});
        ASSERT_TRUE(input.ok()) << input.status();
        ASSERT_TRUE(input->log->Seek(offset).ok());
        std::vector<RawRecord> records;
        ASSERT_TRUE(input->log->Read(1, &records).ok());
        ASSERT_EQ(records.size(), offset < 10 ? 1u : 0u);
        if (offset == 10) {
          EXPECT_TRUE(input->log->ended());
          continue;
        }
        EXPECT_EQ(records[0].offset, offset);
        EXPECT_EQ(records[0].bytes.substr(0, 8), fmt::format("{{\"k\":\"c{}", offset));
      }
      auto input = OpenFile(schema, path, {.block_bytes = block_bytes});
      const absl::Status status = input->log->Seek(11);
      EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
      EXPECT_THAT(std::string(status.message()), HasSubstr("has 10 records"));
    }
  }
}

TEST_F(FileLogTest, IdentityNameAndProgress) {
  const SourceSchema schema = JsonSchema();
  const std::string text = Lines(100000);
  const std::string path = Write("long", text);
  auto input = OpenFile(schema, path, {.block_bytes = 65536});
  ASSERT_TRUE(input.ok());
  Log& log = *input->log;
  EXPECT_EQ(log.name(), path);
  EXPECT_THAT(log.identity(), ::testing::MatchesRegex(fmt::format("{}:[0-9a-f]+", text.size())));
  EXPECT_EQ(log.identity().size(), fmt::format("{}:", text.size()).size() + 16);
  double progress = log.progress();
  EXPECT_LT(progress, 0.2);
  std::vector<RawRecord> records;
  while (!log.ended()) {
    ASSERT_TRUE(log.Read(1000, &records).ok());
    EXPECT_GE(log.progress(), progress);
    progress = log.progress();
  }
  EXPECT_EQ(progress, 1.0);
  const std::string same = Write("same", text);
  std::string changed = text;
  changed[10] ^= 1;
  EXPECT_EQ(OpenFile(schema, same)->log->identity(), log.identity());
  EXPECT_NE(OpenFile(schema, Write("changed", changed))->log->identity(), log.identity());
  EXPECT_NE(OpenFile(schema, Write("longer", text + "{}\n"))->log->identity(), log.identity());
}

TEST_F(FileLogTest, Pipes) {
  const std::string path = Path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const pid_t writer = fork();
  if (writer == 0) {
    const std::string text = Gzip(Lines(5000));
    std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
    _exit(0);
  }
  auto input = OpenFile(JsonSchema(), path);
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->log->identity(), "");
  EXPECT_LT(input->log->progress(), 0);
  size_t count = 0;
  std::vector<RawRecord> records;
  while (!input->log->ended()) {
    ASSERT_TRUE(input->log->Read(100, &records).ok());
    count += records.size();
  }
  EXPECT_EQ(count, 5000u);
}

TEST_F(FileLogTest, WhatCannotBeOpened) {
  const SourceSchema schema = JsonSchema();
  const auto expect = [&](const std::string& path, absl::StatusCode code, const std::string& message) {
    const absl::Status status = OpenFile(schema, path).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(std::string(status.message()), message);
  };
  expect(Path("nothing"), absl::StatusCode::kNotFound, Path("nothing") + " does not exist");
  expect(Path(""), absl::StatusCode::kInvalidArgument, Path("") + " is a directory, not a file");
  expect(Write("x.xz",
               "\xFD"
               "7zXZ\0..."),
         absl::StatusCode::kInvalidArgument,
         Path("x.xz") + " is an xz archive; plain UTF-8 text, gzip and zstd can be read");
  expect(Write("utf16", std::string("\xFF\xFE{\0}\0", 6)), absl::StatusCode::kInvalidArgument,
         Path("utf16") + " is UTF-16 text; plain UTF-8 text, gzip and zstd can be read");
  if (geteuid() != 0) {  // root may read everything
    ASSERT_EQ(chmod(Write("secret", "{}").c_str(), 0), 0);
    expect(Path("secret"), absl::StatusCode::kPermissionDenied, "no permission to read " + Path("secret"));
  }
}

TEST_F(FileLogTest, RefusesAnotherTimeUnit) {
  SourceSchema schema = JsonSchema();
  const std::string path = Write("millis", Lines(20));
  EXPECT_TRUE(OpenFile(schema, path).ok());
  schema.time.unit = TimeUnit::kSeconds;
  const absl::Status status = OpenFile(schema, path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()),
            path +
                ": time 1735689600000 looks like milliseconds (2025-01-01T00:00:00.000Z), "
                "but the declared unit is s (record 0)");
  // One record that is right, or no time at all, is no reason to refuse.
  EXPECT_TRUE(OpenFile(schema, Write("mixed", Lines(5) + "{\"k\":1,\"t\":1735689600}\n")).ok());
  EXPECT_TRUE(OpenFile(schema, Write("none", "{}\n{}\nx\n")).ok());
  SourceSchema csv = CsvSchema();
  csv.time.unit = TimeUnit::kRfc3339;
  EXPECT_EQ(OpenFile(csv, Write("csv", "k,t\nc1,1735689600000\n")).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(FileLogTest, ExpandGlob) {
  for (const char* name : {"b.csv", "a.csv", "B.csv", "a10.csv", "a[1].csv", "c.txt"}) Write(name, "");
  EXPECT_THAT(*ExpandGlob(Path("*.csv")),
              ElementsAre(Path("B.csv"), Path("a.csv"), Path("a10.csv"), Path("a[1].csv"), Path("b.csv")));
  EXPECT_THAT(*ExpandGlob(Path("a[1].csv")), ElementsAre(Path("a[1].csv")));
  EXPECT_THAT(*ExpandGlob(Path("c.txt")), ElementsAre(Path("c.txt")));
  EXPECT_THAT(*ExpandGlob("-"), ElementsAre("-"));
  EXPECT_EQ(ExpandGlob(Path("*.json")).status(), absl::NotFoundError("no file matches " + Path("*.json")));
  EXPECT_EQ(ExpandGlob(Path("none")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ExpandGlob(folder_).status(), absl::InvalidArgumentError(folder_.string() + " is a directory, not a file"));
  std::filesystem::create_directory(Path("dir.csv"));
  EXPECT_EQ(ExpandGlob(Path("*.csv")).status(),
            absl::InvalidArgumentError(Path("*.csv") + " matches " + Path("dir.csv") + ", which is a directory"));
}

}  // namespace
}  // namespace ebb
