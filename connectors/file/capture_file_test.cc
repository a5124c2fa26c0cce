// What goes in comes out, whatever the bytes; what was changed is noticed.
#include "connectors/file/capture_file.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/random.h"

namespace ebb {
namespace {

struct Kept {
  int64_t offset;
  TimeMs append_time;
  std::string key, value;
  bool null_value;

  bool operator==(const Kept&) const = default;
};

class CaptureFileTest : public testing::Test {
 protected:
  CaptureFileTest() { std::filesystem::create_directories(folder_); }
  ~CaptureFileTest() override { std::filesystem::remove_all(folder_); }

  std::vector<Kept> MakeRecords(uint64_t seed, int count) {
    Random random(seed);
    std::vector<Kept> records;
    int64_t offset = 100;
    for (int i = 0; i < count; ++i) {
      Kept kept{offset, random.Between(-5, 1'800'000'000'000), "", "", random.Chance(0.1)};
      offset += random.Between(1, 3);
      for (std::string* text : {&kept.key, &kept.value}) {
        if (text == &kept.value && kept.null_value) continue;
        const int64_t size = random.Chance(0.02) ? random.Between(0, 3'000'000) : random.Between(0, 200);
        for (int64_t c = 0; c < size; ++c) text->push_back(static_cast<char>(random.Below(256)));
      }
      records.push_back(kept);
    }
    partition_ = {"p.records", "topic/3", "id", 100, offset + 5};
    return records;
  }
  void Write(const std::vector<Kept>& records) {
    auto writer = CaptureWriter::Open(folder_ + "/p.records");
    ASSERT_TRUE(writer.ok()) << writer.status();
    for (const Kept& kept : records) {
      RawRecord raw{.offset = kept.offset, .bytes = kept.value};
      raw.key = kept.key;
      raw.append_time = kept.append_time;
      raw.null_value = kept.null_value;
      ASSERT_TRUE((*writer)->Append(raw).ok());
    }
    ASSERT_TRUE((*writer)->Finish(&partition_).ok());
  }
  absl::StatusOr<std::vector<Kept>> ReadAll(size_t batch, int64_t from = -1) {
    auto log = OpenCaptured(folder_, partition_);
    if (!log.ok()) return log.status();
    if (from >= 0) {
      const absl::Status status = (*log)->Seek(from);
      if (!status.ok()) return status;
    }
    std::vector<Kept> records;
    std::vector<RawRecord> raw;
    while ((*log)->position() < (*log)->end_offset()) {
      const absl::Status status = (*log)->Read(batch, &raw);
      if (!status.ok()) return status;
      for (const RawRecord& r : raw) {
        volatile char beyond = r.bytes.data() == nullptr ? '\0' : r.bytes.data()[r.bytes.size() + kReadPadding - 1];
        (void)beyond;
        records.push_back({r.offset, r.append_time, std::string(r.key), std::string(r.bytes), r.null_value});
      }
    }
    return records;
  }

  const std::string folder_ = testing::TempDir() + "ebb_capture_file";
  CapturedPartition partition_;
};

TEST_F(CaptureFileTest, WhatGoesInComesOut) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const std::vector<Kept> records = MakeRecords(seed, seed == 0 ? 0 : 300);
    Write(records);
    for (size_t batch : {1, 7, 5000}) {
      const auto read = ReadAll(batch);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_TRUE(*read == records) << "seed " << seed << ", batch " << batch;
    }
  }
}

TEST_F(CaptureFileTest, BeginsWhereItIsTold) {
  const std::vector<Kept> records = MakeRecords(3, 300);
  Write(records);
  const auto read = ReadAll(10, records[200].offset);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == std::vector<Kept>(records.begin() + 200, records.end()));
  EXPECT_TRUE(absl::IsOutOfRange(ReadAll(10, 99).status()));
  EXPECT_TRUE(absl::IsOutOfRange(ReadAll(10, partition_.end + 1).status()));
}

TEST_F(CaptureFileTest, EveryChangeIsNoticed) {
  Write(MakeRecords(9, 60));
  const std::string path = folder_ + "/p.records";
  std::stringstream whole;
  whole << std::ifstream(path, std::ios::binary).rdbuf();
  const std::string good = whole.str();
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    std::string bad = good;
    const size_t at = random.Below(bad.size());
    switch (random.Below(3)) {
      case 0:
        bad[at] = static_cast<char>(bad[at] ^ (1 << random.Below(8)));
        break;
      case 1:
        bad.resize(at);
        break;
      default:
        bad.erase(at, 1 + random.Below(20));
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bad;
    const auto read = ReadAll(1000);
    EXPECT_FALSE(read.ok()) << "change " << i << " at " << at;
  }
}

}  // namespace
}  // namespace ebb
