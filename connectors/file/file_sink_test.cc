// The output file: what is committed stays, what isn't goes, and errors aren't forgotten.
#include "connectors/file/file_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include <fmt/format.h>

namespace ebb {
namespace {

using ::testing::HasSubstr;

class FileSinkTest : public ::testing::Test {
 protected:
  FileSinkTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("ebb_file_sink_{}", getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~FileSinkTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }
  static std::string Content(const std::string& path) {
    std::ostringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    return content.str();
  }

  const std::filesystem::path folder_;
};

TEST_F(FileSinkTest, AFreshRunReplacesTheFile) {
  const std::string path = Path("out.jsonl");
  std::ofstream(path) << "old lines\nmore of them\n";
  auto sink = FileSink::Open(path, -1);
  ASSERT_TRUE(sink.ok()) << sink.status();
  EXPECT_EQ((*sink)->bytes(), 0);
  EXPECT_EQ((*sink)->path(), path);
  EXPECT_TRUE((*sink)->Append("{\"a\":1}\n").ok());
  EXPECT_TRUE((*sink)->Append("").ok());
  EXPECT_TRUE((*sink)->Append("{\"a\":2}\n{\"a\":3}\n").ok());
  EXPECT_TRUE((*sink)->Sync().ok());
  EXPECT_EQ((*sink)->bytes(), 24);
  EXPECT_EQ(Content(path), "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
}

TEST_F(FileSinkTest, WhatWasNotCommittedIsCutOff) {
  const std::string path = Path("out.jsonl");
  for (const int64_t committed : {24, 16, 8, 0}) {
    std::ofstream(path) << "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";
    auto sink = FileSink::Open(path, committed);
    ASSERT_TRUE(sink.ok()) << sink.status();
    EXPECT_EQ((*sink)->bytes(), committed);
    EXPECT_TRUE((*sink)->Append("{\"b\":4}\n").ok());
    EXPECT_EQ((*sink)->bytes(), committed + 8);
    EXPECT_EQ(
        Content(path),
        std::string("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n").substr(0, static_cast<size_t>(committed)) + "{\"b\":4}\n");
  }
}

TEST_F(FileSinkTest, WhatCannotBeOpened) {
  const std::string path = Path("out.jsonl");
  std::ofstream(path) << "12345";
  const auto expect = [](const std::string& file, int64_t committed, absl::StatusCode code,
                         const std::string& message) {
    const absl::Status status = FileSink::Open(file, committed).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  };
  expect(path, 6, absl::StatusCode::kFailedPrecondition, "was truncated or replaced: it has 5 bytes, but 6 bytes");
  EXPECT_EQ(Content(path), "12345");
  expect(Path("gone"), 6, absl::StatusCode::kFailedPrecondition, "was removed");
  EXPECT_FALSE(std::filesystem::exists(Path("gone")));
  expect(Path("no/such/out"), -1, absl::StatusCode::kNotFound, "its directory does not exist");
  expect(path + "/out", -1, absl::StatusCode::kNotFound, "its directory does not exist");
  expect(folder_, -1, absl::StatusCode::kInvalidArgument, "it is a directory");
  expect("/dev/null", 6, absl::StatusCode::kFailedPrecondition, "not a regular file");
}

TEST_F(FileSinkTest, AFullDiskPoisonsTheSink) {
  auto sink = FileSink::Open("/dev/full", -1);
  ASSERT_TRUE(sink.ok()) << sink.status();
  const absl::Status status = (*sink)->Append("line\n");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("writing /dev/full failed: no space is left"));
  EXPECT_EQ((*sink)->Append(""), status);
  EXPECT_EQ((*sink)->Sync(), status);
  EXPECT_EQ((*sink)->bytes(), 0);
}

TEST_F(FileSinkTest, ShortWritesAreContinued) {
  // A pipe takes 64 KiB at once.
  const std::string path = Path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::string received;
  std::thread reader([&] { received = Content(path); });
  std::string lines;
  for (int i = 0; i < 100000; ++i) lines += fmt::format("{{\"n\":{}}}\n", i);
  {
    auto sink = FileSink::Open(path, -1);
    EXPECT_TRUE(sink.ok()) << sink.status();
    EXPECT_TRUE((*sink)->Append(lines).ok());
    EXPECT_TRUE((*sink)->Sync().ok());
    EXPECT_EQ((*sink)->bytes(), static_cast<int64_t>(lines.size()));
  }
  reader.join();
  EXPECT_EQ(received, lines);
}

TEST_F(FileSinkTest, StandardOutput) {
  const std::string path = Path("stdout");
  std::ofstream(path) << "before\n";
  fflush(stdout);
  const int saved = dup(STDOUT_FILENO);
  FILE* redirected = fopen(path.c_str(), "a");
  ASSERT_NE(redirected, nullptr);
  dup2(fileno(redirected), STDOUT_FILENO);
  absl::Status appended, synced;
  {
    auto sink = FileSink::Open("-", -1);
    appended = (*sink)->Append("line\n");
    synced = (*sink)->Sync();
  }
  dup2(saved, STDOUT_FILENO);
  close(saved);
  fclose(redirected);
  EXPECT_TRUE(appended.ok()) << appended;
  EXPECT_TRUE(synced.ok()) << synced;
  EXPECT_EQ(Content(path), "before\nline\n");
}

}  // namespace
}  // namespace ebb
