// Two holders in one process stand for two processes: the kernel's lock is the open file's.
#include "serve/directory_lock.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb {
namespace {

class DirectoryLockTest : public testing::Test {
 protected:
  ~DirectoryLockTest() override { std::filesystem::remove_all(path_); }
  const std::string path_ = testing::TempDir() + "ebb_directory_lock";
};

TEST_F(DirectoryLockTest, OneProcessAtATimeUnderOneName) {
  auto first = DirectoryLock::Take(path_);
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string name = (*first)->name();
  EXPECT_THAT(name, testing::MatchesRegex("[0-9a-f]{16}"));
  const auto second = DirectoryLock::Take(path_);
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status())) << second.status();
  first->reset();
  const auto third = DirectoryLock::Take(path_);
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ((*third)->name(), name);
}

TEST_F(DirectoryLockTest, OtherDirectoriesHaveOtherNames) {
  const auto one = DirectoryLock::Take(path_ + "/a");
  const auto other = DirectoryLock::Take(path_ + "/b");
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_NE((*one)->name(), (*other)->name());
}

TEST_F(DirectoryLockTest, ADirectoryThatCannotBe) {
  const auto lock = DirectoryLock::Take("/proc/ebb");
  EXPECT_TRUE(absl::IsInvalidArgument(lock.status())) << lock.status();
}

}  // namespace
}  // namespace ebb
