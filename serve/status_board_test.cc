// When a service is ready, and what it says when it isn't.
#include "serve/status_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(StatusBoardTest, ReadyWhenEveryTaskIsLive) {
  StatusBoard board;
  EXPECT_THAT(board.Get().NotReady(), ElementsAre("waiting for the group to share out the tasks"));
  board.Update([](ServiceStatus* status) {
    status->joined = true;
    status->tasks[0].phase = TaskPhase::kLive;
    status->tasks[1].phase = TaskPhase::kRecovering;
    status->tasks[1].epochs_left = 7;
  });
  EXPECT_THAT(board.Get().NotReady(), ElementsAre("task 1 is recovering, 7 epochs left"));
  board.Update([](ServiceStatus* status) { status->tasks[1].phase = TaskPhase::kLive; });
  EXPECT_THAT(board.Get().NotReady(), IsEmpty());
}

TEST(StatusBoardTest, SaysWhatIsWrong) {
  ServiceStatus status;
  status.trouble = "no broker answers";
  EXPECT_THAT(status.NotReady(), ElementsAre("no broker answers"));
  status = {};
  status.joined = true;
  status.tasks[2].phase = TaskPhase::kRefused;
  status.tasks[2].why = "the state is ahead";
  EXPECT_THAT(status.NotReady(), ElementsAre("task 2 is refused: the state is ahead"));
  status.tasks.clear();
  EXPECT_THAT(status.NotReady(), IsEmpty());  // a member without tasks is ready to take some
  status.draining = true;
  EXPECT_THAT(status.NotReady(), ElementsAre("stopping"));
}

}  // namespace
}  // namespace ebb
