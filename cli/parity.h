// `ebb capture` and `ebb verify`: a live run's topics as files, and the proof that a replay of them gives the same.
#pragma once

#include <string>

namespace ebb {

struct ParityOptions {
  std::string pipeline;  // path of the file
  std::string folder;
  bool json = false;  // verify: the result as one JSON object
};

// Exit code: 0 done, 1 failed, 2 wrong usage, file or topics.
int RunCapture(const ParityOptions& options);
// Exit code: 0 identical, 1 different or damaged, 2 wrong usage, file or capture.
int RunVerify(const ParityOptions& options);

}  // namespace ebb
